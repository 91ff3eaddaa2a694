"""Readings from the platform's balances: players whose wallet differs from the evidence, out of all."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter

from ledger_guard.adapters.postgres.connection import Connection, ConnectionSettings, Row, compose, translated_errors
from ledger_guard.adapters.postgres.judged_wallets import JudgedWallets, has_ledger_table
from ledger_guard.adapters.postgres.platform_names import platform_names
from ledger_guard.adapters.postgres.platform_session import open_reader
from ledger_guard.domain.findings import RowCause
from ledger_guard.domain.money import MOST_CENTS
from ledger_guard.domain.signals import MoneyAtRisk, Reading, Trigger
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
            parameters = {**judged.parameters(None), "most_cents": MOST_CENTS}
            rows = connection.execute(judged.within(statement("signals/count_mismatches")), parameters).fetchall()
        by_tenant = itertools.groupby(rows, key=itemgetter("tenant_id"))
        return [_reading(trigger, tenant_id, last, list(found)) for tenant_id, found in by_tenant]

    def unmeasurable(self, trigger: Trigger, first: Window, last: Window) -> dict[datetime, str]:  # noqa: ARG002
        """See SignalSource. A comparison can always be used."""
        return {}

    def _open(self) -> Connection:
        return open_reader(self._platform, self._mapped, "signals")


def _reading(trigger: Trigger, tenant_id: str, window: Window, rows: Sequence[Row]) -> Reading:
    """A tenant's reading; each player who differs is one event."""
    found = [row for row in rows if row["cause"] is not None]
    events = sum(row["players"] for row in found)
    by_cause = {RowCause(row["cause"]): row["cents"] for row in found}
    known = [cents for cents in by_cause.values() if cents is not None]
    cents = min(sum(known), MOST_CENTS) if known or not found else None
    money = MoneyAtRisk(cents, sum(row["without_amount"] for row in found), by_cause)
    return Reading(trigger, tenant_id, window, events, sum(row["players"] for row in rows), events, money)
