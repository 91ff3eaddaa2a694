"""Single money moves, as the platform makes them: what is locked, which side moves, what is booked and noted.

As a rule requests for one player come one after the other here: each locks the player row, then the wallet row, reads under the
lock and writes. A move that has had a `look` first behaves as requests at once do on the platform: what moves both sides goes by
the player as it was before its lock and writes that value plus its change, and a webhook reads and writes the wallet without any
lock. What others wrote between the look and the move is lost.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg
from typing_extensions import LiteralString

_READ_PLAYER: LiteralString = """
    select balance_real_available, balance_real_held from player where tenant_id = %(tenant_id)s and id = %(player_id)s
"""
_READ_WALLET: LiteralString = """
    select balance_real_available, balance_real_pending from walletbalance
    where tenant_id = %(tenant_id)s and player_id = %(player_id)s and currency = %(currency)s
"""
_CREATE_WALLET: LiteralString = """
    insert into walletbalance (tenant_id, player_id, currency, balance_real_available, balance_real_pending,
                               balance_bonus_available, balance_bonus_pending)
    values (%(tenant_id)s, %(player_id)s, %(currency)s, %(available)s, %(held)s, %(bonus)s, 0)
    on conflict (tenant_id, player_id, currency) do nothing
"""
_READ_BONUS: LiteralString = "select balance_bonus from player where tenant_id = %(tenant_id)s and id = %(player_id)s"
_WRITE_PLAYER: LiteralString = """
    update player
    set balance_real_available = %(available)s, balance_real_held = %(held)s, balance_real = %(available)s + %(held)s
    where tenant_id = %(tenant_id)s and id = %(player_id)s
"""
_WRITE_WALLET: LiteralString = """
    update walletbalance
    set balance_real_available = %(available)s, balance_real_pending = %(held)s, updated_at = now()
    where tenant_id = %(tenant_id)s and player_id = %(player_id)s and currency = %(currency)s
"""
_BOOK: LiteralString = """
    insert into ledgertransaction (id, tx_id, tenant_id, player_id, type, direction, amount, currency, status, idempotency_key,
                                   provider, provider_event_id, created_at)
    values (%(id)s, %(tx_id)s, %(tenant_id)s, %(player_id)s, %(type)s, %(direction)s, %(amount)s, %(currency)s, %(status)s,
            %(reference)s, %(provider)s, %(provider_event_id)s, clock_timestamp())
"""
_NOTE: LiteralString = """
    insert into transaction (id, tenant_id, player_id, type, amount, currency, status, state, provider, provider_event_id,
                             balance_after, created_at, updated_at)
    values (%(id)s, %(tenant_id)s, %(player_id)s, %(type)s, %(amount)s, %(currency)s, %(status)s, %(state)s, %(provider)s,
            %(provider_event_id)s, %(balance_after)s, clock_timestamp(), clock_timestamp())
"""
_OPEN_REQUEST: LiteralString = """
    select id, amount from transaction
    where tenant_id = %(tenant_id)s and player_id = %(player_id)s and type = 'withdrawal' and state = 'requested'
    order by created_at, id
    limit 1
    for update
"""
_CLOSE_REQUEST: LiteralString = """
    update transaction set state = %(state)s, status = %(status)s, updated_at = clock_timestamp() where id = %(id)s
"""
_IS_BOOKED: LiteralString = """
    select exists (
        select from ledgertransaction
        where tenant_id = %(tenant_id)s and player_id = %(player_id)s and tx_id = %(tx_id)s
          and (type, status) in (('wallet', %(as_wallet)s), (%(type)s, %(status)s))
    )
"""
_KEEP_TRUTH: LiteralString = """
    update ledger_sandbox.right_wallet set available = available + %(available)s, held = held + %(held)s
    where player_id = %(player_id)s
