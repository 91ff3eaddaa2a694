"""Verdicts and the severity engine's memory in Postgres."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from psycopg.rows import tuple_row

from ledger_guard.adapters.flag_stores.store_rules import stored_json
from ledger_guard.adapters.postgres.connection import Connection, Row
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.verdicts import Scope, Severity, Verdict
from ledger_guard.domain.windows import Window
from ledger_guard.sql import statement

#: rows fetched at a time: memory stays that of the list asked for
_FETCH_ROWS = 5_000


class PostgresVerdictStore:
    """VerdictStore; `record` brings any number of verdicts in with one copy."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def record(self, verdicts: Sequence[Verdict], incident_id: str | None) -> None:
        """See VerdictStore."""
        if not verdicts:
            return
        self._connection.execute(statement("guard/create_given_verdict"))
        with self._connection.cursor() as cursor, cursor.copy(statement("guard/copy_given_verdicts")) as copy:
            for verdict in verdicts:
                copy.write_row(
                    (
                        verdict.trigger.value,
                        verdict.window.start,
                        verdict.tenant_id,
                        int(verdict.window.length.total_seconds()),
                        verdict.severity.value,
                        verdict.scope.value,
                        verdict.sentence,
                        stored_json(verdict.reasons),
                    )
                )
        self._connection.execute(statement("guard/upsert_given_verdicts"), {"incident_id": incident_id})
        self._connection.execute(statement("guard/drop_given_verdicts"))

    def withdraw(self, trigger: Trigger, window: Window, tenants: Sequence[str]) -> None:
        """See VerdictStore."""
        gone = {"trigger": trigger.value, "window_start": window.start, "tenant_ids": list(tenants)}
        self._connection.execute(statement("guard/delete_verdicts"), gone)

    def judged_through(self, trigger: Trigger) -> datetime | None:
        """See VerdictStore. Before the engine first saved its state, the newest verdict speaks."""
        saved = self._saved(trigger)
        if saved is not None:
            through: datetime = saved["judged_through"]
            return through
        row = self._connection.execute(statement("guard/select_newest_verdict"), {"trigger": trigger.value}).fetchone()
        return None if row is None else Window(row["window_start"], timedelta(seconds=row["window_seconds"])).end

    def last_judged_at(self, trigger: Trigger) -> datetime | None:
        """See VerdictStore."""
        saved = self._saved(trigger)
        return None if saved is None else saved["judged_at"]

    def between(self, trigger: Trigger, start: datetime, end: datetime) -> list[Verdict]:
        """See VerdictStore."""
        found: list[Verdict] = []
        window: Window | None = None
        with self._connection.cursor("verdicts", row_factory=tuple_row) as cursor:
            cursor.itersize = _FETCH_ROWS
            between = {"trigger": trigger.value, "start": start, "end": end}
            cursor.execute(statement("guard/select_verdicts"), between, binary=True)
            for row in cursor:
                if window is None or window.start != row[0]:
                    window = Window(row[0], timedelta(seconds=row[1]))
                found.append(_verdict(trigger, window, row))
        return found

    def engine_state(self, trigger: Trigger) -> bytes | None:
        """See VerdictStore."""
        saved = self._saved(trigger)
        return None if saved is None else bytes(saved["state"])

    def save_engine_state(self, trigger: Trigger, judged_through: datetime, judged_at: datetime, state: bytes) -> None:
        """See VerdictStore."""
        self._connection.execute(
            statement("guard/upsert_engine_state"),
            {"trigger": trigger.value, "judged_through": judged_through, "judged_at": judged_at, "state": state},
        )

    def _saved(self, trigger: Trigger) -> Row | None:
        return self._connection.execute(statement("guard/select_engine_state"), {"trigger": trigger.value}).fetchone()


def _verdict(trigger: Trigger, window: Window, row: tuple[Any, ...]) -> Verdict:
    return Verdict(
        trigger=trigger,
        tenant_id=row[2],
        window=window,
        severity=Severity(row[3]),
        scope=Scope(row[4]),
        sentence=row[5],
        reasons=row[6],
    )
