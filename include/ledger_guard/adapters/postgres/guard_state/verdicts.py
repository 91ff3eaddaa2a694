"""Verdicts and the severity engine's memory in Postgres."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from psycopg.rows import tuple_row

from ledger_guard.adapters.flag_stores.store_rules import stored_json
from ledger_guard.adapters.postgres.connection import Row
from ledger_guard.adapters.postgres.rows import Store
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.verdicts import Scope, Severity, Verdict
from ledger_guard.domain.windows import Window
from ledger_guard.sql import statement

#: rows fetched at a time: memory stays that of the list asked for
_FETCH_ROWS = 5_000


class PostgresVerdictStore(Store):
    """VerdictStore; `record` brings any number of verdicts in with one copy."""

    def record(self, verdicts: Sequence[Verdict], incident_id: str | None) -> None:
        """See VerdictStore."""
        if not verdicts:
            return
        self._execute("guard/create_given_verdict")
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
        self._execute("guard/upsert_given_verdicts", incident_id=incident_id)
        self._execute("guard/drop_given_verdicts")

    def withdraw(self, trigger: Trigger, window: Window, tenants: Sequence[str]) -> None:
        """See VerdictStore."""
        self._execute("guard/delete_verdicts", trigger=trigger.value, window_start=window.start, tenant_ids=list(tenants))

    def judged_through(self, trigger: Trigger) -> datetime | None:
        """See VerdictStore. Before the engine first saved its state, the newest verdict speaks."""
        saved = self._saved(trigger)
        if saved is not None:
            through: datetime = saved["judged_through"]
            return through
        row = self._row("guard/select_newest_verdict", trigger=trigger.value)
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
            for window_start, window_seconds, tenant_id, severity, scope, sentence, reasons in cursor:
                if window is None or window.start != window_start:
                    window = Window(window_start, timedelta(seconds=window_seconds))
                found.append(Verdict(trigger, tenant_id, window, Severity(severity), Scope(scope), sentence, reasons))
        return found

    def engine_state(self, trigger: Trigger) -> bytes | None:
        """See VerdictStore."""
        saved = self._saved(trigger)
        return None if saved is None else bytes(saved["state"])

    def save_engine_state(self, trigger: Trigger, judged_through: datetime, judged_at: datetime, state: bytes) -> None:
        """See VerdictStore."""
        saved = {"judged_through": judged_through, "judged_at": judged_at, "state": state}
        self._execute("guard/upsert_engine_state", trigger=trigger.value, **saved)

    def _saved(self, trigger: Trigger) -> Row | None:
        return self._row("guard/select_engine_state", trigger=trigger.value)