"""


@dataclass
class MoneyMovement:
    """One move of a player's money, inside a transaction of the caller."""

    connection: psycopg.Connection
    tenant_id: str
    player_id: str
    cents: int
    #: unique; the idempotency key or the provider's event
    reference: str
    currency: str = "USD"
    #: who calls, where it is a webhook
    provider: str = "mockpsp"
    #: the payment that a webhook names; None: one of the provider's own, which nothing else names
    payment: str | None = None
    #: how long the row locks took so far
    lock_seconds: float = field(default=0.0, init=False)
    #: it goes by what a look found of player and wallet, instead of reading under its locks
    _has_looked: bool = field(default=False, init=False)
    _seen_player: tuple[float, float] | None = field(default=None, init=False)
    _seen_wallet: tuple[float, float] | None = field(default=None, init=False)

    def look(self) -> MoneyMovement:
        """Read player and wallet now, without a lock; the move goes by that, whatever is written until it is made."""
        self._has_looked = True
        self._seen_player = self.connection.execute(_READ_PLAYER, self._values()).fetchone()
        self._seen_wallet = self.connection.execute(_READ_WALLET, self._values()).fetchone()
        return self

    def player(self) -> tuple[float, float]:
        """Available and held, as the look found them, or read under the player's lock."""
        return self._known(self._seen_player) if self._has_looked else self.lock_player()

    def lock_player(self) -> tuple[float, float]:
        """Lock the player row and return (available, held)."""
        return self._known(self._locked(_READ_PLAYER))

    def lock_or_create_wallet(self, player: tuple[float, float]) -> tuple[float, float]:
        """Lock the wallet; a missing one is first made from the player's balances before the move, bonus included."""
        wallet = self._locked(_READ_WALLET)
        if wallet is None:
            bonus = (self.connection.execute(_READ_BONUS, self._values()).fetchone() or (0.0,))[0]
            self.connection.execute(_CREATE_WALLET, self._values(available=player[0], held=player[1], bonus=bonus))
            wallet = self._locked(_READ_WALLET)
        assert wallet is not None, "it was there or has just been created, and nothing deletes wallets"
        return wallet

    def shift(self, seen: tuple[float, float], available: int, held: int) -> None:
        """Change player and wallet by so many cents: the player from what was `seen` of it, the wallet from what it holds.

        An amount that does not change is not written, as the platform writes changed columns alone.
        """
        now = self.lock_player()
        wallet = self.lock_or_create_wallet(now)
        self.write_player(
            seen[0] + available / 100 if available else now[0],
            seen[1] + held / 100 if held else now[1],
        )
        self.write_wallet(wallet[0] + available / 100, wallet[1] + held / 100)
        self.keep_truth(available, held)

    def shift_wallet_alone(self, available: int, held: int) -> None:
        """Change the wallet alone; a missing one is made as 0 and the change. Of two births at once the later is swallowed."""
        wallet = self._seen_wallet if self._has_looked else self._locked(_READ_WALLET)
        if wallet is None:
            first = {"available": available / 100, "held": held / 100, "bonus": 0.0}
            born = self.connection.execute(_CREATE_WALLET, self._values(**first))
            # Born meanwhile by somebody else: only who has looked too early does not add to it.
            wallet = None if born.rowcount or self._has_looked else self._locked(_READ_WALLET)
        if wallet is not None:
            self.write_wallet(wallet[0] + available / 100, wallet[1] + held / 100)

    def write_player(self, available: float, held: float) -> None:
        """Store the player's amounts, in whole cents."""
        self.connection.execute(_WRITE_PLAYER, self._values(available=round(available, 2), held=round(held, 2)))

    def write_wallet(self, available: float, pending: float) -> None:
        """Store the wallet's amounts, in whole cents."""
        self.connection.execute(_WRITE_WALLET, self._values(available=round(available, 2), held=round(pending, 2)))

    def keep_truth(self, available: int, held: int) -> None:
        """What the USD wallet should hold has changed by so many cents."""
        if self.currency != "USD":
            return
        self.connection.execute(_KEEP_TRUTH, self._values(available=available, held=held))

    def book(
        self,
        type_: str,
        status: str,
        direction: str,
        cents: int,
        tx_id: str | None,
        provider: str | None = None,
        *,
        event: bool = False,
    ) -> None:
        """Write the ledger row; with `event` it carries the provider's event, which takes the place of an idempotency key."""
        booked = {"type": type_, "status": status, "direction": direction, "amount": cents / 100, "provider": provider}
        has_key = not event and tx_id is not None
        key = f"{self.player_id}-{self.reference}" if has_key else None
        keys = {"id": str(uuid.uuid4()), "tx_id": tx_id, "reference": key}
        self.connection.execute(_BOOK, self._values(provider_event_id=self.reference if event else None, **keys, **booked))

    def note(
        self,
        type_: str,
        cents: int,
        balance_after: float,
        state: str = "completed",
        provider: str | None = None,
        *,
        event: bool = False,
    ) -> str:
        """Write the transaction with the balance that it leaves; returns its id."""
        tx_id = str(uuid.uuid4())
        noted = {
            "type": type_,
            "amount": cents / 100,
            "balance_after": round(balance_after, 2),
            "state": state,
            "status": "pending" if state == "requested" else state,
            "provider": provider,
        }
        self.connection.execute(_NOTE, self._values(id=tx_id, provider_event_id=self.reference if event else None, **noted))
        return tx_id

    def open_request(self) -> tuple[str, int] | None:
        """The oldest withdrawal that was asked for and neither paid nor rejected: its id and cents."""
        found = self.connection.execute(_OPEN_REQUEST, self._values()).fetchone()
        return (found[0], round(found[1] * 100)) if found else None

    def close_request(self, tx_id: str, state: str) -> None:
        """Mark a withdrawal as paid or rejected; its status says the same."""
        self.connection.execute(_CLOSE_REQUEST, {"id": tx_id, "state": state, "status": state})

    def is_booked(self, payment: str | None, type_: str, status: str, as_wallet: str) -> bool:
        """Whether a payment has taken this step already, by a webhook or on both sides."""
        step = {"tx_id": payment, "type": type_, "status": status, "as_wallet": as_wallet}
        found = self.connection.execute(_IS_BOOKED, self._values(**step)).fetchone()
        return bool(found and found[0])

    def _values(self, **more: Any) -> dict[str, Any]:
        return {"tenant_id": self.tenant_id, "player_id": self.player_id, "currency": self.currency, **more}

    def _known(self, found: tuple[float, float] | None) -> tuple[float, float]:
        if found is None:
            raise ValueError(f"live: player {self.player_id} of {self.tenant_id} is gone; allowed: players that stay")
        return found

    def _locked(self, text: LiteralString) -> tuple[float, float] | None:
        began = time.monotonic()
        found = self.connection.execute(text + "for update", self._values()).fetchone()
        self.lock_seconds = max(self.lock_seconds, time.monotonic() - began)
        return (found[0], found[1]) if found else None


