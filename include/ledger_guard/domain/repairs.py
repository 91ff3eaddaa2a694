"""Repairs of a tenant: when one may follow another without a human, and whether one held.

A time that lies ahead, because a clock went backwards, counts as just now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ledger_guard.domain.findings import RowCause
from ledger_guard.domain.money import Cents, readable
from ledger_guard.domain.shown_text import counted, duration, one_line
from ledger_guard.domain.windows import iso


@dataclass(frozen=True)
class Repair:
    """What one plan wrote to a tenant's wallets, by the journal of writes."""

    plan_id: str
    tenant_id: str
    began_at: datetime
    #: of the last write
    ended_at: datetime
    rows: int
    #: amounts moved, each of a row's two by itself
    cents: Cents
    #: who started it
    actor: str

    def sentence(self, currency: str) -> str:
        """For people: `4 rows, 40.00 USD at 2026-03-01T12:00:00Z by oncall (plan …)`."""
        rows = counted(self.rows, "row", "rows")
        who, when = one_line(self.actor), iso(self.ended_at)
        return f"{rows}, {readable(self.cents, currency)} at {when} by {who} (plan {self.plan_id})"

    def with_follow_up(self, other: Repair) -> Repair:
        """Both as one: the second one wrote what had moved under the first."""
        return replace(
            self,
            ended_at=max(self.ended_at, other.ended_at),
            rows=self.rows + other.rows,
            cents=self.cents + other.cents,
        )


def is_within(at: datetime, period: timedelta, now: datetime) -> bool:
    """Whether a moment is less than `period` ago."""
    return now - at < period


def repaired_again(repairs: Sequence[Repair], period: timedelta, now: datetime, currency: str) -> tuple[str, ...]:
    """One sentence when the tenant was repaired within the period: repeated repairs mean that the cause is not fixed."""
    found = [each for each in repairs if is_within(each.ended_at, period, now)]
    if not found:
        return ()
    times = counted(len(found), "repair", "repairs")
    last = max(found, key=lambda each: each.ended_at)
    what = f"{times} of this tenant within {duration(period)}, the last of {last.sentence(currency)}"
    return (f"repaired again: {what}; the cause is not fixed",)


def cooling_down(writes: Sequence[Repair], period: timedelta, now: datetime, currency: str) -> tuple[str, ...]:
    """One sentence when the tenant's wallets were last written less than `period` ago: which write, and when it frees."""
    last = max(writes, key=lambda each: each.ended_at, default=None)
    if last is None or not is_within(last.ended_at, period, now):
        return ()
    elapsed = f"{duration(now - last.ended_at)} of {duration(period)} since {last.sentence(currency)}"
    return (f"cool-down: {elapsed}; frees at {iso(last.ended_at + period)}",)


@dataclass(frozen=True)
class WrongWallet:
    """A wallet that is not right now."""

    player_id: str
    cause: RowCause
    #: how far off its two amounts are, each by itself; 0 where only a human can tell
    cents: Cents


def due_ages(ended_at: datetime, ages: Sequence[int], checked: Sequence[int], now: datetime) -> tuple[int, ...]:
    """The ages, in hours, at which a repair is to be compared again now: reached, and not done yet."""
    return tuple(age for age in ages if age not in checked and now - ended_at >= timedelta(hours=age))
