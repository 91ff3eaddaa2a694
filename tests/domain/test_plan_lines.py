"""A plan row as a line of text, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_guard.domain.plan_lines import cause_word, hash_of_lines, line_of, lines_of, row_of
from ledger_guard.domain.plans import PlanRow, RowCause, RowState

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
        RowState.SET_ASIDE if cause is RowCause.PROTECTED else RowState.PLANNED,
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
    assert hash_of_lines(lines_of(rows)) != hash_of_lines([*lines_of(rows), b"p\tUSD\tmissing\t0\t0\t\\N\t\\N\t0\n"])


@pytest.mark.parametrize(
    "line", [b"", b"p\tUSD\tmissing\t1\t1\n", b"p\tUSD\tlost\t1\t1\t1\t1\t1\n", b"p\tUSD\tmissing\t\\N\t1\t1\t1\t1\n"]
)
def test_another_text_is_no_row(line):
    with pytest.raises(ValueError):  # noqa: PT011
        row_of(line)
