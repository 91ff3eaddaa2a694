"""A platform whose balances are compared window by window, going on from the window before, beside whole comparisons."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import psycopg
from tests.triggers import T3

from ledger_guard.adapters.memory.clock import SettableClock
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.signal_sources.balance_comparison import BalanceComparisonSource
from ledger_guard.domain.comparisons import ComparedBalances, LastComparison
from ledger_guard.domain.signals import Reading
from ledger_guard.domain.windows import Window
from ledger_guard.policy.platform import Platform
from ledger_guard.policy.sources import Incremental
from ledger_guard.ports.guard_state import GuardState

FIVE = timedelta(minutes=5)
#: far from the hour of whole comparisons
FIRST = Window(datetime(2026, 3, 1, 5, tzinfo=timezone.utc), FIVE)
SLICES = 6
USUAL = Incremental(whole_from_hour=3, slices=SLICES, most_moved_share=1)


class Hands:
    """What the tests do to the platform, as its own code or a hand at the database would."""

    def __init__(self, uri: str) -> None:
        self.uri = uri

    def run(self, *statements: str, is_counted: bool = True) -> None:
        """Run these in one transaction. Not counted: the server's statistics never hear of it, as of a replica's."""
        with psycopg.connect(self.uri) as connection:
            if not is_counted:
                connection.execute("set track_counts = off")
            for text in statements:
                connection.execute(text)
            connection.commit()
            connection.execute("select pg_stat_force_next_flush()")

    @contextmanager
    def opened(self, *statements: str) -> Iterator[psycopg.Connection]:
        """These in a transaction that stays open until the block ends, and is rolled back then unless it was committed."""
        with psycopg.connect(self.uri) as connection:
            for text in statements:
                connection.execute(text)
            yield connection
            connection.rollback()


class Comparisons:
    """Compares a window after the other; what is left goes through guard state, as between two runs of the health check."""

    def __init__(self, uri: str, mapped: Platform, state: GuardState, incremental: Incremental = USUAL) -> None:
        self.settings, self.mapped, self.state, self.incremental = (
            ConnectionSettings.parse(uri, "ledger_db"),
            mapped,
            state,
            incremental,
        )
        self.window = FIRST

    def next(self) -> ComparedBalances:
        """Compare for the next window, and leave to the one after it."""
        with self.state.transaction() as state:
            before = state.comparisons.last(T3)
        found = self.source().compare(T3, self.window, before)
        if found.left is not None:
            with self.state.transaction() as state:
                state.comparisons.keep(T3, found.left)
        self.window = self.window.next
        return found

    def whole(self) -> ComparedBalances:
        """All players compared, for the window that was compared last."""
        window = Window(self.window.start - FIVE, FIVE)
        return self.source().compare(T3, window, None)

    def last(self) -> LastComparison | None:
        """What the newest comparison left."""
        with self.state.transaction() as state:
            return state.comparisons.last(T3)

    def spoil(self, **changes: object) -> None:
        """Change what the newest comparison left."""
        before = self.last()
        assert before is not None
        with self.state.transaction() as state:
            state.comparisons.keep(T3, replace(before, **changes))  # type: ignore[arg-type]

    def source(self) -> BalanceComparisonSource:
        """The source as the policy of now says."""
        return BalanceComparisonSource(self.settings, self.mapped, SettableClock(self.window.end), self.incremental)


def events(readings: list[Reading]) -> dict[str, tuple[int, int]]:
    """By tenant: how many differ, and of how many."""
    return {each.tenant_id: (each.events, each.exposure) for each in readings}
