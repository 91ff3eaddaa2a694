"""One player's money: the player row, its wallets and a ledger that explains both."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from ledger_sandbox.profiles import PopulationShape

#: in cents; stays under the policy's limit for a single change
LARGEST_BALANCE = 400_000


class Quirk(str, Enum):
    """What is special about a player's USD wallet."""

    ORDINARY = "ordinary"
    MISSING = "missing"
    STALE_WALLET = "stale_wallet"
    PROTECTED = "protected"
    EUR_ONLY = "eur_only"
    FLOAT_NOISE = "float_noise"

    @classmethod
    def drawn(cls, shape: PopulationShape, rng: random.Random) -> Quirk:
        """Draw by the shares of `shape`; what they leave over is ordinary."""
        left = rng.random()
        for quirk in (cls.MISSING, cls.STALE_WALLET, cls.PROTECTED, cls.EUR_ONLY, cls.FLOAT_NOISE):
            left -= getattr(shape, quirk.value)
            if left < 0:
                return quirk
        return cls.ORDINARY


@dataclass(frozen=True)
class Movement:
    """One row of the ledger; the amount in cents, always positive."""

    row_id: str
    type: str
    direction: str
    amount: int
    created_at: datetime
    currency: str = "USD"
    status: str = "completed"
    #: set on what came by a webhook, and moved the wallet only
    provider: str | None = None
    provider_event_id: str | None = None


@dataclass(frozen=True)
class Wallet:
    """One wallet row; amounts as the platform keeps them, in whole currency."""

    currency: str
    available: float
    pending: float


@dataclass(frozen=True)
class Account:
    """A player with everything that hangs on it; the player's own amounts in cents."""

    player_id: str
    quirk: Quirk
    available: int
    held: int
    bonus: int
    registered_at: datetime
    wallets: tuple[Wallet, ...]
    movements: tuple[Movement, ...] = field(repr=False)


def draw_account(shape: PopulationShape, provider: str, as_of: datetime, rng: random.Random) -> Account:
    """Draw a player whose ledger adds up: what both sides got sums to available + held of the player row."""
    quirk = Quirk.drawn(shape, rng)
    available = min(max(round(rng.lognormvariate(8.7, 0.9)), 500), LARGEST_BALANCE)
    held = round(available * rng.uniform(0.05, 0.4)) if rng.random() < 0.08 else 0
    registered_at = as_of - timedelta(days=rng.uniform(20, 700))
    movements = list(_shared_movements(available + held, registered_at, as_of, rng))
    wallets = []
    if quirk not in (Quirk.MISSING, Quirk.EUR_ONLY):
        wallet_cents = available
        if quirk is Quirk.PROTECTED:
            deposit = _webhook_deposit(rng.randint(1_000, 30_000), "USD", provider, as_of, rng)
            movements.append(deposit)
            wallet_cents += deposit.amount
        elif quirk is Quirk.STALE_WALLET:
            wallet_cents -= max(round(available * rng.uniform(0.05, 0.3)), 1)
        noise = rng.randint(1, 9) * 1e-10 if quirk is Quirk.FLOAT_NOISE else 0.0
        wallets.append(Wallet("USD", wallet_cents / 100 + noise, held / 100))
    if quirk is Quirk.EUR_ONLY or rng.random() < shape.eur_wallet:
        deposit = _webhook_deposit(rng.randint(1_000, 50_000), "EUR", provider, as_of, rng)
        movements.append(deposit)
        wallets.append(Wallet("EUR", deposit.amount / 100, 0.0))
    return Account(
        player_id=new_uuid(rng),
        quirk=quirk,
        available=available,
        held=held,
        bonus=rng.choice((0, 0, 0, 500, 2_500)),
        registered_at=registered_at,
        wallets=tuple(wallets),
        movements=tuple(movements),
    )


def new_uuid(rng: random.Random) -> str:
    """A UUID text that the seed decides."""
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def _shared_movements(total: int, since: datetime, until: datetime, rng: random.Random) -> Iterator[Movement]:
    """An opening credit, then deposits and withdrawals that player and wallet both got, `total` cents in sum."""
    deposits = [max(round(total * rng.uniform(0.05, 0.25)), 1) for _ in range(rng.randint(0, 3))]
    payouts = [max(round(total * rng.uniform(0.05, 0.4)), 1) for _ in range(rng.randint(0, 2))]
    yield Movement(new_uuid(rng), "deposit", "credit", total + sum(payouts) - sum(deposits), since)
    for amount in deposits:
        yield Movement(new_uuid(rng), "deposit", "credit", amount, _moment(since, until, rng))
    for amount in payouts:
        yield Movement(new_uuid(rng), "withdraw", "debit", amount, _moment(since, until, rng))
    if rng.random() < 0.02:
        yield Movement(new_uuid(rng), "deposit", "credit", rng.randint(500, 20_000), _moment(since, until, rng), status="failed")


def _webhook_deposit(amount: int, currency: str, provider: str, as_of: datetime, rng: random.Random) -> Movement:
    row_id = new_uuid(rng)
    created_at = as_of - timedelta(hours=rng.uniform(1, 480))
    return Movement(
        row_id,
        "deposit_captured",
        "credit",
        amount,
        created_at,
        currency=currency,
        provider=provider,
        provider_event_id=f"evt_{row_id[:18]}",
    )


def _moment(since: datetime, until: datetime, rng: random.Random) -> datetime:
    return since + (until - since) * rng.random()
