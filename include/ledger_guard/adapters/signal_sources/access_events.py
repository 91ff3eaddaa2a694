"""Readings from the ingested access log: requests of one shape, and those of them that failed."""

from __future__ import annotations

from datetime import datetime

from psycopg.rows import tuple_row

from ledger_guard.adapters.postgres.connection import Connection, ConnectionSettings, translated_errors
from ledger_guard.adapters.postgres.schema_revision import open_guard_state
from ledger_guard.domain.access_events import why_unreadable
from ledger_guard.domain.error_codes import CODES_SEEN_WITHIN, CodesOfWindow, suspicious_windows, without_codes
from ledger_guard.domain.money import MOST_CENTS
from ledger_guard.domain.signals import MoneyAtRisk, Reading, Trigger
from ledger_guard.domain.windows import Window
from ledger_guard.policy.sources import AccessEvents
from ledger_guard.sql import statement

#: name of the access events in `source_watermark`
ACCESS_EVENTS = "access_event"
#: of most readings
_NOTHING = MoneyAtRisk(0)


class AccessEventSource:
    """SignalSource over `ledger_guard.access_event`.

    Every method raises SourceUnavailable when guard state does not answer or lacks a table: the window is `no_data`; retry
    when it is back.
    """

    def __init__(self, guard: ConnectionSettings, shape: AccessEvents, most_unreadable_share: float) -> None:
        """`most_unreadable_share`: a window with a larger share of unreadable lines, 0 to 1, has no data."""
        self._guard = guard
        self._shape = shape
        self._most_unreadable_share = most_unreadable_share

    def complete_through(self, trigger: Trigger) -> datetime | None:  # noqa: ARG002  one log for all
        """See SignalSource."""
        with translated_errors("access events"), self._open() as connection:
            row = connection.execute(statement("signals/select_watermark"), {"source": ACCESS_EVENTS}).fetchone()
        return row["complete_through"] if row else None

    def readings(self, trigger: Trigger, first: Window, last: Window) -> list[Reading]:
        """See SignalSource. One statement, however many windows or tenants."""
        parameters = {**self._windows(first, last), "error_code": self._shape.error_code, "most_cents": MOST_CENTS}
        found: list[Reading] = []
        window: Window | None = None
        with (
            translated_errors("access events"),
            self._open() as connection,
            connection.cursor(row_factory=tuple_row, binary=True) as cursor,
        ):
            for start, tenant_id, events, exposure, subjects, *money in cursor.execute(
                statement("signals/select_event_readings"), parameters
            ):
                # rows come by window: to make one each costs as much as to make its reading
                if window is None or window.start != start:
                    window = Window(start, first.length)
                found.append(Reading(trigger, tenant_id, window, events, exposure, subjects, _money(events, *money)))
        return found

    def unmeasurable(self, trigger: Trigger, first: Window, last: Window) -> dict[datetime, str]:  # noqa: ARG002  one shape
        """See SignalSource."""
        with translated_errors("access events"), self._open() as connection:
            query = statement("signals/select_unmeasurable_windows")
            rows = connection.execute(query, self._windows(first, last)).fetchall()
            codeless = self._without_codes(connection, first, last)
            around = {"requests_from": first.start - first.length, "requests_before": last.end + last.length}
            unreadable = connection.execute(
                statement("signals/select_unreadable_windows"), {**self._windows(first, last), **around}
            ).fetchall()
        return {
            **codeless,
            **{
                row["window_start"]: why
                for row in unreadable
                if (why := why_unreadable(row["lines"], row["requests"], row["reason"], self._most_unreadable_share))
            },
            **{row["window_start"]: unknown_codes_sentence(row["answers"], self._shape.status) for row in rows},
        }

    def _without_codes(self, connection: Connection, first: Window, last: Window) -> dict[datetime, str]:
        """Windows whose failures have no code, where no code was seen for days."""
        if self._shape.error_codes_may_be_absent:
            return {}
        rows = connection.execute(statement("signals/count_codes_of_errors"), self._windows(first, last)).fetchall()
        windows = [CodesOfWindow(row["window_start"], row["without_code"], row["coded_at"]) for row in rows]
        found = suspicious_windows(windows, first.length)
        if not found:
            return {}
        parameters = shape_parameters(self._shape, first.start - CODES_SEEN_WITHIN, first.start)
        newest = connection.execute(statement("signals/select_newest_code"), parameters).fetchone()
        return without_codes(found, newest["coded_at"] if newest else None, first.length, self._shape.status)

    def _windows(self, first: Window, last: Window) -> dict[str, object]:
        return {"window_length": first.length, **shape_parameters(self._shape, first.start, last.end)}

    def _open(self) -> Connection:
        return open_guard_state(self._guard, "signals", read_only=True)


def _money(events: int, cents: int | None, without_amount: int) -> MoneyAtRisk:
    """What the failures of a row asked for: nothing where nothing failed."""
    return MoneyAtRisk(cents, without_amount) if events else _NOTHING


def shape_parameters(shape: AccessEvents, start: datetime, end: datetime) -> dict[str, object]:
    """What statements over access events take: which requests, from when to when."""
    return {
        "start": start,
        "end": end,
        "method": shape.method,
        "path": shape.path,
        "path_is_prefix": shape.path_is_prefix,
        "status": shape.status,
    }


def unknown_codes_sentence(answers: int, status: int) -> str:
    """Why a window with such answers has no data."""
    return f"{answers} answer(s) {status} came without an error code: failures can't be classified"
