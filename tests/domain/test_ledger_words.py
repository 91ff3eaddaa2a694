"""What the words of a ledger move, learnt from balances that were noted and from how far wallet and player are apart."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone

import pytest

from ledger_guard.domain.ledger_samples import Factor, SampledPlayer, WordNote, WordRow
from ledger_guard.domain.ledger_words import WordSide, learn_words, shared_payments

START = datetime(2026, 2, 1, tzinfo=timezone.utc)


class Casino:
    """Players who do what the test says, with the rows and notes that follow."""

    def __init__(self, seed: int = 1) -> None:
        self.chance = random.Random(seed)
        self.players: list[SampledPlayer] = []
        self.play("card", "card")

    def play(self, *steps: str, players: int = 5, born_from_zero: bool = False) -> Casino:
        for _ in range(players):
            self.players.append(self._player(steps, born_from_zero))
        return self

    def _player(self, steps, born_from_zero: bool) -> SampledPlayer:
        available = opening = self.chance.randint(10_000, 90_000)
        held, wallet, rows, notes = 0, [0 if born_from_zero else opening, 0], [], []
        for number, step in enumerate(steps):
            at, cents, tx_id = START + timedelta(hours=number), self.chance.randint(100, 2_000) * 2, f"t{number}"

            def book(type_, status, credit, amount=cents, at=at, tx_id=tx_id):
                rows.append(WordRow((type_, status), credit, amount, at, tx_id))

            if step == "card":
                notes.append(WordNote(tx_id, at, available, cents, is_total=False))
                available, wallet[0] = available + cents, wallet[0] + cents
                book("wallet", "deposit_succeeded", True)
            elif step == "request":
                notes.append(WordNote(tx_id, at, available + held, -cents // 2, is_total=True))
                available, held = available - cents // 2, held + cents // 2
                wallet = [wallet[0] - cents // 2, wallet[1] + cents // 2]
                book("wallet", "withdraw_requested", True)
            elif step == "hook":
                wallet[0] += cents
                book("deposit", "deposit_captured", True)
            elif step == "hooked":
                # a webhook of the payment before it, under the same id
                wallet[0] += rows[-1].cents
                book("deposit", "deposit_captured", True, amount=rows[-1].cents, tx_id=rows[-1].tx_id)
            elif step == "fee":
                wallet[0] -= cents
                book("chargeback_fee", "completed", False)
            elif step == "win":
                available += cents
                book("poker_win", "success", True, tx_id=None)
            elif step == "grant":
                book("wallet", "bonus_granted", True)
        return SampledPlayer(available, held, (wallet[0], wallet[1]), rows, notes)

    def learnt(self, type_: str):
        return next(each for each in learn_words(self.players) if each.word[0] == type_ or each.word[1] == type_)


def told(found) -> tuple[WordSide, Factor, Factor]:
    return found.side, found.available, found.held


def test_a_deposit_whose_transaction_notes_it_moves_both():
    casino = Casino().play("card", "card")
    assert told(casino.learnt("deposit_succeeded")) == (WordSide.BOTH, Factor.BY_DIRECTION, Factor.NONE)


def test_a_request_that_is_booked_as_twice_its_amount_moves_half_of_it_to_held():
    casino = Casino().play("card", "request").play("card", "request", "card", "request")
    assert told(casino.learnt("withdraw_requested")) == (WordSide.BOTH, Factor.MINUS_HALF, Factor.HALF)


def test_what_lifts_the_wallet_alone_is_the_wallets():
    casino = Casino().play("card", "hook", "card")
    assert told(casino.learnt("deposit_captured")) == (WordSide.WALLET, Factor.BY_DIRECTION, Factor.NONE)


def test_wallets_born_from_0_tell_nothing_and_hide_nothing():
    casino = Casino().play("card", "hook", "card", players=4).play("hook", "card", born_from_zero=True, players=12)
    assert told(casino.learnt("deposit_captured")) == (WordSide.WALLET, Factor.BY_DIRECTION, Factor.NONE)


def test_a_debit_that_the_player_row_never_got_is_the_wallets():
    casino = Casino().play("card", "fee", "card")
    assert told(casino.learnt("chargeback_fee")) == (WordSide.WALLET, Factor.BY_DIRECTION, Factor.NONE)


@pytest.mark.parametrize("steps", [("card", "win", "card"), ("card", "win")], ids=["noted afterwards", "not noted"])
def test_what_the_wallet_never_got_is_the_players(steps):
    casino = Casino().play(*steps).play("card")
    assert told(casino.learnt("poker_win")) == (WordSide.PLAYER, Factor.BY_DIRECTION, Factor.NONE)


@pytest.mark.parametrize("players", [1, 2])
def test_too_few_places_tell_nothing(players):
    casino = Casino().play("card", "hook", "card", players=players).play("card", "card")
    assert casino.learnt("deposit_captured").side is WordSide.NOT_KNOWN


def test_words_that_always_come_together_are_not_distinguished():
    casino = Casino().play("card", "fee", "hook", "card")
    assert casino.learnt("chargeback_fee").side is casino.learnt("deposit_captured").side is WordSide.NOT_KNOWN


def test_how_often_a_word_is_there_is_counted():
    found = Casino().play("card", "hook", "hook", players=4).learnt("deposit_captured")
    assert (found.rows, found.players) == (8, 4)


def test_words_that_booked_one_payment_on_both_sides_and_on_the_wallet_share_its_step():
    casino = Casino().play("card", "hook", "card").play("card", "hooked", "fee", players=1)
    words = [("deposit", "deposit_captured"), ("wallet", "deposit_succeeded")]
    assert shared_payments(casino.players, learn_words(casino.players)) == dict.fromkeys(words, "deposit")


def test_words_that_never_booked_one_payment_share_none():
    casino = Casino().play("card", "hook", "fee", "card")
    assert shared_payments(casino.players, learn_words(casino.players)) == {}
