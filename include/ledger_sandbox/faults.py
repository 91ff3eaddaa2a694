"""Faults of wallets on the platform: one function per fault, for one player with a right wallet.

Amounts follow from the given random state; ids are new each time, so that a fault can be repeated.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from ledger_sandbox.balance_changes import Balance, Fault, moved
from ledger_sandbox.player_book import BookedRow, KeptTransaction

MakeOne = Callable[[Balance, datetime, random.Random], Fault]


def born_from_zero(balance: Balance, at: datetime, rng: random.Random) -> Fault:
    """A webhook made the wallet from 0, so it lacks what the player had before the ledger began.

    That was the first thing ever booked for the player: had anything else come first, the wallet would have begun with it.
    """
    if balance.first_booked_at is not None:
        at = balance.first_booked_at - timedelta(minutes=10)
    cents = max(round(balance.player_available * rng.uniform(0.0, 0.02)), 1)
    wallet = balance.wallet_available - balance.opening_available + cents
    struck = replace(
        moved(balance, right=cents), wallet_available=wallet, wallet_pending=balance.wallet_pending - balance.opening_held
    )
    return Fault(struck, (_webhook(cents, at),))


def shadow_write_off(balance: Balance, at: datetime, rng: random.Random) -> Fault:
    """A webhook was booked and answered while shadow write was off: the deposit is in neither row."""
    cents = _part(balance, rng)
    return Fault(moved(balance, right=cents), (_webhook(cents, at),))


def wallet_race(balance: Balance, at: datetime, rng: random.Random) -> Fault:
    """Two webhooks at once: the wallet got the second alone."""
    first, second = _part(balance, rng), _part(balance, rng)
    booked = (_webhook(first, at), _webhook(second, at))
    return Fault(moved(balance, wallet=second, right=first + second), booked)


def script_forced(balance: Balance, at: datetime, rng: random.Random) -> Fault:
    """A reward that only wallets get was there, and then the platform's script made the wallet equal to the player row."""
    cents = _part(balance, rng)
    row = ("adjustment", "completed", "credit", cents, at, str(uuid.uuid4()))
    return Fault(moved(balance, right=cents), (BookedRow(str(uuid.uuid4()), *row, provider="internal_loyalty"),))


def poker_past_the_wallet(balance: Balance, at: datetime, rng: random.Random) -> Fault:
    """A hand of poker moved only the player, never the wallet."""
    is_won = rng.random() < 0.5
    cents = _part(balance, rng) * (1 if is_won else -1)
    kind, direction = ("poker_win", "credit") if is_won else ("poker_bet", "debit")
    row = BookedRow(str(uuid.uuid4()), kind, "success", direction, abs(cents), at, provider="poker_provider")
    after = balance.player_available + cents
    note = KeptTransaction(str(uuid.uuid4()), kind, abs(cents), "completed", "completed", after, at, provider="poker_provider")
    return Fault(moved(balance, player=cents, right=cents), (row,), (note,))


def lost_update(balance: Balance, at: datetime, rng: random.Random) -> Fault:
    """Two card deposits at once: the player row lost the first, and the script copied that into the wallet. For a human."""
    first, second = _part(balance, rng), _part(balance, rng)
    booked, noted = [], []
    for number, cents in enumerate((first, second)):
        moment = at + timedelta(milliseconds=100 * number)
        tx_id, after = str(uuid.uuid4()), balance.player_available + cents
        row = ("wallet", "deposit_succeeded", "credit", cents, moment, tx_id)
        booked.append(BookedRow(str(uuid.uuid4()), *row, provider="mockpsp"))
        noted.append(KeptTransaction(tx_id, "deposit", cents, "completed", "completed", after, moment))
    return Fault(moved(balance, player=second, wallet=second, right=first + second), tuple(booked), tuple(noted))


def drift(balance: Balance, at: datetime, rng: random.Random) -> Fault:
    """One of the ways in which wallets drift apart; one in five is for a human."""
    makes: tuple[MakeOne, ...] = (shadow_write_off, script_forced, poker_past_the_wallet, wallet_race, lost_update)
    return rng.choice(makes)(balance, at, rng)


def _part(balance: Balance, rng: random.Random) -> int:
    """5 to 30 % of what the player has, in cents."""
    return max(round(balance.player_available * rng.uniform(0.05, 0.3)), 1)


def _webhook(cents: int, at: datetime) -> BookedRow:
    event = f"evt_{uuid.uuid4()}"
    booked = ("deposit", "deposit_captured", "credit", cents, at, f"psp-{event}")
    return BookedRow(str(uuid.uuid4()), *booked, provider="mockpsp", provider_event_id=event)
