"""Comparisons of balances that go on from the one before: what a comparison leaves behind, and when the next must be whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ledger_guard.domain.signals import Reading
from ledger_guard.domain.windows import UTC, Window

#: a tenant's id and a player's
PlayerKey = tuple[str, str]
#: from so many transactions on the server's 32-bit numbers could be taken for others
MOST_TRANSACTIONS = 2**30
NO_VERSIONS = "a mapped table is a view or a foreign table, whose rows do not tell that they changed"
#: the grid of whole comparisons is counted from here, so that it is the same after every restart
_GRID_START = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class PlatformMoment:
    """What the platform's database said of itself as a comparison began."""

    #: which database and timeline, and which files its tables have: another text is another database, or other tables
    place: str
    #: whether each table is one whose rows have versions; a view's have none
    has_versions: bool
    #: transactions with a lower number had ended: all that they wrote was compared
    oldest_open: int
    #: the number that the next transaction will get
    next_transaction: int
    #: rows deleted from the compared tables so far, by the server's count; None: it does not tell, as on a replica
    deleted_rows: int | None


@dataclass(frozen=True)
class LastComparison:
    """What one comparison leaves for the next."""

    window_end: datetime
    #: end of the window in which all players were compared last
    whole_end: datetime
    #: identifies the settings that decide what is found
    settings: str
    place: str
    oldest_open: int
    deleted_rows: int | None
    #: the players that were found; empty when `too_many`
    mismatched: frozenset[PlayerKey]
    #: more were found than are kept: the next comparison has to be whole
    too_many: bool = False


@dataclass(frozen=True)
class ComparedBalances:
    """One comparison's readings, and what the next one needs."""

    readings: Sequence[Reading]
    #: None: the source does not go on from one comparison to the next
    left: LastComparison | None = None
    #: who was compared, and why all players were, for people
    told: str = ""


@dataclass(frozen=True)
class WholeGrid:
    """When all players are compared anyway."""

    #: hour of the day in UTC, 0..23
    from_hour: int
    every: timedelta

    def cell(self, moment: datetime) -> int:
        """The stretch between two whole comparisons that a moment lies in."""
        return (moment - _GRID_START - timedelta(hours=self.from_hour)) // self.every


def why_whole(before: LastComparison | None, window: Window, now: PlatformMoment, settings: str, grid: WholeGrid) -> str | None:
    """Why all players have to be compared in this window, for people; None when those that moved will do.

    Nothing is taken over from a comparison of which it is not sure that this one goes on from it.
    """
    if not now.has_versions:
        return NO_VERSIONS
    if before is None:
        return "there is no comparison before"
    reasons = (
        (before.window_end != window.start, "the window before was not compared"),
        (before.settings != settings, "the policy or the rule of comparing changed"),
        (before.place != now.place, "the database or its tables are not those of the comparison before"),
        (before.too_many, "too many players differed"),
        (grid.cell(before.whole_end) != grid.cell(window.end), "it is time for a whole comparison"),
        (before.deleted_rows != now.deleted_rows, "rows were deleted"),
        (
            not before.oldest_open <= now.next_transaction < before.oldest_open + MOST_TRANSACTIONS,
            "the database's transaction numbers do not follow on",
        ),
    )
    return next((reason for holds, reason in reasons if holds), None)


def turn(window: Window, slices: int) -> int:
    """Which of `slices` parts of all players has its turn in this window: consecutive windows take consecutive parts."""
    return (window.start - _GRID_START) // window.length % slices
