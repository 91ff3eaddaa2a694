"""One player's rows on the platform, step by step, together with the true values. Amounts in cents.

Every step moves what the platform's own code moves: webhooks, disputes and rewards the wallet alone, poker the player alone, the
rest both; a missing wallet is made from the player's balances by what moves both sides, and as 0 + its change by what moves the
wallet alone. `right` counts every step once.
"""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

#: how long a game or a tournament takes: its two requests are not at once
_A_ROUND = timedelta(minutes=10)


@dataclass(frozen=True)
class BookedRow:
    """One row of the ledger; the amount is never negative."""

    row_id: str
    type: str
    status: str
    direction: str
    amount: int
    created_at: datetime
    tx_id: str | None = None
    currency: str = "USD"
    provider: str | None = None
    provider_ref: str | None = None
    provider_event_id: str | None = None


@dataclass(frozen=True)
class KeptTransaction:
    """One row of the platform's transactions; `balance_after` is 0 on a webhook's."""

    row_id: str
    type: str
    amount: int
    status: str
    state: str
    balance_after: int
    created_at: datetime
    currency: str = "USD"
    provider: str | None = None
    provider_event_id: str | None = None


@dataclass
class PlayerBook:
    """A player who had `available` and `held` before the ledger began, and no wallet yet."""

    rng: random.Random
    available: int
    held: int = 0
    #: available and pending, by currency
    wallets: dict[str, list[int]] = field(default_factory=dict)
    ledger: list[BookedRow] = field(default_factory=list)
    transactions: list[KeptTransaction] = field(default_factory=list)
    #: the player's, and the USD wallet's: one that a webhook or the script made has none until the next grant
    bonus: int = 0
    wallet_bonus: int = 0
    #: what the USD wallet should hold
    right: list[int] = field(init=False)
    #: payments whose money has been counted: deposited, or paid out
    _counted: set[tuple[str, str]] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        self.right = [self.available, self.held]

    def backfill(self) -> None:
        """The platform's script, create-missing: a wallet with the player's balances and no bonus."""
        self.wallets.setdefault("USD", [self.available, self.held])

    def card_deposit(self, cents: int, at: datetime) -> str:
        """Both sides; the transaction notes available after it. Returns the transaction's id."""
        tx_id = self._note("deposit", cents, "completed", self.available + cents, at)
        self._both(cents, 0)
        self._counted.add(("deposit", tx_id))
        self._book("wallet", "deposit_succeeded", "credit", cents, at, tx_id, provider="mockpsp")
        return tx_id

    def request_withdrawal(self, cents: int, at: datetime) -> str:
        """Set money aside; booked as twice the amount, a credit. Returns the transaction's id."""
        tx_id = self._note("withdrawal", cents, "pending", self.available - cents + self.held, at, state="requested")
        self._both(-cents, cents)
        self._book("wallet", "withdraw_requested", "credit", 2 * cents, at, tx_id)
        return tx_id

    def reject_withdrawal(self, tx_id: str, cents: int, at: datetime) -> None:
        """Give it back."""
        self._both(cents, -cents)
        self._close(tx_id, "rejected")
        self._book("wallet", "withdraw_rejected", "credit", 2 * cents, at, tx_id)

    def pay_withdrawal(self, tx_id: str, cents: int, at: datetime) -> None:
        """An operator pays it out; where a webhook has told so before, the same money leaves the wallet again."""
        self._both(0, -cents)
        if ("payout", tx_id) in self._counted:
            self.right[1] += cents
        self._counted.add(("payout", tx_id))
        self._close(tx_id, "paid")
        self._book("wallet", "withdraw_paid", "debit", cents, at, tx_id)

    def admin_credit(self, cents: int, at: datetime, currency: str = "USD") -> None:
        """By hand; no transaction notes it. In another currency the player row takes it for dollars all the same."""
        if currency == "USD":
            self._both(cents, 0)
        else:
            wallet = self.wallets.setdefault(currency, [self.available, self.held])
            self.available += cents
            wallet[0] += cents
        self._book("wallet", "manual_credit", "credit", cents, at, new_uuid(self.rng), currency, provider="admin")

    def admin_debit(self, cents: int, at: datetime) -> None:
        """By hand; no transaction notes it."""
        self._both(-cents, 0)
        self._book("wallet", "manual_debit", "debit", cents, at, new_uuid(self.rng), provider="admin")

    def game_round(self, bet: int, of_it_bonus: int, win: int, at: datetime) -> None:
        """A bet, of which only the real part moves money, and what it won."""
        real = bet - of_it_bonus
        self._both(-real, 0)
        reference = f"bonus:{of_it_bonus / 100}|real:{real / 100}"
        self._book("wallet", "game_bet", "debit", bet, at, new_uuid(self.rng), provider="simulator", reference=reference)
        if win:
            self._both(win, 0)
            self._book("wallet", "game_win", "credit", win, at + _A_ROUND, new_uuid(self.rng), provider="simulator")

    def grant_bonus(self, cents: int, at: datetime) -> None:
        """Bonus is no part of available or held. The grant goes by the wallet's bonus and makes the player's equal to it."""
        self._wallet()
        self.wallet_bonus += cents
        self.bonus = self.wallet_bonus
        self._book("wallet", "bonus_granted", "credit", cents, at, new_uuid(self.rng), provider="bonus")

    def webhook_deposit(
        self, cents: int, at: datetime, currency: str = "USD", provider: str = "mockpsp", tx_id: str | None = None
    ) -> None:
        """The wallet alone, once more where the payment (`tx_id`) has been deposited already."""
        event = f"evt_{new_uuid(self.rng)}"
        payment = tx_id or f"psp-{event}"
        self._book("deposit", "deposit_captured", "credit", cents, at, payment, currency, provider=provider, event=event)
        self._note("deposit", cents, "completed", 0, at, currency=currency, provider=provider, event=event)
        self._wallet_only(cents, 0, currency)
        if currency == "USD" and ("deposit", payment) not in self._counted:
            self.right[0] += cents
        self._counted.add(("deposit", payment))

    def webhook_payout(self, tx_id: str, cents: int, at: datetime, provider: str = "mockpsp") -> None:
        """A provider tells that a withdrawal was paid: the wallet's pending alone; the request stays open."""
        event = f"evt_{new_uuid(self.rng)}"
        self._book("withdraw", "withdraw_paid", "debit", cents, at, tx_id, provider=provider, event=event)
        self._note("other", cents, "completed", 0, at, provider=provider, event=event)
        self._wallet_only(0, -cents)
        self.right[1] -= cents
        self._counted.add(("payout", tx_id))

    def vip_reward(self, cents: int, at: datetime) -> None:
        """Loyalty points redeemed: the wallet alone."""
        self._book("adjustment", "completed", "credit", cents, at, new_uuid(self.rng), provider="internal_loyalty")
        self._wallet_only(cents, 0)
        self.right[0] += cents

    def reenter_tournament(self, cents: int, at: datetime) -> None:
        """The wallet alone pays."""
        self._book("mtt_reentry", "completed", "debit", cents, at, new_uuid(self.rng), provider="internal_poker")
        self._wallet_only(-cents, 0)
        self.right[0] -= cents

    def lost_dispute(self, cents: int, at: datetime) -> None:
        """The wallet alone pays the amount and a fee of 15.00."""
        for kind, amount in (("chargeback", cents), ("chargeback_fee", 1_500)):
            self._book(kind, "completed", "debit", amount, at, new_uuid(self.rng))
            self._wallet_only(-amount, 0)
            self.right[0] -= amount

    def poker(self, cents: int, at: datetime) -> None:
        """A hand won (above 0) or a bet: the player alone; no transaction id on the ledger row."""
        kind = "poker_win" if cents > 0 else "poker_bet"
        self.available += cents
        self.right[0] += cents
        self._note(kind, abs(cents), "completed", self.available, at, provider="poker_provider")
        direction = "credit" if cents > 0 else "debit"
        self._book(kind, "success", direction, abs(cents), at, None, provider="poker_provider")

    def tournament(self, buyin: int, prize: int, at: datetime) -> None:
        """Entered by an operator: the player alone pays, and wins."""
        for kind, cents, moment in (("mtt_buyin", -buyin, at), ("mtt_prize", prize, at + _A_ROUND)):
            if cents:
                self.available += cents
                self.right[0] += cents
                direction = "credit" if cents > 0 else "debit"
                self._book(kind, "success", direction, abs(cents), moment, None, provider="internal_mtt")

    def lose_card_deposit(self, first: int, second: int, at: datetime) -> None:
        """Two card deposits at once: both read the player before either wrote, so there the first is lost."""
        before = self.available
        wallet = self._wallet()
        for cents in (first, second):
            tx_id = self._note("deposit", cents, "completed", before + cents, at)
            self._book("wallet", "deposit_succeeded", "credit", cents, at, tx_id, provider="mockpsp")
            self.available = before + cents
            wallet[0] += cents
            self.right[0] += cents

    def _close(self, tx_id: str, state: str) -> None:
        self.transactions = [
            replace(each, state=state, status=state) if each.row_id == tx_id else each for each in self.transactions
        ]

    def _wallet(self) -> list[int]:
        """The USD wallet; a missing one is made from the player's balances, bonus included."""
        if "USD" not in self.wallets:
            self.wallets["USD"] = [self.available, self.held]
            self.wallet_bonus = self.bonus
        return self.wallets["USD"]

    def _both(self, available: int, held: int) -> None:
        wallet = self._wallet()
        self.available += available
        self.held += held
        wallet[0] += available
        wallet[1] += held
        self.right[0] += available
        self.right[1] += held

    def _wallet_only(self, available: int, held: int, currency: str = "USD") -> None:
        wallet = self.wallets.setdefault(currency, [0, 0])
        wallet[0] += available
        wallet[1] += held

    def _book(
        self,
        kind: str,
        status: str,
        direction: str,
        cents: int,
        at: datetime,
        tx_id: str | None,
        currency: str = "USD",
        provider: str | None = None,
        event: str | None = None,
        reference: str | None = None,
    ) -> None:
        self.ledger.append(
            BookedRow(new_uuid(self.rng), kind, status, direction, cents, at, tx_id, currency, provider, reference, event)
        )

    def _note(
        self,
        kind: str,
        cents: int,
        status: str,
        balance_after: int,
        at: datetime,
        state: str = "completed",
        currency: str = "USD",
        provider: str | None = None,
        event: str | None = None,
    ) -> str:
        tx_id = new_uuid(self.rng)
        self.transactions.append(KeptTransaction(tx_id, kind, cents, status, state, balance_after, at, currency, provider, event))
        return tx_id


def new_uuid(rng: random.Random) -> str:
    """A UUID text that the seed decides."""
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))
