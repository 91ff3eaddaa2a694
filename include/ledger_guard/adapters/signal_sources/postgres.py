"""Readings from Postgres: T1 and T2 from access events in guard state, T3 from the platform's balances."""

from __future__ import annotations

from datetime import datetime

from ledger_guard.adapters.postgres.connection import Connection, ConnectionSettings, Row, compose, translated_errors
from ledger_guard.adapters.postgres.judged_wallets import JudgedWallets, has_ledger_table
from ledger_guard.adapters.postgres.platform_names import platform_names
from ledger_guard.adapters.postgres.platform_session import open_reader
from ledger_guard.domain.signals import Reading, Trigger
from ledger_guard.domain.windows import Window
from ledger_guard.policy.platform import RequestShape
from ledger_guard.policy.schema import Policy
from ledger_guard.ports.platform import Clock
from ledger_guard.sql import statement

#: name of the access events in `source_watermark`
ACCESS_EVENTS = "access_event"


class PostgresSignalSource:
    """SignalSource over `ledger_guard.access_event` and the tables that `policy.platform` maps.

    Every method raises SourceUnavailable when a database does not answer or lacks a table or column: the window is
    `no_data`; retry when it is back.
    """

    def __init__(self, platform: ConnectionSettings, guard: ConnectionSettings, policy: Policy, clock: Clock) -> None:
        self._platform = platform
        self._guard = guard
        self._policy = policy
        self._clock = clock
        self._names = platform_names(policy.platform)

    def complete_through(self, trigger: Trigger) -> datetime | None:
        """See SignalSource. A comparison of balances is complete now, if the platform can be asked at all."""
        if self._shape(trigger) is None:
            with translated_errors("the platform's balances"), self._open_platform() as connection:
                connection.execute(compose(statement("signals/probe_balances"), **self._names))
            return self._clock.now()
        with translated_errors("access events"), self._open_guard() as connection:
            row = connection.execute(statement("signals/select_watermark"), {"source": ACCESS_EVENTS}).fetchone()
        return row["complete_through"] if row else None

    def readings(self, trigger: Trigger, first: Window, last: Window) -> list[Reading]:
        """See SignalSource. One statement, however many windows or tenants."""
        shape = self._shape(trigger)
        if shape is None:
            return self._mismatches(trigger, last)
        with translated_errors("access events"), self._open_guard() as connection:
            parameters = {**_shape_parameters(shape, first, last), "error_code": shape.error_code}
            rows = connection.execute(statement("signals/select_event_readings"), parameters).fetchall()
        return [_as_reading(trigger, Window(row["window_start"], first.length), row) for row in rows]

    def unmeasurable(self, trigger: Trigger, first: Window, last: Window) -> dict[datetime, str]:
        """See SignalSource. A comparison of balances can always be told."""
        shape = self._shape(trigger)
        if shape is None:
            return {}
        with translated_errors("access events"), self._open_guard() as connection:
            query = statement("signals/select_unmeasurable_windows")
            rows = connection.execute(query, _shape_parameters(shape, first, last)).fetchall()
        return {row["window_start"]: unknown_codes_sentence(row["answers"], shape.status) for row in rows}

    def _mismatches(self, trigger: Trigger, window: Window) -> list[Reading]:
        platform = self._policy.platform
        with translated_errors("the platform's balances"), self._open_platform() as connection:
            judged = JudgedWallets(platform, has_ledger=has_ledger_table(connection, platform))
            rows = connection.execute(judged.within(statement("signals/count_mismatches")), judged.parameters(None)).fetchall()
        return [_as_reading(trigger, window, {**row, "subjects": row["events"]}) for row in rows]

    def _shape(self, trigger: Trigger) -> RequestShape | None:
        return self._policy.triggers[trigger].request

    def _open_guard(self) -> Connection:
        return self._guard.open("signals", read_only=True)

    def _open_platform(self) -> Connection:
        return open_reader(self._platform, self._policy.platform, "signals")


def unknown_codes_sentence(answers: int, status: int) -> str:
    """Why a window with such answers has no data."""
    return f"{answers} answer(s) {status} came without an error code: failures can't be told from look-alikes"


def _shape_parameters(shape: RequestShape, first: Window, last: Window) -> dict[str, object]:
    return {
        "window_length": first.length,
        "start": first.start,
        "end": last.end,
        "method": shape.method,
        "path": shape.path,
        "path_is_prefix": shape.path_is_prefix,
        "status": shape.status,
    }


def _as_reading(trigger: Trigger, window: Window, row: Row) -> Reading:
    return Reading(trigger, row["tenant_id"], window, row["events"], row["exposure"], row["subjects"])
