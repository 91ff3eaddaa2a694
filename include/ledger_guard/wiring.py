"""The only place that builds adapters: inside a task, a page's request or a command, from connection ids."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger_guard.adapters.audit.audit_key_source import audit_keys_from
from ledger_guard.adapters.clocks.rehearsal import RehearsalClock
from ledger_guard.adapters.clocks.system import SystemClock
from ledger_guard.adapters.files.local_marker import FileMarker
from ledger_guard.adapters.flag_probes.probes import HttpFlagProbes
from ledger_guard.adapters.flag_stores.dotenv import DotenvFlagStore
from ledger_guard.adapters.flag_stores.flagd import FlagdFlagStore
from ledger_guard.adapters.flag_stores.http import HttpFlagStore
from ledger_guard.adapters.flag_stores.postgres import PostgresFlagStore
from ledger_guard.adapters.flag_stores.restart import CommandRestarter, Restarter, WebhookRestarter
from ledger_guard.adapters.flag_stores.unleash import UnleashFlagStore
from ledger_guard.adapters.http.http_calls import HttpCaller
from ledger_guard.adapters.notifiers.several import SeveralNotifiers
from ledger_guard.adapters.notifiers.slack import SlackNotifier
from ledger_guard.adapters.pagers.messages import ApprisePager, EmailPager, SlackPager
from ledger_guard.adapters.pagers.opsgenie import OpsgeniePager
from ledger_guard.adapters.pagers.pagerduty import PagerDutyPager
from ledger_guard.adapters.platform_script.command_runner import PlatformCommandRunner
from ledger_guard.adapters.postgres.backfill import PostgresBackfillRunner
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.flag_writer import PostgresOneWriter
from ledger_guard.adapters.postgres.ledger import PostgresLedgerStore
from ledger_guard.adapters.postgres.ledger_words import PostgresLedgerWords
from ledger_guard.adapters.postgres.movement_witness import PostgresMovementWitness
from ledger_guard.adapters.postgres.schema_revision import require_this_release
from ledger_guard.adapters.postgres.state import PostgresGuardState
from ledger_guard.adapters.secrets.dotenv_secrets import DotenvSecretSource
from ledger_guard.adapters.signal_sources.access_events import AccessEventSource
from ledger_guard.adapters.signal_sources.balance_comparison import BalanceComparisonSource
from ledger_guard.adapters.signal_sources.by_trigger import SourcesByTrigger
from ledger_guard.adapters.signal_sources.prometheus import PrometheusSource
from ledger_guard.adapters.signal_sources.sql_query import SqlQuerySource
from ledger_guard.adapters.signal_sources.triage import PostgresTriageSource
from ledger_guard.adapters.validation.http_validation import HttpValidationSource
from ledger_guard.connections import backfill_settings, guard_settings, password_of, platform_settings, reader_settings
from ledger_guard.domain.audit_keys import AuditKeys
from ledger_guard.domain.errors import BadInputError
from ledger_guard.entrypoints.airflow.pagers import OpsgenieAlerts, apprise_message, pagerduty_events, smtp_mail
from ledger_guard.entrypoints.airflow.slack import slack_call
from ledger_guard.entrypoints.airflow.sql_engines import airflow_engine
from ledger_guard.policy.flag_store import FlagServer, RestartCommand, RestartWebhook, UnleashServer
from ledger_guard.policy.loader import load_policy
from ledger_guard.policy.schema import Policy
from ledger_guard.policy.sources import Prometheus
from ledger_guard.ports import Dependencies
from ledger_guard.ports.people import LocalMarker, Notifier, Pager
from ledger_guard.ports.platform import Clock, FlagStore, SignalSource

SLACK_CONNECTION = "slack_ledger_ops"


@dataclass(frozen=True)
class _Places:
    """The ingredients of a source adapter."""

    platform: ConnectionSettings
    guard: ConnectionSettings
    policy: Policy
    clock: Clock


#: by the word in a trigger's `source.kind`
_SOURCES: dict[str, Callable[[_Places, Any], SignalSource]] = {
    "access_events": lambda at, source: AccessEventSource(at.guard, source, at.policy.sensing.most_unreadable_share),
    "prometheus": lambda places, source: PrometheusSource(source, _caller(source), places.clock),
    "sql": lambda places, source: SqlQuerySource(source, lambda: airflow_engine(source.connection), places.clock),
    "balance_comparison": lambda places, source: BalanceComparisonSource(
        places.platform, places.policy.platform, places.clock, source.incremental, source.most_seconds
    ),
}
#: by the word in a channel's `kind`
_NOTIFIERS: dict[str, Callable[[Any], Notifier]] = {
    "slack": lambda channel: SlackNotifier(slack_call(SLACK_CONNECTION), channel.channel),
}
#: by the word in a pager's `kind`
_PAGERS: dict[str, Callable[[Any], Pager]] = {
    "slack": lambda pager: SlackPager(SlackNotifier(slack_call(SLACK_CONNECTION), pager.channel), pager.mention),
    "pagerduty": lambda pager: PagerDutyPager(pagerduty_events(pager.connection), pager.severity),
    "opsgenie": lambda pager: OpsgeniePager(OpsgenieAlerts(pager.connection), pager.priority),
    "email": lambda pager: EmailPager(smtp_mail(pager.connection), pager.to),
    "apprise": lambda pager: ApprisePager(apprise_message(pager.connection)),
}
#: by the word in `flag_store.kind`
_FLAG_STORES: dict[str, Callable[[Any, Policy, ConnectionSettings, Clock], FlagStore]] = {
    "postgres": lambda _, policy, platform, clock: PostgresFlagStore(platform, policy, clock),
    "dotenv": lambda store, policy, _, clock: DotenvFlagStore(store, _env_names(policy), _restarter(store.restart), clock),
    "http": lambda store, *_: HttpFlagStore(store, _caller(store)),
    "flagd": lambda store, _policy, _platform, clock: FlagdFlagStore(store, clock),
    "unleash": lambda store, _, platform, clock: UnleashFlagStore(
        store, _caller(store), PostgresOneWriter(platform, store.lock_wait_seconds), clock
    ),
}


def audit_keys() -> AuditKeys:
    """The keys that mark audit entries, from the environment; none is allowed."""
    return audit_keys_from(os.environ)


def local_marker() -> LocalMarker:
    """Remembers on this machine, in LEDGER_GUARD_MARKER_DIR, what was told while guard state was away."""
    folder = os.environ.get("LEDGER_GUARD_MARKER_DIR", "")
    return FileMarker(Path(folder) if folder else None)


def audit_heads_file() -> Path | None:
    """Where the health check records the audit log's head, LEDGER_GUARD_AUDIT_HEADS_FILE; None: nowhere."""
    path = os.environ.get("LEDGER_GUARD_AUDIT_HEADS_FILE", "")
    return Path(path) if path else None


