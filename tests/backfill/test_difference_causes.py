"""The cause rule, case by case."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_guard.domain.differences import Balances, LedgerFacts, cause_of, difference_row
from ledger_guard.domain.plans import RowCause, RowState

MISSING, STALE, PROTECTED, UNEXPLAINED = RowCause.MISSING, RowCause.STALE_WALLET, RowCause.PROTECTED, RowCause.UNEXPLAINED


@pytest.mark.parametrize(
    ("player", "wallet", "facts", "cause"),
    [
        pytest.param((100, 0), None, LedgerFacts(), MISSING, id="no wallet row"),
        pytest.param((100, 0), None, LedgerFacts(net=100), MISSING, id="no wallet row, whatever the ledger says"),
        pytest.param((100, 0), (40, 0), LedgerFacts(net=100), STALE, id="ledger agrees with the player above"),
        pytest.param((40, 0), (100, 0), LedgerFacts(net=40), STALE, id="ledger agrees with the player below"),
        pytest.param((60, 40), (0, 0), LedgerFacts(net=100), STALE, id="held money counts to the player's total"),
        pytest.param((40, 0), (100, 0), LedgerFacts(net=100), PROTECTED, id="ledger agrees with the wallet: a credit"),
        pytest.param((100, 0), (40, 0), LedgerFacts(net=40), PROTECTED, id="ledger agrees with the wallet: a payout"),
        pytest.param((40, 0), (60, 40), LedgerFacts(net=100), PROTECTED, id="pending money counts to the wallet's total"),
        pytest.param(
            (40, 0), (90, 0), LedgerFacts(net=50, wallet_only_net=50), PROTECTED, id="wallet-only credit without opening balance"
        ),
        pytest.param((90, 0), (40, 0), LedgerFacts(net=-50, wallet_only_net=-50), PROTECTED, id="wallet-only payout"),
        pytest.param(
            (50, 0),
            (100, 0),
            LedgerFacts(net=50, wallet_only_net=50),
            PROTECTED,
            id="a deposit as large as the unbooked opening balance",
        ),
        pytest.param(
            (40, 0), (90, 0), LedgerFacts(net=7, recent_credits_match=True), PROTECTED, id="the newest credits add up to it"
        ),
        pytest.param(
            (40, 0),
            (90, 0),
            LedgerFacts(net=80, wallet_only_net=80, wallet_only_credit_matches=True),
            PROTECTED,
            id="one wallet-only credit",
        ),
        pytest.param(
            (40, 0),
            (90, 0),
            LedgerFacts(net=40, recent_credits_match=True),
            STALE,
            id="the whole ledger outweighs its newest credits",
        ),
        pytest.param((40, 0), (90, 0), LedgerFacts(), UNEXPLAINED, id="wallet above, ledger silent"),
        pytest.param(
            (40, 0), (90, 0), LedgerFacts(net=49, wallet_only_net=49), UNEXPLAINED, id="one cent off the wallet-only net"
        ),
        pytest.param((90, 0), (40, 0), LedgerFacts(), STALE, id="wallet below, ledger silent"),
        pytest.param((90, 0), (40, 0), LedgerFacts(net=7), STALE, id="wallet below, ledger says nothing for the wallet"),
        pytest.param(
            (90, 0), (40, 0), LedgerFacts(net=20, wallet_only_net=20), UNEXPLAINED, id="wallet below although it alone got money"
        ),
        pytest.param((90, 0), (40, 0), LedgerFacts(recent_credits_match=True), STALE, id="credits never explain a wallet below"),
        pytest.param((60, 40), (100, 0), LedgerFacts(net=100), STALE, id="same sum, other split"),
        pytest.param(
            (60, 40), (100, 0), LedgerFacts(wallet_only_net=5), STALE, id="same sum, other split, with a wallet-only movement"
        ),
        pytest.param((90, 0), (None, 0), LedgerFacts(net=90), PROTECTED, id="wallet not readable"),
        pytest.param((None, 0), (90, 0), LedgerFacts(net=90), PROTECTED, id="player not readable"),
        pytest.param((None, 0), None, LedgerFacts(), PROTECTED, id="player not readable and no wallet"),
        pytest.param((90, 0), (40, 0), LedgerFacts(net=90, is_readable=False), PROTECTED, id="ledger not readable"),
    ],
)
def test_the_cause_of_a_difference(player, wallet, facts, cause):
    available, pending = wallet or (None, None)
    assert cause_of(Balances(*player, available, pending, has_wallet=wallet is not None), facts) is cause


def test_a_protected_row_is_set_aside_from_the_start():
    row = difference_row("p1", "USD", Balances(40, 0, 90, 0), LedgerFacts(net=50, wallet_only_net=50))
    assert (row.cause, row.state, row.ledger_explained) == (PROTECTED, RowState.SET_ASIDE, 50)


def test_a_row_that_cannot_be_read_is_set_aside_with_no_amount_for_the_wallet():
    row = difference_row("p1", "USD", Balances(None, 0, None, 5))
    assert (row.state, row.player_available, row.wallet_available, row.wallet_pending) == (RowState.SET_ASIDE, 0, None, 5)


_cents = st.integers(-(10**6), 10**6)


@given(player=_cents, deposit=st.integers(1, 10**6), net=st.none() | _cents)
def test_a_deposit_that_only_the_wallet_got_is_never_writable(player, deposit, net):
    facts = LedgerFacts(net=net, wallet_only_net=deposit, wallet_only_credit_matches=True)
    assert cause_of(Balances(player, 0, player + deposit, 0), facts) is PROTECTED