def deposit(move: MoneyMovement) -> bool:
    """A card deposit: both sides; its transaction notes available after it."""
    seen = move.player()
    tx_id = move.note("deposit", move.cents, seen[0] + move.cents / 100)
    move.shift(seen, move.cents, 0)
    move.book("wallet", "deposit_succeeded", "credit", move.cents, tx_id, "mockpsp")
    return True


def request_withdraw(move: MoneyMovement) -> bool:
    """Set money aside for a withdrawal, booked as twice the amount; False when the player has too little."""
    seen = move.player()
    if round(seen[0] * 100) < move.cents:
        return False
    tx_id = move.note("withdrawal", move.cents, seen[0] - move.cents / 100 + seen[1], "requested")
    move.shift(seen, -move.cents, move.cents)
    move.book("wallet", "withdraw_requested", "credit", 2 * move.cents, tx_id)
    return True


def pay_withdraw(move: MoneyMovement) -> bool:
    """Pay out the oldest open request, also one that a webhook paid already; False when there is none."""
    seen = move.player()
    request = move.open_request()
    if request is None:
        return False
    tx_id, cents = request
    is_paid = move.is_booked(tx_id, "withdraw", "withdraw_paid", "withdraw_paid")
    move.shift(seen, 0, -cents)
    if is_paid:
        # Both sides fall a second time; right is the payment once.
        move.keep_truth(0, cents)
    move.book("wallet", "withdraw_paid", "debit", cents, tx_id)
    move.close_request(tx_id, "paid")
    return True


