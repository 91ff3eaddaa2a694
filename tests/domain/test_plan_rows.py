"""A plan row as a line of text, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_guard.domain.findings import RowCause, RowReason
from ledger_guard.domain.plan_rows import cause_word, hash_of_lines, line_of, lines_of, row_of
from ledger_guard.domain.plans import PlanRow, RowState

cents = st.integers(-(10**15), 10**15)
text = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1, max_size=20)


@st.composite
def plan_rows(draw) -> PlanRow:
    cause = draw(st.sampled_from(RowCause))
    return PlanRow(
        draw(text),
        draw(text),
        cause,
        draw(cents),
        draw(cents),
        draw(st.none() | cents),
        draw(st.none() | cents),
        draw(cents),
        draw(cents),
        draw(st.sampled_from(RowReason)),
        *(draw(cents) for _ in range(5)),
        RowState.PLANNED if cause.is_writable else RowState.SET_ASIDE,
    )


@given(plan_rows())
def test_a_row_comes_back_from_its_line(row):
    line = line_of(row)
    assert row_of(line) == row
    assert cause_word(line) == row.cause.value.encode()
    assert line.count(b"\n") == 1


@given(st.lists(plan_rows(), max_size=5), st.randoms())
def test_the_order_of_rows_does_not_change_the_hash_and_any_other_amount_does(rows, chance):
    shuffled = list(rows)
    chance.shuffle(shuffled)
    if len({(row.player_id, row.currency) for row in rows}) == len(rows):
        assert hash_of_lines(lines_of(shuffled)) == hash_of_lines(lines_of(rows))
    assert hash_of_lines(lines_of(rows)) != hash_of_lines([*lines_of(rows), line_of(A_ROW)])


A_ROW = PlanRow("p", "USD", RowCause.MISSING, 5, 0, None, None, 5, 0, RowReason.NO_WALLET)


def test_a_row_without_a_reason_keeps_the_line_that_earlier_plans_were_approved_by():
    row = PlanRow("p", "USD", RowCause.MISSING, 5, 0, None, None, 5, 0, wallet_only=7)
    assert line_of(row) == b"p\tUSD\tmissing\t5\t0\t\\N\t\\N\t7\n"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        line_of(A_ROW).replace(b"\t0\n", b"\n"),
        line_of(A_ROW).replace(b"missing", b"lost"),
        line_of(A_ROW).replace(b"no_wallet", b"because"),
        line_of(A_ROW).replace(b"no_wallet\t5", b"no_wallet\t\\N"),
        b"p\tUSD\tmissing\t5\t0\t\\N\t\\N\t0\n",
    ],
)
def test_another_text_is_no_row(line):
    with pytest.raises(ValueError):  # noqa: PT011
        row_of(line)
