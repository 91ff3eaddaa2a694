"""A plan summed up for the people who approve it."""

from __future__ import annotations

import itertools

from ledger_guard.domain.findings import RowCause
from ledger_guard.domain.plan_summary import CLASS_ENDS_CENTS, LARGEST_ROWS, CauseTotals, summarise
from ledger_guard.domain.plans import CentTotals, PlanRow


def a_row(player_id: str, delta: int, cause: RowCause = RowCause.STALE_WALLET, currency: str = "USD") -> PlanRow:
    wallet = (None, None) if cause is RowCause.MISSING else (1000 - delta, 0)
    return PlanRow(player_id, currency, cause, 77, 0, *wallet, delta if cause is RowCause.MISSING else 1000, 0)


def test_sums_are_by_cause_and_currency_with_ups_and_downs_apart():
    found = summarise([a_row("a", 5), a_row("b", -7), a_row("c", 11, currency="EUR"), a_row("d", -3, RowCause.UNEXPLAINED)])
    assert found.causes == (
        CauseTotals(RowCause.STALE_WALLET, "EUR", False, 1, 11, 0),
        CauseTotals(RowCause.STALE_WALLET, "USD", False, 2, 5, 7),
        CauseTotals(RowCause.UNEXPLAINED, "USD", False, 1, 0, 3),
    )


def test_what_force_would_move_leaves_out_what_only_a_human_may_settle():
    humans = [a_row(cause.value, -100, cause) for cause in (RowCause.UNEXPLAINED, RowCause.UNREADABLE, RowCause.PROTECTED)]
    rows = [a_row("a", 5), a_row("b", -7), a_row("m", 9, RowCause.MISSING), *humans]
    assert summarise(rows).cents == CentTotals(created=9, increased=5, decreased=7)


def test_the_largest_rows_come_first_and_no_more_than_a_few():
    found = summarise([a_row(f"p{number:02}", -number) for number in range(LARGEST_ROWS + 1)]).largest
    assert [row.delta_cents for row in found] == [-number for number in range(LARGEST_ROWS, 0, -1)]


def test_rows_of_one_size_are_named_by_player_id():
    assert [row.player_id for row in summarise([a_row("b", -5), a_row("a", 5)]).largest] == ["a", "b"]


def test_each_class_of_the_histogram_ends_with_its_end():
    for lower, end in itertools.pairwise(CLASS_ENDS_CENTS):
        assert summarise([a_row("at the end", end), a_row("below", lower + 1)]).histogram == {end: 2}
    assert summarise([a_row("beyond", -CLASS_ENDS_CENTS[-1] - 1)]).histogram == {None: 1}
