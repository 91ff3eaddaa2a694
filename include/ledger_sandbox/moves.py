"""Single money moves, in the platform's own order: lock the player row, then the wallet row, then book."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg
from typing_extensions import LiteralString

_LOCK_PLAYER: LiteralString = """
    select balance_real_available, balance_real_held from player
    where tenant_id = %(tenant_id)s and id = %(player_id)s
    for update
"""
_LOCK_WALLET: LiteralString = """
    select balance_real_available, balance_real_pending from walletbalance
    where tenant_id = %(tenant_id)s and player_id = %(player_id)s and currency = 'USD'
    for update
"""
_CREATE_WALLET: LiteralString = """
    insert into walletbalance (tenant_id, player_id, currency, balance_real_available, balance_real_pending,
                               balance_bonus_available, balance_bonus_pending)
    select tenant_id, id, 'USD', balance_real_available, balance_real_held, 0, 0 from player
    where tenant_id = %(tenant_id)s and id = %(player_id)s
    on conflict (tenant_id, player_id, currency) do nothing
"""
_WRITE_PLAYER: LiteralString = """
    update player
    set balance_real_available = %(available)s, balance_real_held = %(held)s, balance_real = %(available)s + %(held)s
    where tenant_id = %(tenant_id)s and id = %(player_id)s
"""
_WRITE_WALLET: LiteralString = """
    update walletbalance
    set balance_real_available = %(available)s, balance_real_pending = %(held)s, updated_at = now()
    where tenant_id = %(tenant_id)s and player_id = %(player_id)s and currency = 'USD'
"""
_BOOK: LiteralString = """
    insert into ledgertransaction (id, tx_id, tenant_id, player_id, type, direction, amount, currency, status, idempotency_key,
                                   provider, provider_event_id)
    values (%(id)s, %(id)s, %(tenant_id)s, %(player_id)s, %(type)s, %(direction)s, %(amount)s, 'USD', 'completed',
            %(reference)s, %(provider)s, %(provider_event_id)s)
"""


@dataclass
class Move:
    """One move of a player's money, inside a transaction of the caller."""

    connection: psycopg.Connection
    tenant_id: str
    player_id: str
    cents: int
    #: unique; the idempotency key or the provider's event
    reference: str
    #: how long the row locks took so far
    lock_seconds: float = field(default=0.0, init=False)

    def lock_player(self) -> tuple[float, float]:
        """Lock the player row and return (available, held)."""
        found = self._locked(_LOCK_PLAYER)
        if found is None:
            raise ValueError(f"live: player {self.player_id} of {self.tenant_id} is gone; allowed: players that stay")
        return found

    def lock_wallet(self) -> tuple[float, float] | None:
        """Lock the wallet row and return (available, pending); None when there is none."""
        return self._locked(_LOCK_WALLET)

    def lock_or_create_wallet(self) -> tuple[float, float]:
        """Lock the wallet; a missing one is first made from the player's balances, as they are before the move."""
        wallet = self.lock_wallet()
        if wallet is None:
            self.connection.execute(_CREATE_WALLET, self._values())
            wallet = self.lock_wallet()
        assert wallet is not None, "it was there or has just been created, and nothing deletes wallets"
        return wallet

    def write_player(self, available: float, held: float) -> None:
        """Store the player's amounts, in whole cents."""
        self.connection.execute(_WRITE_PLAYER, self._values(available=round(available, 2), held=round(held, 2)))

    def write_wallet(self, available: float, pending: float) -> None:
        """Store the wallet's amounts, in whole cents."""
        self.connection.execute(_WRITE_WALLET, self._values(available=round(available, 2), held=round(pending, 2)))

    def book(self, type_: str, direction: str, cents: int, provider: str | None = None) -> None:
        """Write the ledger row; with a provider it carries the provider's event."""
        event = f"evt_live_{self.reference}" if provider else None
        booked = {"type": type_, "direction": direction, "amount": cents / 100, "provider": provider, "provider_event_id": event}
        self.connection.execute(_BOOK, self._values(id=str(uuid.uuid4()), reference=f"live-{self.reference}", **booked))

    def shift(self, available: int, held: int) -> None:
        """Change player and wallet by so many cents, player first; the player must be locked already."""
        player = self.lock_player()
        wallet = self.lock_or_create_wallet()
        self.write_player(player[0] + available / 100, player[1] + held / 100)
        self.write_wallet(wallet[0] + available / 100, wallet[1] + held / 100)

    def _values(self, **more: Any) -> dict[str, Any]:
        return {"tenant_id": self.tenant_id, "player_id": self.player_id, **more}

    def _locked(self, text: LiteralString) -> tuple[float, float] | None:
        began = time.monotonic()
        found = self.connection.execute(text, self._values()).fetchone()
        self.lock_seconds = max(self.lock_seconds, time.monotonic() - began)
        return (found[0], found[1]) if found else None


def deposit(move: Move) -> bool:
    """A card deposit: both sides and the ledger."""
    move.shift(move.cents, 0)
    move.book("deposit", "credit", move.cents)
    return True


def request_withdraw(move: Move) -> bool:
    """Set money aside for a withdrawal; False when the player has too little."""
    available, _ = move.lock_player()
    if round(available * 100) < move.cents:
        return False
    move.shift(-move.cents, move.cents)
    return True


def pay_withdraw(move: Move) -> bool:
    """Pay out what is held, at most the move's amount; False when nothing is held."""
    _, held = move.lock_player()
    cents = min(move.cents, round(held * 100))
    if cents <= 0:
        return False
    move.shift(0, -cents)
    move.book("withdraw", "debit", cents)
    return True


def reject_withdraw(move: Move) -> bool:
    """Give back what is held; False when nothing is."""
    _, held = move.lock_player()
    cents = round(held * 100)
    if cents <= 0:
        return False
    move.shift(cents, -cents)
    return True


def webhook_deposit(move: Move) -> bool:
    """A provider's generic deposit webhook: wallet and ledger get it, the player row never does."""
    wallet = move.lock_wallet()
    if wallet is None:
        # Player before wallet also here; there is no wallet row yet that could be held meanwhile.
        move.lock_player()
        wallet = move.lock_or_create_wallet()
    move.write_wallet(wallet[0] + move.cents / 100, wallet[1])
    move.book("deposit_captured", "credit", move.cents, provider="mockpsp")
    return True


MOVES: tuple[Callable[[Move], bool], ...] = (deposit, deposit, request_withdraw, pay_withdraw, reject_withdraw, webhook_deposit)
