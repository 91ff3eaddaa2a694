"""A plan's rows, summed up for the people who approve it: sums by cause, the largest rows, how the amounts spread."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ledger_guard.domain.money import Cents
from ledger_guard.domain.plans import CentTotals, DifferenceCounts, PlanRow, RowCause

#: how many of the largest rows a summary names
LARGEST_ROWS = 10
#: upper ends of the histogram's classes, in cents of |delta|, each included; larger ones have a class of their own
CLASS_ENDS_CENTS = (0, 100, 1_000, 10_000, 100_000, 1_000_000)


@dataclass(frozen=True)
class CauseTotals:
    """Rows of one cause and currency, with what force would add to and take from their wallets (cents, each >= 0).

    For protected rows that is what force will not do.
    """

    cause: RowCause
    currency: str
    rows: int
    up_cents: Cents
    down_cents: Cents


@dataclass(frozen=True)
class LargeRow:
    """One of the rows with the largest |delta|."""

    player_id: str
    currency: str
    cause: RowCause
    delta_cents: Cents


@dataclass(frozen=True)
class PlanSummary:
    """The same rows, the same summary, wherever they are stored."""

    #: by cause, then currency
    causes: tuple[CauseTotals, ...] = ()
    #: by falling |delta|, then player id
    largest: tuple[LargeRow, ...] = ()
    #: upper end in cents of |delta| (None: beyond the last) → rows; classes without rows are left out
    histogram: Mapping[int | None, int] = field(default_factory=dict)

    @property
    def cents(self) -> CentTotals:
        """What force would move; protected rows don't count."""
        writable = [each for each in self.causes if each.cause.is_writable]
        made = [each for each in writable if each.cause is RowCause.MISSING]
        changed = [each for each in writable if each.cause is not RowCause.MISSING]
        return CentTotals(
            created=sum(each.up_cents - each.down_cents for each in made),
            increased=sum(each.up_cents for each in changed),
            decreased=sum(each.down_cents for each in changed),
        )


def summarise(rows: Iterable[PlanRow]) -> PlanSummary:
    """Sum `rows` up."""
    found = list(rows)
    by_cause: dict[tuple[RowCause, str], list[Cents]] = defaultdict(list)
    for row in found:
        by_cause[row.cause, row.currency].append(row.delta)
    return PlanSummary(
        causes=tuple(
            _totals(cause, currency, deltas)
            for (cause, currency), deltas in sorted(by_cause.items(), key=lambda pair: (pair[0][0].value, pair[0][1]))
        ),
        largest=tuple(
            LargeRow(row.player_id, row.currency, row.cause, row.delta)
            for row in sorted(found, key=lambda row: (-abs(row.delta), row.player_id.encode()))[:LARGEST_ROWS]
        ),
        histogram=Counter(_class_end(abs(row.delta)) for row in found),
    )


def counts_of_causes(rows_by_cause: Mapping[str, int], *, float_noise: int, other_currency: int, orphan: int) -> DifferenceCounts:
    """Counts of a tenant, from its differing rows by cause and what is counted beside them."""
    return DifferenceCounts(
        **{cause.value: rows_by_cause.get(cause.value, 0) for cause in RowCause},
        float_noise=float_noise,
        other_currency=other_currency,
        orphan=orphan,
    )


def _totals(cause: RowCause, currency: str, deltas: list[Cents]) -> CauseTotals:
    up, down = sum(each for each in deltas if each > 0), -sum(each for each in deltas if each < 0)
    return CauseTotals(cause, currency, len(deltas), up, down)


def _class_end(cents: Cents) -> int | None:
    return next((end for end in CLASS_ENDS_CENTS if cents <= end), None)
