"""Answers to the runbook's questions from Postgres: access events in guard state, balances on the platform."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from typing_extensions import LiteralString

from ledger_guard.adapters.postgres.connection import ConnectionSettings, Row, translated_errors
from ledger_guard.adapters.postgres.judged_wallets import JudgedWallets, has_ledger_table
from ledger_guard.adapters.postgres.platform_session import open_reader
from ledger_guard.adapters.postgres.schema_revision import open_guard_state
from ledger_guard.adapters.signal_sources.access_events import shape_parameters
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.forged_calls import RefusedIds, RefusedSenders, Sender
from ledger_guard.domain.signals import Trigger
from ledger_guard.policy.schema import Policy
from ledger_guard.policy.sources import AccessEvents
from ledger_guard.ports.platform import AffectedSubject, CallCount, FailureGroup
from ledger_guard.sql import statement


class PostgresTriageSource:
    """TriageSource. Every method raises SourceUnavailable when a database does not answer or lacks what it reads."""

    def __init__(self, platform: ConnectionSettings, guard: ConnectionSettings, policy: Policy) -> None:
        self._platform = platform
        self._guard = guard
        self._policy = policy

    def affected_subjects(
        self, trigger: Trigger, tenants: Sequence[str], start: datetime, end: datetime, limit: int
    ) -> list[AffectedSubject]:
        """See TriageSource. Raises BadInputError for a trigger that is not sensed from requests."""
        shape = self._shape(trigger)
        parameters = {
            **shape_parameters(shape, start, end),
            "error_code": shape.error_code,
            "tenants": list(tenants),
            "at_most": limit,
        }
        with translated_errors("access events"), open_guard_state(self._guard, "triage", read_only=True) as connection:
            rows = connection.execute(statement("signals/select_affected_subjects"), parameters).fetchall()
        balances = self._balances(rows) if shape.subject == "player" else {}
        return [
            AffectedSubject(
                row["tenant_id"],
                row["subject_id"],
                row["events"],
                *balances.get((row["tenant_id"], row["subject_id"]), (None, None, None)),
                row["smallest_asked"],
            )
            for row in rows
        ]

    def share_behind(self, tenant_id: str) -> float | None:
        """See TriageSource. Judges every player of the tenant."""
        row = self._judged("signals/count_wallets_behind", tenant_id)[0]
        return row["behind"] / row["players"] if row["players"] else None

    def failures_by_provider(self, trigger: Trigger, start: datetime, end: datetime) -> list[FailureGroup]:
        """See TriageSource."""
        parameters = shape_parameters(self._shape(trigger), start, end)
        with translated_errors("access events"), open_guard_state(self._guard, "triage", read_only=True) as connection:
            rows = connection.execute(statement("signals/select_failures_by_provider"), parameters).fetchall()
        return [FailureGroup(**row) for row in rows]

    def webhook_calls(self, trigger: Trigger, spans: Sequence[tuple[datetime, datetime]]) -> list[list[CallCount]]:
        """See TriageSource."""
        found: list[list[CallCount]] = [[] for _ in spans]
        if not spans:
            return found
        shape = self._shape(trigger)
        bounds = {"starts": [start for start, _ in spans], "ends": [end for _, end in spans]}
        parameters = {**shape_parameters(shape, *spans[0]), **bounds}
        with translated_errors("access events"), open_guard_state(self._guard, "triage", read_only=True) as connection:
            rows = connection.execute(statement("signals/count_webhook_calls"), parameters).fetchall()
        for row in rows:
            found[row["place"] - 1].append(CallCount(row["provider"], row["tenant_id"], row["accepted"], row["refused"]))
        return found

    def refused_ids(
        self, trigger: Trigger, start: datetime, end: datetime, known_from: datetime
    ) -> tuple[RefusedIds, datetime | None]:
        """See TriageSource."""
        parameters = {**shape_parameters(self._shape(trigger), start, end), "known_from": known_from}
        with translated_errors("access events"), open_guard_state(self._guard, "triage", read_only=True) as connection:
            row = connection.execute(statement("signals/describe_refusals"), parameters).fetchall()[0]
        return RefusedIds(row["refused"], row["without_id"], row["ids"], row["known_ids"]), row["most_since"]

    def refused_senders(self, trigger: Trigger, start: datetime, end: datetime, limit: int) -> RefusedSenders:
        """See TriageSource."""
        parameters = {**shape_parameters(self._shape(trigger), start, end), "at_most": limit}
        with translated_errors("access events"), open_guard_state(self._guard, "triage", read_only=True) as connection:
            rows = connection.execute(statement("signals/select_refused_senders"), parameters).fetchall()
        most = tuple(Sender(row["address"], row["refused"], row["accepted"]) for row in rows if row["address"] is not None)
        if not rows:
            return RefusedSenders((), addresses=0, refused=0, without_address=0)
        return RefusedSenders(most, rows[0]["addresses"], rows[0]["refused_in_all"], rows[0]["without_address"])

    def _balances(self, subjects: Sequence[Row]) -> dict[tuple[str, str], tuple[int | None, int | None, int | None]]:
        """What player and wallet have available, and the wallet should have, in cents, by tenant and player."""
        players: dict[str, list[str]] = {}
        for row in subjects:
            players.setdefault(row["tenant_id"], []).append(row["subject_id"])
        return {
            (tenant_id, row["player_id"]): (row["player_available"], row["wallet_available"], row["target_available"])
            for tenant_id, player_ids in players.items()
            for row in self._judged("signals/select_balances_of_players", tenant_id, player_ids)
        }

    def _judged(self, name: LiteralString, tenant_id: str, player_ids: Sequence[str] | None = None) -> list[Row]:
        with (
            translated_errors("the platform's balances"),
            open_reader(self._platform, self._policy.platform, "triage") as connection,
        ):
            judged = JudgedWallets(self._policy.platform, has_ledger=has_ledger_table(connection, self._policy.platform))
            parameters = judged.parameters(tenant_id, player_ids)
            return connection.execute(judged.within(statement(name)), parameters).fetchall()

    def _shape(self, trigger: Trigger) -> AccessEvents:
        source = self._policy.trigger(trigger).source
        if not isinstance(source, AccessEvents):
            raise BadInputError(f"{trigger.value}: is not sensed from requests; allowed: a trigger with a source access_events")
        return source
