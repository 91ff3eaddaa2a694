"""Whether a signal rose again soon after its flag was enabled without confirmation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ledger_guard.domain.facts.codec import told
from ledger_guard.domain.facts.flags import Restored
from ledger_guard.domain.failure_counts import chance_of_at_least
from ledger_guard.domain.flags import EVERYWHERE, ChangeStatus, FlagChange
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.verdicts import Severity, Verdict
from ledger_guard.domain.windows import Window, iso
from ledger_guard.policy.schema import Policy
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.signals.registry import signals_of_flag
from ledger_guard.use_cases.flags.flag_proposal import listed_tenants
from ledger_guard.use_cases.flags.restore_attempts import PooledAttempts, pooled_attempts


@dataclass(frozen=True)
class Rise:
    """A signal that rose since its flag was enabled."""

    trigger: Trigger
    #: those in alarm or with failures, sorted
    tenants: tuple[str, ...]
    first_window_start: datetime
    last_window_start: datetime
    #: the evidence in one sentence
    words: str


def is_watched(deps: Dependencies, change: FlagChange) -> bool:
    """Whether the change enabled its flag within `restore.watch_minutes` and is not confirmed."""
    return _is_unproved_restore(deps.policy, change) and deps.wall_clock.now() - change.changed_at <= _watch_time(deps.policy)


def watch_words(deps: Dependencies, change: FlagChange) -> str:
    """For people: how long an unconfirmed restore is watched; empty for any other change."""
    if not _is_unproved_restore(deps.policy, change):
        return ""
    minutes = deps.policy.restore.watch_minutes
    signals = " or ".join(deps.policy.named(trigger) for trigger in _signals(deps.policy, change.flag))
    return f"watched for {minutes} minutes: if {signals} rises again, approvers are asked for a rollback"


def rise_since(deps: Dependencies, state: UnitOfWork, change: FlagChange) -> Rise | None:
    """The first of the flag's signals that rose in the change's scope since the change; None when none did.

    It rose when a tenant is in alarm, or when the tenants too small for a verdict together have at least `minimum_events`
    failures, and so many would have at most the chance `restore.chance_of_luck` at the rate that the policy calls mild.
    Balance comparisons are left out: the wallets were in order when the flag was enabled, and a backfill repairs them.
    """
    if not is_watched(deps, change):
        return None
    length = timedelta(minutes=deps.policy.window_minutes)
    first = _watched_from(state, change)
    end = min(deps.clock.now(), first + _watch_time(deps.policy))
    for trigger in _signals(deps.policy, change.flag):
        verdicts = state.verdicts.between(trigger, Window.containing(first, length).start, end)
        own = [verdict for verdict in verdicts if change.tenant_id in (EVERYWHERE, verdict.tenant_id)]
        if (rise := _rise(deps, trigger, own, change)) is not None:
            return rise
    return None


def _is_unproved_restore(policy: Policy, change: FlagChange) -> bool:
    is_on_anew = change.to_value is not policy.flags[change.flag].safe_value and change.from_value is not change.to_value
    return is_on_anew and change.status is not ChangeStatus.CONFIRMED


def _watch_time(policy: Policy) -> timedelta:
    return timedelta(minutes=policy.restore.watch_minutes)


def _signals(policy: Policy, flag: str) -> list[Trigger]:
    return [each for each in signals_of_flag(policy, flag) if not policy.trigger(each).source.speaks_of_now_alone]


def _watched_from(state: UnitOfWork, change: FlagChange) -> datetime:
    """Event time of the change; wall-clock time where the record has none."""
    for entry in state.audit.entries(incident_id=change.incident_id):
        restored = told(entry.event, Restored)
        if restored and restored.approval_id == change.approval_id and restored.watched_from is not None:
            return restored.watched_from
    return change.changed_at


def _rise(deps: Dependencies, trigger: Trigger, verdicts: Sequence[Verdict], change: FlagChange) -> Rise | None:
    alarms = [verdict for verdict in verdicts if verdict.severity.is_alarm]
    untold = [verdict for verdict in verdicts if verdict.severity is Severity.INSUFFICIENT]
    pooled = pooled_attempts(deps.policy, trigger, _by_window(untold))
    if alarms:
        # each tenant's newest verdict
        newest = {verdict.tenant_id: verdict for verdict in sorted(alarms, key=lambda verdict: verdict.window.start)}
        shown = sorted(newest)[: deps.policy.notification.list_at_most]
        hit, what = alarms, " ".join(f"{tenant}: {newest[tenant].sentence}" for tenant in shown)
    elif _is_high(deps.policy, trigger, pooled):
        hit = [verdict for verdict in untold if verdict.reasons.get("events")]
        what = f"{pooled.described()}, usually {pooled.usual_failures:.2g}"
    else:
        return None
    tenants = tuple(sorted({verdict.tenant_id for verdict in hit}))
    starts = [verdict.window.start for verdict in hit]
    words = (
        f"{deps.policy.named(trigger)} rose again in {listed_tenants(deps, tenants)} after the flag was enabled at "
        f"{iso(change.changed_at)} ({change.status.value}): {what}"
    )
    return Rise(trigger, tenants, min(starts), max(starts), words)


def _is_high(policy: Policy, trigger: Trigger, pooled: PooledAttempts) -> bool:
    detection = policy.detection_of(trigger)
    by_luck = chance_of_at_least(pooled.failures, detection.mild_ratio * pooled.usual_failures)
    return pooled.failures >= detection.minimum_events and by_luck <= policy.restore.chance_of_luck


def _by_window(verdicts: Sequence[Verdict]) -> list[list[Verdict]]:
    windows: dict[datetime, list[Verdict]] = {}
    for verdict in verdicts:
        windows.setdefault(verdict.window.start, []).append(verdict)
    return list(windows.values())