def reject_withdraw(move: MoneyMovement) -> bool:
    """Give the oldest open request back; False when there is none."""
    seen = move.player()
    request = move.open_request()
    if request is None:
        return False
    tx_id, cents = request
    move.shift(seen, cents, -cents)
    move.book("wallet", "withdraw_rejected", "credit", 2 * cents, tx_id)
    move.close_request(tx_id, "rejected")
    return True


@dataclass(frozen=True)
class WebhookStep:
    """A money event of the generic webhook, and what the platform makes of it: ledger and wallet, never the player row."""

    type: str
    status: str
    direction: str
    transaction_type: str
    #: the status under which the ledger books the same step on both sides
    as_wallet: str
    #: of the amount, what the wallet's available and pending get
    available: int
    pending: int

    def book(self, move: MoneyMovement, *, shadow_write: bool = True) -> None:
        """Ledger row and, with shadow write, the wallet. A payment counts once, however often it is booked."""
        is_new = not move.is_booked(move.payment, self.type, self.status, self.as_wallet)
        payment = move.payment or f"psp-{move.reference}"
        move.book(self.type, self.status, self.direction, move.cents, payment, move.provider, event=True)
        if shadow_write:
            move.shift_wallet_alone(self.available * move.cents, self.pending * move.cents)
        if is_new:
            move.keep_truth(self.available * move.cents, self.pending * move.cents)

    def note(self, move: MoneyMovement) -> None:
        """The transaction, which notes 0."""
        move.note(self.transaction_type, move.cents, 0.0, provider=move.provider, event=True)


WEBHOOK_STEPS = {
    step.status: step
    for step in (
        WebhookStep("deposit", "deposit_captured", "credit", "deposit", "deposit_succeeded", available=1, pending=0),
        WebhookStep("withdraw", "withdraw_paid", "debit", "other", "withdraw_paid", available=0, pending=-1),
    )
}


def webhook_deposit(move: MoneyMovement) -> bool:
    """A provider's generic deposit webhook: ledger and wallet get it, the player row never does."""
    return _webhook(move, WEBHOOK_STEPS["deposit_captured"])


def webhook_payout(move: MoneyMovement) -> bool:
    """A provider tells that a withdrawal was paid: the wallet's pending falls, what the player row holds stays up."""
    return _webhook(move, WEBHOOK_STEPS["withdraw_paid"])


def _webhook(move: MoneyMovement, step: WebhookStep) -> bool:
    # The platform commits the wallet before the transaction. In one transaction that would lock wallet before player, for
    # the transaction refers to its player.
    step.note(move)
    step.book(move)
    return True


def poker_bet(move: MoneyMovement) -> bool:
    """A bet at the poker provider's table: the player row alone; False when the player has too little."""
    return round(move.player()[0] * 100) >= move.cents and _hand(move, "poker_bet", -move.cents)


def poker_win(move: MoneyMovement) -> bool:
    """A hand won there: the player row alone."""
    return _hand(move, "poker_win", move.cents)


def _hand(move: MoneyMovement, kind: str, cents: int) -> bool:
    seen = move.player()
    after = seen[0] + cents / 100
    _, held = move.lock_player()
    move.write_player(after, held)
    move.keep_truth(cents, 0)
    move.note(kind, abs(cents), after, provider="poker_provider")
    move.book(kind, "success", "credit" if cents > 0 else "debit", abs(cents), None, "poker_provider")
    return True


#: what live traffic makes of a wallet that is right: a right one
MONEY_MOVEMENTS: tuple[Callable[[MoneyMovement], bool], ...] = (
    deposit,
    deposit,
    request_withdraw,
    pay_withdraw,
    reject_withdraw,
    webhook_deposit,
)