def open_dependencies(policy: Policy | None = None) -> Dependencies:
    """The guard of one task, page or command, whose first question is whether guard state is of this release.

    Raises:
        SchemaMismatch: guard state is not created, older or newer. Where it does not answer, whoever uses it says so.
    """
    policy = policy or load_policy()
    require_this_release(guard_settings())
    return dependencies_that_tell(policy)


def dependencies_that_tell(policy: Policy | None = None) -> Dependencies:
    """As `open_dependencies`, for what must reach people whatever guard state is. Opens nothing: each adapter does when used."""
    policy = policy or load_policy()
    platform, guard, reader = platform_settings(), guard_settings(), reader_settings()
    keys = audit_keys()
    clock, wall_clock = _event_clock(platform), SystemClock()
    return Dependencies(
        policy=policy,
        state=PostgresGuardState(guard, keys),
        signals=signal_sources(reader, guard, policy, clock),
        triage=PostgresTriageSource(reader, guard, policy),
        secrets=DotenvSecretSource(policy),
        ledger=PostgresLedgerStore(reader, policy),
        backfill=PostgresBackfillRunner(*backfill_settings(), policy, wall_clock, keys),
        flags=flag_store(policy, platform, wall_clock),
        probes=flag_probes(policy),
        notifier=notifier(policy),
        pagers={name: _PAGERS[pager.kind](pager) for name, pager in policy.wake.pagers.items()},
        clock=clock,
        wall_clock=wall_clock,
        ui_url=os.environ.get("AIRFLOW__API__BASE_URL", "http://localhost:8080").rstrip("/"),
        validation=HttpValidationSource(policy),
    )


