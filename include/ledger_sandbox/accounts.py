"""One drawn player: rows as the platform keeps them, what is special about them, and what is right."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from ledger_sandbox.player_book import BookedRow, KeptTransaction, PlayerBook, new_uuid
from ledger_sandbox.profiles import PopulationShape

#: in cents; stays under the policy's limit for a single change
LARGEST_BALANCE = 400_000


class Quirk(str, Enum):
    """What is special about a player's USD wallet."""

    ORDINARY = "ordinary"
    #: no wallet row: nothing ever moved both sides
    MISSING = "missing"
    #: a webhook made the wallet from 0 while the player held money from before the ledger
    BORN_FROM_ZERO = "born_from_zero"
    #: a hand of poker or a tournament never reached the wallet
    POKER = "poker"
    #: a payment that was booked on both sides came by webhook too: the wallet moved twice
    COUNTED_TWICE = "counted_twice"
    #: two requests at once lost an update of the player row; the wallet is right
    LOST_UPDATE = "lost_update"
    #: the wallet rightly holds more, or less, than the player row: webhooks, rewards, disputes, re-entries
    WALLET_ONLY = "wallet_only"
    #: an operator's credit in euro stands in the player row as dollars; the wallet is right
    EUR_CREDITED = "eur_credited"
    EUR_ONLY = "eur_only"
    FLOAT_NOISE = "float_noise"

    @property
    def is_wrong(self) -> bool:
        """Whether the USD wallet does not hold what is right."""
        return self in (Quirk.MISSING, Quirk.BORN_FROM_ZERO, Quirk.POKER, Quirk.COUNTED_TWICE, Quirk.EUR_ONLY)

    @classmethod
    def drawn(cls, shape: PopulationShape, rng: random.Random) -> Quirk:
        """Draw by the shares of `shape`; what they leave over is ordinary."""
        left = rng.random()
        for quirk in cls:
            if quirk is not cls.ORDINARY:
                left -= getattr(shape, quirk.value)
                if left < 0:
                    return quirk
        return cls.ORDINARY


@dataclass(frozen=True)
class Wallet:
    """One wallet row; amounts as the platform keeps them, in whole currency."""

    currency: str
    available: float
    pending: float
    bonus: float


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
    #: available and held that the USD wallet should hold, and that the player had before the ledger began
    right: tuple[int, int]
    opening: tuple[int, int]
    ledger: tuple[BookedRow, ...] = field(repr=False)
    transactions: tuple[KeptTransaction, ...] = field(repr=False)


def draw_account(shape: PopulationShape, provider: str, as_of: datetime, rng: random.Random) -> Account:
    """Draw a player with a past of single steps, hours apart, before `as_of`."""
    quirk = Quirk.drawn(shape, rng)
    available = min(max(round(rng.lognormvariate(8.6, 0.9)), 500), LARGEST_BALANCE)
    held = round(available * rng.uniform(0.05, 0.4)) if rng.random() < 0.05 else 0
    registered_at = as_of - timedelta(days=rng.uniform(20, 700))
    book = PlayerBook(rng, available, held, bonus=rng.choice((0, 0, 0, 500, 2_500)))
    _live(book, quirk, provider, registered_at, as_of, rng)
    if quirk is Quirk.EUR_ONLY or rng.random() < shape.eur_wallet:
        book.webhook_deposit(rng.randint(1_000, 50_000), as_of - timedelta(hours=1), "EUR", provider)
    noise = rng.randint(1, 9) * 1e-10 if quirk is Quirk.FLOAT_NOISE else 0.0
    return Account(
        player_id=new_uuid(rng),
        quirk=quirk,
        available=book.available,
        held=book.held,
        bonus=book.bonus,
        registered_at=registered_at,
        wallets=tuple(
            Wallet("USD", amounts[0] / 100 + noise, amounts[1] / 100, book.wallet_bonus / 100)
            if currency == "USD"
            else Wallet(currency, amounts[0] / 100, amounts[1] / 100, 0.0)
            for currency, amounts in book.wallets.items()
        ),
        right=(book.right[0], book.right[1]),
        opening=(available, held),
        ledger=tuple(book.ledger),
        transactions=tuple(book.transactions),
    )


