"""Answers to the runbook's questions from Postgres: access events in guard state, balances on the platform."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ledger_guard.adapters.postgres.connection import ConnectionSettings, Row, compose, translated_errors
from ledger_guard.adapters.postgres.platform_names import platform_names
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.money import UNREADABLE_FROM
from ledger_guard.domain.signals import Trigger
from ledger_guard.policy.platform import RequestShape
from ledger_guard.policy.schema import Policy
from ledger_guard.ports import AffectedSubject, FailureGroup
from ledger_guard.sql import statement


class PostgresTriageSource:
    """TriageSource. Every method raises SourceUnavailable when a database does not answer or lacks what it reads."""

    def __init__(self, platform: ConnectionSettings, guard: ConnectionSettings, policy: Policy) -> None:
        self._platform = platform
        self._guard = guard
        self._policy = policy
        self._names = platform_names(policy.platform)

    def affected_subjects(
        self, trigger: Trigger, tenants: Sequence[str], start: datetime, end: datetime, limit: int
    ) -> list[AffectedSubject]:
        """See TriageSource. Raises BadInputError for a trigger that is not sensed from requests."""
        shape = self._shape(trigger)
        parameters = {
            **_shape_parameters(shape, start, end),
            "error_code": shape.error_code,
            "tenants": list(tenants),
            "at_most": limit,
        }
        with translated_errors("access events"), self._guard.open("triage", read_only=True) as connection:
            rows = connection.execute(statement("signals/select_affected_subjects"), parameters).fetchall()
        balances = self._balances(rows) if shape.subject == "player" else {}
        found = []
        for row in rows:
            player, wallet = balances.get((row["tenant_id"], row["subject_id"]), (None, None))
            found.append(AffectedSubject(row["tenant_id"], row["subject_id"], row["events"], player, wallet))
        return found

    def failures_by_provider(self, start: datetime, end: datetime) -> list[FailureGroup]:
        """See TriageSource."""
        parameters = _shape_parameters(self._shape(Trigger.WEBHOOK_SIGNATURE), start, end)
        with translated_errors("access events"), self._guard.open("triage", read_only=True) as connection:
            rows = connection.execute(statement("signals/select_failures_by_provider"), parameters).fetchall()
        return [FailureGroup(**row) for row in rows]

    def _balances(self, subjects: Sequence[Row]) -> dict[tuple[str, str], tuple[int | None, int | None]]:
        """Player's and wallet's available cents by tenant and player."""
        if not subjects:
            return {}
        parameters = {
            "tenant_ids": [row["tenant_id"] for row in subjects],
            "player_ids": [row["subject_id"] for row in subjects],
            "currency": self._policy.platform.currency,
            "unreadable_from": UNREADABLE_FROM,
        }
        query = compose(statement("signals/select_balances_of_players"), **self._names)
        seconds = self._policy.platform.statement_timeout_seconds
        with (
            translated_errors("the platform's balances"),
            self._platform.open("triage", read_only=True, statement_timeout_seconds=seconds) as connection,
        ):
            rows = connection.execute(query, parameters).fetchall()
        return {(row["tenant_id"], row["player_id"]): (row["player_available"], row["wallet_available"]) for row in rows}

    def _shape(self, trigger: Trigger) -> RequestShape:
        shape = self._policy.triggers[trigger].request
        if shape is None:
            raise BadInputError(f"{trigger.value}: is not sensed from requests; allowed: a trigger with source access_events")
        return shape


def _shape_parameters(shape: RequestShape, start: datetime, end: datetime) -> dict[str, object]:
    return {
        "start": start,
        "end": end,
        "method": shape.method,
        "path": shape.path,
        "path_is_prefix": shape.path_is_prefix,
        "status": shape.status,
    }