def signal_sources(platform: ConnectionSettings, guard: ConnectionSettings, policy: Policy, clock: Clock) -> SourcesByTrigger:
    """The source of each trigger of the policy. Opens nothing yet."""
    places = _Places(platform, guard, policy, clock)
    sources = {trigger: described.source for trigger, described in policy.triggers.items()}
    return SourcesByTrigger({trigger: _SOURCES[source.kind](places, source) for trigger, source in sources.items()})


def notifier(policy: Policy) -> Notifier:
    """The channels that the policy names. Opens nothing yet."""
    first, *others = [_NOTIFIERS[channel.kind](channel) for channel in policy.notification.channels]
    return SeveralNotifiers(first, others) if others else first


def open_ledger_words(policy: Policy) -> PostgresLedgerWords:
    """Build the reader of the platform's ledger words. Opens nothing yet."""
    return PostgresLedgerWords(reader_settings(), policy.platform)


def open_platform_script(policy: Policy) -> tuple[PlatformCommandRunner, PostgresMovementWitness]:
    """Build the driver of the platform's own backfill script, and the watcher of the ledger. Opens nothing yet.

    Raises:
        BadInputError: the policy does not say how to run it.
    """
    if policy.command_runner is None:
        raise BadInputError("policy: has no section command_runner; allowed: a policy with that section")
    writer, _ = backfill_settings()
    runner = PlatformCommandRunner(policy.command_runner, writer, policy.platform, os.environ)
    return runner, PostgresMovementWitness(reader_settings(), policy.platform)


def flag_probes(policy: Policy) -> HttpFlagProbes:
    """The probes of the platform that the policy names. Opens nothing yet."""
    return HttpFlagProbes(policy.probes, os.environ, secret_of=DotenvSecretSource(policy).signing_secret)


def flag_store(policy: Policy, platform: ConnectionSettings, wall_clock: Clock) -> FlagStore:
    """The store that the policy names. Opens nothing yet."""
    return _FLAG_STORES[policy.flag_store.kind](policy.flag_store, policy, platform, wall_clock)


def _env_names(policy: Policy) -> dict[str, str]:
    return {name: flag.env_name for name, flag in policy.flags.items()}


def _caller(server: FlagServer | UnleashServer | Prometheus) -> HttpCaller:
    conn_id = server.connection_id
    token = (lambda: password_of(conn_id)) if conn_id else (lambda: None)
    return HttpCaller(timeout_seconds=server.timeout_seconds, attempts=server.attempts, token=token)


def _restarter(restart: RestartCommand | RestartWebhook) -> Restarter:
    if isinstance(restart, RestartCommand):
        return CommandRestarter(restart, os.environ)
    caller = HttpCaller(
        timeout_seconds=restart.timeout_seconds, attempts=restart.attempts, token=lambda: os.environ.get(restart.token_env or "")
    )
    return WebhookRestarter(restart, caller)


def _event_clock(platform: ConnectionSettings) -> Clock:
    word = os.environ.get("LEDGER_GUARD_CLOCK", "system")
    if word == "system":
        return SystemClock()
    if word == "rehearsal":
        return RehearsalClock(platform)
    raise BadInputError(f"LEDGER_GUARD_CLOCK: {word!r} is unknown; allowed: system, rehearsal")
