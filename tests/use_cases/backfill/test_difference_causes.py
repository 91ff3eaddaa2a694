"""The rule on sums alone: what must hold whatever the amounts are. The cases themselves are in money_cases.py."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ledger_guard.domain.differences import Balances, difference_row, judge
from ledger_guard.domain.findings import RowAction, RowCause
from ledger_guard.domain.ledger_evidence import Amounts, LedgerEvidence, Movement, Side, gather
from ledger_guard.domain.plans import RowState

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("amounts", "twice", "is_booked_twice"),
    [
        pytest.param((500, 500, 500), 1000, False, id="the same three times: counts once"),
        pytest.param((500, 600), 0, True, id="other amounts"),
        pytest.param((500, -500), 0, True, id="one of them the other way round"),
    ],
)
def test_rows_of_one_payment_count_once_or_contradict_each_other(amounts, twice, is_booked_twice):
    for in_turn in (amounts, amounts[::-1]):
        rows = [Movement(Side.WALLET, NOON, Amounts(each, 0), tx_id="psp", payment_step="deposit") for each in in_turn]
        evidence = gather(rows, (), 0, within=timedelta(seconds=5))
        assert (evidence.counted_twice, evidence.is_booked_twice) == (Amounts(twice, 0), is_booked_twice)
        assert evidence.wallet_only == Amounts(sum(amounts) - twice, 0)


_cents = st.integers(-(10**6), 10**6)
_amounts = st.builds(Amounts, _cents, _cents)
_evidence = st.builds(
    LedgerEvidence,
    player_side=_amounts,
    player_only=_amounts,
    other_currencies=_amounts,
    wallet_only=_amounts,
    counted_twice=_amounts,
    noted_opening_available=st.none() | _cents,
    noted_opening_total=st.none() | _cents,
    requests_may_overlap=st.booleans(),
    holds_may_overlap=st.booleans(),
    has_movements=st.booleans(),
)


def test_a_row_that_is_for_humans_is_set_aside_from_the_start():
    row = difference_row("p1", "USD", Balances(40, 0, 90, 0))
    assert row is not None
    assert (row.cause, row.state) == (RowCause.UNEXPLAINED, RowState.SET_ASIDE)


def test_a_row_that_cannot_be_read_is_set_aside_with_no_amount_for_the_wallet():
    row = difference_row("p1", "USD", Balances(None, 0, None, 5))
    assert row is not None
    assert (row.cause, row.state) == (RowCause.UNREADABLE, RowState.SET_ASIDE)
    assert (row.player_available, row.wallet_available, row.wallet_pending) == (0, None, 5)


@given(player=_amounts, deposit=st.integers(1, 10**6))
def test_a_deposit_that_only_the_wallet_got_is_never_taken_from_it(player, deposit):
    evidence = LedgerEvidence(wallet_only=Amounts(deposit, 0), has_movements=True)
    assert judge(Balances(*player, player.available + deposit, player.held), evidence).finding is None


@given(player=_amounts, wallet=st.none() | _amounts, evidence=_evidence)
def test_a_wallet_is_right_when_it_holds_the_target_and_only_then(player, wallet, evidence):
    balances = Balances(*player, *(wallet or (None, None)), has_wallet=wallet is not None)
    judged = judge(balances, evidence)
    assert judged.target is not None
    assert (judged.finding is None) == (wallet == judged.target)
    as_the_target_says = replace(balances, wallet_available=judged.target.available, wallet_pending=judged.target.held)
    assert judge(replace(as_the_target_says, has_wallet=True), evidence).finding is None


@given(player=_amounts, wallet=_amounts, evidence=_evidence)
def test_nothing_is_written_by_itself_below_zero_or_where_requests_may_have_overlapped(player, wallet, evidence):
    judged = judge(Balances(*player, *wallet), evidence)
    assert judged.target is not None
    assume(judged.finding is not None and (min(judged.target) < 0 or evidence.requests_may_overlap))
    assert judged.finding is not None
    assert judged.finding.cause.action is RowAction.HUMAN


@given(player=_amounts, wallet=_amounts, evidence=_evidence, has_unknown_word=st.booleans())
def test_a_doubt_about_the_ledger_is_a_humans_even_when_the_wallet_looks_right(player, wallet, evidence, has_unknown_word):
    doubted = replace(evidence, has_unknown_word=has_unknown_word, is_booked_twice=not has_unknown_word)
    for held in (wallet, judge(Balances(*player, *wallet), evidence).target or wallet):
        finding = judge(Balances(*player, *held), doubted).finding
        assert finding is not None
        assert finding.cause is RowCause.UNEXPLAINED
