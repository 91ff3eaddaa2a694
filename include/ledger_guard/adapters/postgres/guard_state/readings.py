"""Readings and the state of their windows in Postgres."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import psycopg
from psycopg.rows import tuple_row

from ledger_guard.adapters.flag_stores.store_rules import require_known_windows
from ledger_guard.adapters.postgres.rows import Store, as_jsonb, value_of
from ledger_guard.domain.findings import RowCause
from ledger_guard.domain.signals import MoneyAtRisk, Reading, SensedWindow, Trigger
from ledger_guard.domain.windows import Window
from ledger_guard.sql import statement

#: rows fetched at a time: memory stays that of the list asked for
_FETCH_ROWS = 20_000
#: of most readings
_NOTHING = MoneyAtRisk(0)
_UNKNOWN_COLUMNS = (None, None, None, None)


class PostgresReadingStore(Store):
    """ReadingStore; `record` brings any number of readings in with one copy."""

    def sensed_through(self, trigger: Trigger) -> datetime | None:
        """See ReadingStore."""
        row = self._row("guard/select_newest_window", trigger=trigger.value)
        return None if row is None else Window(row["window_start"], timedelta(seconds=row["window_seconds"])).end

    def record(self, windows: Sequence[SensedWindow], readings: Sequence[Reading]) -> int:
        """See ReadingStore."""
        require_known_windows(windows, readings)
        if not windows:
            return 0
        self._execute("guard/create_given_window")
        self._execute("guard/create_given_reading")
        self._copy_windows(windows)
        self._copy_readings(readings)
        self._execute("guard/analyze_given_readings")
        self._execute("guard/insert_given_windows")
        starts = [sensed.window.start for sensed in windows]
        triggers = sorted({sensed.trigger.value for sensed in windows})
        given = {"triggers": triggers, "start": min(starts), "end": max(starts) + timedelta(microseconds=1)}
        self._execute("guard/revise_given_windows", **given)
        self._execute("guard/delete_revised_readings", **given)
        self._execute("guard/insert_given_readings")
        row = self._row("guard/count_revised_windows")
        self._execute("guard/drop_given_readings")
        return 0 if row is None else int(row["revised"])

    def _copy_windows(self, windows: Sequence[SensedWindow]) -> None:
        with self._connection.cursor() as cursor, cursor.copy(statement("guard/copy_given_windows")) as copy:
            for sensed in windows:
                seconds = int(sensed.window.length.total_seconds())
                copy.write_row(
                    (sensed.trigger.value, sensed.window.start, seconds, sensed.state.value, sensed.reason, sensed.sensed_at)
                )

    def _copy_readings(self, readings: Sequence[Reading]) -> None:
        window, seconds = None, 0
        try:
            with self._connection.cursor() as cursor, cursor.copy(statement("guard/copy_given_readings")) as copy:
                for each in readings:
                    if each.window is not window:
                        window, seconds = each.window, int(each.window.length.total_seconds())
                    counts = (each.events, each.exposure, each.subjects)
                    copy.write_row(
                        (each.trigger.value, window.start, each.tenant_id, seconds, *counts, *_money_columns(each.money))
                    )
        except psycopg.errors.UniqueViolation as error:
            raise ValueError(f"readings: one is given twice: {error.diag.message_detail}") from error

    def windows(self, trigger: Trigger, start: datetime, end: datetime) -> list[SensedWindow]:
        """See ReadingStore."""
        rows = self._execute("guard/select_windows", trigger=trigger.value, start=start, end=end).fetchall()
        spans = [{"start": row["window_start"], "length": timedelta(seconds=row["window_seconds"])} for row in rows]
        return [value_of(SensedWindow, {**row, "window": span}) for row, span in zip(rows, spans, strict=True)]

    def readings(self, trigger: Trigger, start: datetime, end: datetime) -> list[Reading]:
        """See ReadingStore."""
        found: list[Reading] = []
        window: Window | None = None
        with self._connection.cursor("readings", row_factory=tuple_row) as cursor:
            cursor.itersize = _FETCH_ROWS
            between = {"trigger": trigger.value, "start": start, "end": end}
            cursor.execute(statement("guard/select_readings"), between, binary=True)
            for window_start, window_seconds, tenant_id, events, exposure, subjects, *money in cursor:
                if window is None or window.start != window_start:
                    window = Window(window_start, timedelta(seconds=window_seconds))
                found.append(Reading(trigger, tenant_id, window, events, exposure, subjects, _money_of(*money)))
        return found


def _money_columns(money: MoneyAtRisk | None) -> tuple[object, ...]:
    if money is None:
        return _UNKNOWN_COLUMNS
    by_cause = as_jsonb({cause.value: cents for cause, cents in money.by_cause.items()}) if money.by_cause else None
    return money.cents, money.without_amount, by_cause, money.differs_since


def _money_of(
    cents: int | None, without_amount: int | None, by_cause: dict[str, int | None] | None, differs_since: datetime | None
) -> MoneyAtRisk | None:
    if without_amount is None:
        return None
    if (cents, without_amount, by_cause, differs_since) == (0, 0, None, None):
        return _NOTHING
    causes = {RowCause(cause): of_cause for cause, of_cause in (by_cause or {}).items()}
    return MoneyAtRisk(cents, without_amount, causes, differs_since)
