"""Readings from the platform's balances: players whose wallet differs from the evidence, out of all."""

from __future__ import annotations

from datetime import datetime

from ledger_guard.adapters.postgres.connection import Connection, ConnectionSettings, compose, translated_errors
from ledger_guard.adapters.postgres.judged_wallets import JudgedWallets, has_ledger_table
from ledger_guard.adapters.postgres.platform_names import platform_names
from ledger_guard.adapters.postgres.platform_session import open_reader
from ledger_guard.domain.signals import Reading, Trigger
from ledger_guard.domain.windows import Window
from ledger_guard.policy.platform import Platform
from ledger_guard.ports.platform import Clock
from ledger_guard.sql import statement


class BalanceComparisonSource:
    """SignalSource over the tables that `policy.platform` maps.

    Every method raises SourceUnavailable when the platform does not answer or lacks a table or column: the window is
    `no_data`; retry when it is back.
    """

    def __init__(self, platform: ConnectionSettings, mapped: Platform, clock: Clock) -> None:
        self._platform = platform
        self._mapped = mapped
        self._clock = clock
        self._names = platform_names(mapped)

    def complete_through(self, trigger: Trigger) -> datetime | None:  # noqa: ARG002  one comparison for all
        """See SignalSource. A comparison is complete now, if the platform can be asked at all."""
        with translated_errors("the platform's balances"), self._open() as connection:
            connection.execute(compose(statement("signals/probe_balances"), **self._names))
        return self._clock.now()

    def readings(self, trigger: Trigger, first: Window, last: Window) -> list[Reading]:  # noqa: ARG002  it speaks of now
        """See SignalSource. One statement, however many tenants."""
        with translated_errors("the platform's balances"), self._open() as connection:
            judged = JudgedWallets(self._mapped, has_ledger=has_ledger_table(connection, self._mapped))
            rows = connection.execute(judged.within(statement("signals/count_mismatches")), judged.parameters(None)).fetchall()
        # each player who differs is one event
        return [Reading(trigger, row["tenant_id"], last, row["events"], row["exposure"], row["events"]) for row in rows]

    def unmeasurable(self, trigger: Trigger, first: Window, last: Window) -> dict[datetime, str]:  # noqa: ARG002
        """See SignalSource. A comparison can always be used."""
        return {}

    def _open(self) -> Connection:
        return open_reader(self._platform, self._mapped, "signals")
