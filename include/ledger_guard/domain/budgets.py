"""Budgets: how much the guard may write without a human over an hour and over a day, all tenants and runs together.

Used is what the journal of writes holds of the period, approved plans and undos included, and what plans that are being written
have still to write. So a plan that is admitted can't take a period past its bound, whatever is written at the same time: every
write of the period was used or reserved when the last plan of it was admitted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ledger_guard.domain.money import Cents, readable
from ledger_guard.domain.windows import iso


@dataclass(frozen=True)
class Bound:
    """The most that may be written without a human within a period; each value itself may still be."""

    #: as in `hourly`
    name: str
    period: timedelta
    rows: int
    cents: Cents
    tenants: int


@dataclass(frozen=True)
class Written:
    """What one tenant was written at about the same time."""

    #: not before the writes
    at: datetime
    tenant_id: str
    rows: int
    #: amounts moved, each of a row's two by itself
    cents: Cents


@dataclass(frozen=True)
class BeingWritten:
    """What a plan that is being written has still to write."""

    tenant_id: str
    rows: int
    cents: Cents


@dataclass(frozen=True)
class Used:
    """How much of a bound is used."""

    bound: Bound
    rows: int
    cents: Cents
    tenants: frozenset[str]

    def sentence(self, currency: str) -> str:
        """For people: `hourly: 120 of 1,000 rows, 1,200.00 USD of 100,000.00 USD, 2 of 5 tenants`."""
        bound = self.bound
        money = f"{readable(self.cents, currency)} of {readable(bound.cents, currency)}"
        return f"{bound.name}: {self.rows:,} of {bound.rows:,} rows, {money}, {len(self.tenants)} of {bound.tenants} tenants"

    def as_json(self) -> dict[str, object]:
        """As plain JSON: what is used and what is allowed."""
        return {
            "period": self.bound.name,
            "used": {"rows": self.rows, "cents": self.cents, "tenants": sorted(self.tenants)},
            "allowed": {"rows": self.bound.rows, "cents": self.bound.cents, "tenants": self.bound.tenants},
        }


@dataclass(frozen=True)
class Journal:
    """The writes that budgets are held against, of the longest period at least."""

    now: datetime
    written: Sequence[Written]
    being_written: Sequence[BeingWritten]

    def used(self, bound: Bound) -> Used:
        """How much of the bound is used now."""
        return self._used(bound, self.now)

    def _used(self, bound: Bound, at: datetime) -> Used:
        """As `used`, at a later moment when nothing else was written till then."""
        counted = [each for each in self.written if each.at > at - bound.period]
        waiting = list(self.being_written)
        return Used(
            bound,
            sum(each.rows for each in counted) + sum(each.rows for each in waiting),
            sum(each.cents for each in counted) + sum(each.cents for each in waiting),
            frozenset(each.tenant_id for each in counted) | frozenset(each.tenant_id for each in waiting),
        )

    def frees_at(self, bound: Bound, wanted: BeingWritten) -> datetime | None:
        """When the plan fits, if nothing else is written till then; None: not before what is being written has ended."""
        for each in sorted({written.at for written in self.written if written.at > self.now - bound.period}):
            moment = each + bound.period
            if not any(_overruns(self._used(bound, moment), wanted)):
                return moment
        return None


def exceeded_budget(bounds: Iterable[Bound], journal: Journal, wanted: BeingWritten, currency: str) -> tuple[str, ...]:
    """One sentence a bound that the plan does not fit in any more: how much is used, wanted and allowed, and when it frees."""
    return tuple(
        f"{bound.name} budget: {what}; {_frees(bound, journal, wanted)}"
        for bound in bounds
        if (what := ", ".join(_sentences(journal.used(bound), wanted, currency)))
    )


def _overruns(used: Used, wanted: BeingWritten) -> tuple[bool, bool, bool]:
    bound = used.bound
    return (
        used.rows + wanted.rows > bound.rows,
        used.cents + wanted.cents > bound.cents,
        len(used.tenants | {wanted.tenant_id}) > bound.tenants,
    )


def _sentences(used: Used, wanted: BeingWritten, currency: str) -> Iterator[str]:
    rows, cents, tenants = _overruns(used, wanted)
    bound = used.bound
    if rows:
        yield f"{used.rows:,} of {bound.rows:,} rows are used and this plan has {wanted.rows:,}"
    if cents:
        most, now, more = (readable(each, currency) for each in (bound.cents, used.cents, wanted.cents))
        yield f"{now} of {most} is used and this plan moves {more}"
    if tenants:
        yield f"{len(used.tenants)} of {bound.tenants} tenants were written and this is another"


def _frees(bound: Bound, journal: Journal, wanted: BeingWritten) -> str:
    if wanted.rows > bound.rows or wanted.cents > bound.cents:
        return "it never fits by itself"
    moment = journal.frees_at(bound, wanted)
    return f"frees at {iso(moment)}" if moment else "frees when what is being written has ended"