def _live(book: PlayerBook, quirk: Quirk, provider: str, since: datetime, until: datetime, rng: random.Random) -> None:
    """The player's steps, in order of time."""
    moments = iter(_moments(since, until, rng))
    if quirk in (Quirk.MISSING, Quirk.EUR_ONLY):
        return
    if quirk is Quirk.BORN_FROM_ZERO:
        book.webhook_deposit(rng.randint(1_000, 30_000), next(moments), provider=provider)
        _both_sided_steps(book, moments, rng, rng.randint(0, 2))
        return
    book.backfill()
    _both_sided_steps(book, moments, rng, rng.randint(0, 4))
    if quirk is Quirk.WALLET_ONLY:
        _wallet_only_step(book, provider, moments, rng)
    elif quirk is Quirk.POKER:
        _player_only_step(book, next(moments), rng)
    elif quirk is Quirk.COUNTED_TWICE:
        _payment_booked_twice(book, provider, moments, rng)
    elif quirk is Quirk.EUR_CREDITED:
        book.admin_credit(rng.randint(500, 5_000), next(moments), "EUR")
    elif quirk is Quirk.LOST_UPDATE:
        book.card_deposit(rng.randint(500, 3_000), next(moments))
        book.lose_card_deposit(rng.randint(500, 3_000), rng.randint(500, 3_000), next(moments))


def _moments(since: datetime, until: datetime, rng: random.Random, steps: int = 12) -> list[datetime]:
    """Moments in order, hours apart, the last one an hour before `until`."""
    length = (until - timedelta(hours=1) - since) / steps
    return [since + length * (number + rng.uniform(0.0, 0.9)) for number in range(steps)]


def _both_sided_steps(book: PlayerBook, moments: Iterator[datetime], rng: random.Random, steps: int) -> None:
    for _ in range(steps):
        at = next(moments)
        kind = rng.random()
        cents = max(round(book.available * rng.uniform(0.02, 0.3)), 1)
        if kind < 0.45:
            book.card_deposit(max(round(book.available * rng.uniform(0.02, 0.12)), 100), at)
        elif kind < 0.55:
            book.admin_credit(rng.randint(100, 2_000), at)
        elif kind < 0.60:
            book.admin_debit(cents, at)
        elif kind < 0.64:
            book.game_round(cents, round(cents * rng.choice((0.0, 0.4))), rng.choice((0, cents)), at)
        elif kind < 0.67:
            book.grant_bonus(rng.randint(100, 2_000), at)
        else:
            tx_id = book.request_withdrawal(cents, at)
            if kind < 0.85:
                book.pay_withdrawal(tx_id, cents, next(moments))
            elif kind < 0.93:
                book.reject_withdrawal(tx_id, cents, next(moments))


def _player_only_step(book: PlayerBook, at: datetime, rng: random.Random) -> None:
    cents = max(round(book.available * rng.uniform(0.05, 0.3)), 1)
    if rng.random() < 0.7:
        book.poker(rng.choice((-1, 1)) * cents, at)
    else:
        book.tournament(cents, rng.choice((0, 3 * cents)), at)


def _payment_booked_twice(book: PlayerBook, provider: str, moments: Iterator[datetime], rng: random.Random) -> None:
    cents = max(round(book.available * rng.uniform(0.02, 0.12)), 100)
    if rng.random() < 0.7:
        tx_id = book.card_deposit(cents, next(moments))
        book.webhook_deposit(cents, next(moments), provider=provider, tx_id=tx_id)
    else:
        tx_id = book.request_withdrawal(cents, next(moments))
        book.webhook_payout(tx_id, cents, next(moments), provider)
        book.pay_withdrawal(tx_id, cents, next(moments))


def _wallet_only_step(book: PlayerBook, provider: str, moments: Iterator[datetime], rng: random.Random) -> None:
    kind = rng.random()
    if kind < 0.6:
        book.webhook_deposit(rng.randint(1_000, 30_000), next(moments), provider=provider)
    elif kind < 0.75 or book.available < 5_000:
        book.vip_reward(rng.randint(100, 2_000), next(moments))
    elif kind < 0.85:
        cents = max(round(book.available * rng.uniform(0.02, 0.3)), 1)
        tx_id = book.request_withdrawal(cents, next(moments))
        book.webhook_payout(tx_id, cents, next(moments), provider)
    elif kind < 0.9:
        book.reenter_tournament(rng.randint(100, 2_000), next(moments))
    else:
        book.lost_dispute(rng.randint(100, 3_000), next(moments))
