"""Players of a day at a casino, drawn by chance: booked as the platform books, with all that goes wrong there.

Each player lives through a few movements; requests overlap, updates get lost, wallets are born at any moment, and here and there
stands a row that nobody can read. What is right for them is not said here: it is for comparing two readers with each other.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone

from ledger_guard.domain.ledger_rows import LedgerRow, TransactionRow

_MORNING = datetime(2026, 2, 1, 6, 0, tzinfo=timezone.utc)
_AMOUNTS = (0.0, 0.01, 0.1, 0.3, 2.5, 2.675, 5.0, 5.0, 10.0, 10.0, 12.345, 25.0, 99.995)
#: seconds between two requests: at once, just within what may overlap, just beyond, and far apart
_GAPS = (0.0, 0.0, 0.001, 0.001, 4.999, 5.0, 5.001, 60.0, 60.0, 3600.0, 3600.0, 3600.0)


@dataclass
class OddPlayer:
    """One player with every row about them, amounts in whole units as doubles."""

    player_id: str
    player: tuple[float, float] = (0.0, 0.0)
    #: currency → available, pending
    wallets: dict[str, tuple[float, float]] = field(default_factory=dict)
    ledger: list[LedgerRow] = field(default_factory=list)
    transactions: list[TransactionRow] = field(default_factory=list)


def odd_players(chance: random.Random, count: int) -> list[OddPlayer]:
    """So many players; the same chance draws the same ones."""
    return [_Life(chance, _player_id(chance, number)).lived() for number in range(count)]


def _player_id(chance: random.Random, number: int) -> str:
    """Mostly plain; some sort otherwise by letters than by bytes, or hold what a line of a plan must escape."""
    return f"{chance.choice(['p'] * 20 + ['P', 'é', '_', 'p-', 'p' + chr(92), 'p' + chr(9), 'p' + chr(10)])}{number:05}"


class _Life:
    """One player's day: what the platform does to player row, wallet, ledger and transactions."""

    def __init__(self, chance: random.Random, player_id: str) -> None:
        self._chance = chance
        self._made = OddPlayer(player_id)
        self._at = _MORNING
        self._available, self._held = chance.choice([0.0, 30.0, 100.0, 250.5, 0.1 + 0.2]), chance.choice([0.0, 0.0, 0.0, 20.0])
        self._wallet: tuple[float, float] | None = None
        #: tx_id and amount of payments so far
        self._payments: list[tuple[str, float]] = []

    def lived(self) -> OddPlayer:
        """The player at the end of the day."""
        chance = self._chance
        events: list[tuple[int, Callable[[float], None]]] = [
            (6, self._card), (5, self._hook), (4, self._request), (3, self._rejection), (3, self._payout), (3, self._payout_hook),
            (4, self._poker), (2, self._tournament), (3, self._wallet_only), (5, self._by_hand), (3, self._bet), (1, self._bonus),
            (2, self._requests_at_once), (1, self._repeat), (1, self._odd_row),
        ]  # fmt: skip
        weights = [weight for weight, _ in events]
        is_born_from_player = chance.random() < 0.5
        born_at = chance.choice([0, 0, 0, 1, 2, 99])
        for number in range(chance.choices(range(8), [3, 4, 4, 4, 3, 2, 1, 1])[0]):
            if number == born_at:
                self._wallet = (self._available, self._held) if is_born_from_player else (0.0, 0.0)
            self._at += timedelta(seconds=chance.choice(_GAPS))
            (event,) = chance.choices([event for _, event in events], weights)
            event(chance.choice(_AMOUNTS))
        if born_at < 99 and self._wallet is None:
            self._wallet = (self._available, self._held)
        return self._ended()

    def _ended(self) -> OddPlayer:
        chance, made = self._chance, self._made
        # now and then one of the two is off by what nothing accounts for, or can't be read
        odd = [math.nan, math.inf, -math.inf, 1e13, 9999999999999.99, 1e300]
        if chance.random() < 0.06:
            self._available += chance.choice([-5.0, 7.0, 1e-10, 0.005])
        made.player = (self._available, self._held)
        if chance.random() < 0.02:
            made.player = chance.choice([(chance.choice(odd), self._held), (self._available, chance.choice(odd))])
        if self._wallet is not None:
            available, pending = self._wallet
            if chance.random() < 0.12:
                available += chance.choice([-5.0, 5.0, 10.0, 1e-10, 0.005, -available])
            made.wallets["USD"] = (available, pending)
            if chance.random() < 0.02:
                made.wallets["USD"] = chance.choice([(chance.choice(odd), pending), (available, chance.choice(odd))])
        if chance.random() < 0.08:
            made.wallets[chance.choice(["EUR", "EUR", "usd", "Usd", "US", "U D"])] = (3.0, 0.0)
        return made

    def _move(self, available: float, held: float = 0.0, *, player: bool = True, wallet: bool = True) -> None:
        """Each side gets it, unless its update is lost to another request's."""
        if player and self._chance.random() > 0.05:
            self._available, self._held = self._available + available, self._held + held
        if wallet and self._wallet is not None and self._chance.random() > 0.05:
            self._wallet = (self._wallet[0] + available, self._wallet[1] + held)

    def _book(self, type_: str, direction: str, amount: float, status: str, **others: str | None) -> None:
        chance = self._chance
        currency = chance.choices(["USD", "EUR", "usd", "US"], [60, 4, 0.4, 0.4])[0]
        written = chance.choices([status, status.title(), "failed"], [40, 2, 1])[0]
        row = LedgerRow(type_, chance.choices([direction, direction.upper()], [20, 1])[0], amount, self._at, currency, written)
        self._made.ledger.append(replace(row, **others))

    def _note(self, tx_id: str, type_: str, amount: float, balance_after: float, provider: str | None = None) -> None:
        """At the movement's moment or a little beside it."""
        chance = self._chance
        if chance.random() < 0.1:
            return
        balance = chance.choices([balance_after, math.nan, 0.0, balance_after + 10.0], [40, 1, 1, 2])[0]
        at = self._at + timedelta(seconds=chance.choice([0.0, 0.0, 0.2, -0.2]))
        currency = chance.choices(["USD", "EUR"], [30, 1])[0]
        self._made.transactions.append(TransactionRow(tx_id, type_, amount, balance, at, currency, provider))

    def _new_id(self, amount: float) -> str:
        # ids whose order by letters is not their order by bytes
        tx_id = f"{self._chance.choice('aBcD_-')}{len(self._payments)}"
        self._payments.append((tx_id, amount))
        return tx_id

    def _some_payment(self) -> tuple[str, float]:
        return self._chance.choice(self._payments) if self._payments else ("none", 10.0)

    def _card(self, amount: float) -> None:
        tx_id = self._new_id(amount)
        self._note(tx_id, "deposit", amount, self._available + amount)
        self._book("wallet", "credit", amount, "deposit_succeeded", tx_id=tx_id)
        self._move(amount)

    def _hook(self, amount: float) -> None:
        tx_id = self._new_id(amount)
        self._note(tx_id, "deposit", amount, 0.0, provider="mockpsp")
        self._book("deposit", "credit", amount, "deposit_captured", tx_id=self._chance.choice([tx_id, tx_id, None, ""]))
        self._move(amount, player=False)

    def _request(self, amount: float) -> None:
        tx_id = self._new_id(amount)
        self._note(tx_id, "withdrawal", amount, self._available - amount + self._held)
        # half a cent can come of this
        self._book(
            "wallet", "credit", 2 * amount + self._chance.choices([0.0, 0.01], [30, 1])[0], "withdraw_requested", tx_id=tx_id
        )
        self._move(-amount, amount)

    def _requests_at_once(self, amount: float) -> None:
        """Two withdrawals, of which the second may not know of the first: then the player row loses that one."""
        before = self._available, self._held
        self._request(amount)
        self._at += timedelta(seconds=self._chance.choice([0.0, 0.5]))
        if self._chance.random() < 0.5:
            self._available, self._held = before
        self._request(amount)

    def _rejection(self, _: float) -> None:
        tx_id, amount = self._some_payment()
        self._book("wallet", "credit", 2 * amount, "withdraw_rejected", tx_id=tx_id)
        self._move(amount, -amount)

    def _payout(self, _: float) -> None:
        tx_id, amount = self._some_payment()
        self._book("wallet", "debit", amount, self._chance.choice(["withdraw_paid", "withdrawal_succeeded"]), tx_id=tx_id)
        self._move(0.0, -amount)

    def _payout_hook(self, _: float) -> None:
        tx_id, amount = self._some_payment()
        self._book("withdraw", "debit", amount, "withdraw_paid", tx_id=tx_id)
        self._move(0.0, -amount, player=False)

    def _poker(self, amount: float) -> None:
        kind, sign = self._chance.choice([("win", 1), ("bet", -1)])
        tx_id = self._new_id(amount)
        self._note(tx_id, f"poker_{kind}", amount, self._available + sign * amount)
        booked_under = self._chance.choice([None, None, tx_id])
        self._book(f"poker_{kind}", "credit" if sign > 0 else "debit", amount, "success", tx_id=booked_under)
        self._move(sign * amount, wallet=False)

    def _tournament(self, amount: float) -> None:
        type_, sign = self._chance.choice([("mtt_buyin", -1), ("mtt_prize", 1)])
        self._book(type_, "credit" if sign > 0 else "debit", amount, "success")
        self._move(sign * amount, wallet=False)

    def _wallet_only(self, amount: float) -> None:
        type_, sign = self._chance.choice([("chargeback", -1), ("chargeback_fee", -1), ("adjustment", 1), ("mtt_reentry", -1)])
        self._book(type_, "credit" if sign > 0 else "debit", amount, "completed")
        self._move(sign * amount, player=False)

    def _by_hand(self, amount: float) -> None:
        status, sign = self._chance.choice([("manual_credit", 1), ("manual_debit", -1), ("chargeback", -1), ("game_win", 1)])
        self._book("wallet", "credit" if sign > 0 else "debit", amount, status, tx_id=self._chance.choice([None, "none"]))
        self._move(sign * amount)

    def _bet(self, amount: float) -> None:
        told = f"bonus:10.0|real:{amount!r}"
        self._book("wallet", "debit", amount + 10.0, "game_bet", provider_ref=self._chance.choice([told] * 15 + ["real:x", None]))
        self._move(-amount)

    def _bonus(self, amount: float) -> None:
        type_, status = self._chance.choice(
            [("wallet", "bonus_granted"), ("wallet", "bonus_forfeited"), ("poker_rake", "revenue")]
        )
        self._book(type_, "credit", amount, status)

    def _repeat(self, _: float) -> None:
        """A payment once more, mostly with the same amount, from any of the places that book payments."""
        tx_id, amount = self._some_payment()
        amount += self._chance.choices([0.0, 1.0], [5, 1])[0]
        type_, status = self._chance.choice(
            [("deposit", "deposit_captured"), ("wallet", "deposit_succeeded"), ("withdraw", "withdraw_paid")]
        )
        self._book(type_, self._chance.choices(["credit", "debit"], [6, 1])[0], amount, status, tx_id=tx_id)

    def _odd_row(self, amount: float) -> None:
        type_, direction, odd_amount, status = self._chance.choice(
            [
                ("cashback", "credit", amount, "completed"),
                ("wallet", "credit", amount, "in_review"),
                ("wallet", "sideways", amount, "manual_credit"),
                ("wallet", "credit", -amount, "manual_credit"),
                ("wallet", "credit", math.nan, "manual_credit"),
                ("deposit", "credit", math.inf, "deposit_captured"),
                ("adjustment", "credit", 1e13, "completed"),
                ("adjustment", "credit", 1e12, "completed"),
            ]
        )
        self._book(type_, direction, odd_amount, status, tx_id=self._chance.choice([None, self._some_payment()[0]]))
