"""A plan's rows, summed up for approvers: sums by cause, the largest rows, the distribution of amounts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ledger_guard.domain.findings import DifferenceCounts, RowCause
from ledger_guard.domain.money import Cents
from ledger_guard.domain.plans import CentTotals, PlanRow

#: how many of the largest rows a summary names
LARGEST_ROWS = 10
#: upper ends of the histogram's classes, in cents of |delta|, each included; larger ones have a class of their own
CLASS_ENDS_CENTS = (0, 100, 1_000, 10_000, 100_000, 1_000_000)


@dataclass(frozen=True)
class CauseTotals:
    """Rows of one cause and currency, missing wallets apart, with what force would do (cents, each >= 0).

    For rows that only a human may decide, this is what the evidence gives; force will not write it.
    """

    cause: RowCause
    currency: str
    #: whether the wallets are missing and would be created
    is_created: bool
    rows: int
    up_cents: Cents
    down_cents: Cents


@dataclass(frozen=True)
class LargeRow:
    """One of the rows with the largest |delta| among those that force may write."""

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
        """What force would move; rows that only a human may decide don't count."""
        writable = [each for each in self.causes if each.cause.is_writable]
        made = [each for each in writable if each.is_created]
        changed = [each for each in writable if not each.is_created]
        return CentTotals(
            created=sum(each.up_cents - each.down_cents for each in made),
            increased=sum(each.up_cents for each in changed),
            decreased=sum(each.down_cents for each in changed),
        )


def summarise(rows: Iterable[PlanRow]) -> PlanSummary:
    """Sum `rows` up."""
    found = list(rows)
    writable = [row for row in found if row.cause.is_writable]
    by_cause: dict[tuple[RowCause, str, bool], list[Cents]] = defaultdict(list)
    for row in found:
        by_cause[row.cause, row.currency, row.wallet_available is None].append(row.delta)
    return PlanSummary(
        causes=tuple(
            _totals(cause, currency, is_created, deltas)
            for (cause, currency, is_created), deltas in sorted(
                by_cause.items(), key=lambda pair: (pair[0][0].value, *pair[0][1:])
            )
        ),
        largest=tuple(
            LargeRow(row.player_id, row.currency, row.cause, row.delta)
            for row in sorted(writable, key=lambda row: (-abs(row.delta), row.player_id.encode()))[:LARGEST_ROWS]
        ),
        histogram=Counter(_class_end(abs(row.delta)) for row in found),
    )


def counts_of_causes(rows_by_cause: Mapping[str, int], **beside: int) -> DifferenceCounts:
    """Counts of a tenant, from its findings by cause and what is counted beside them under the names of DifferenceCounts."""
    causes = [cause.value for cause in RowCause if cause is not RowCause.PROTECTED]
    return DifferenceCounts(**{cause: rows_by_cause.get(cause, 0) for cause in causes}, **beside)


def _totals(cause: RowCause, currency: str, is_created: bool, deltas: list[Cents]) -> CauseTotals:
    up, down = sum(each for each in deltas if each > 0), -sum(each for each in deltas if each < 0)
    return CauseTotals(cause, currency, is_created, len(deltas), up, down)


def _class_end(cents: Cents) -> int | None:
    return next((end for end in CLASS_ENDS_CENTS if cents <= end), None)
