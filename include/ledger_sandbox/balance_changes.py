"""Rows of chosen players, changed together with what the ledger and the truth say about them, and put back again."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

import psycopg
from psycopg.rows import class_row
from typing_extensions import LiteralString

from ledger_sandbox.player_book import BookedRow, KeptTransaction

# Only right wallets that agree with their player in cents: a scenario's rows then are exactly those it made.
_RIGHT: LiteralString = """
    select player.tenant_id, player.id as player_id,
           round(player.balance_real_available::numeric * 100)::bigint as player_available,
           round(wallet.balance_real_available::numeric * 100)::bigint as wallet_available,
           round(wallet.balance_real_pending::numeric * 100)::bigint as wallet_pending,
           truth.available as right_available, truth.opening_available, truth.opening_held,
           (
               select min(l.created_at) from ledgertransaction l
               where l.tenant_id = player.tenant_id and l.player_id = player.id and l.currency = 'USD'
           ) as first_booked_at
    from player
    join walletbalance wallet
      on wallet.tenant_id = player.tenant_id and wallet.player_id = player.id and wallet.currency = 'USD'
    join ledger_sandbox.right_wallet truth on truth.player_id = player.id
    where player.tenant_id = %(tenant_id)s
      and player.balance_real_available = wallet.balance_real_available
      and player.balance_real_held = wallet.balance_real_pending
      and round(wallet.balance_real_available::numeric * 100) = truth.available
      and round(wallet.balance_real_pending::numeric * 100) = truth.held
      and not exists (
          select from ledgertransaction l
          where l.tenant_id = player.tenant_id and l.player_id = player.id and l.currency = 'USD' and l.type <> 'wallet'
      )
    order by player.id
"""
_WRITE_PLAYER: LiteralString = """
    update player
    set balance_real_available = %(player_available)s / 100.0::float8,
        balance_real = round((%(player_available)s / 100.0 + balance_real_held)::numeric, 2)
    where tenant_id = %(tenant_id)s and id = %(player_id)s
      and round(balance_real_available::numeric * 100) <> %(player_available)s
"""
_WRITE_WALLET: LiteralString = """
    update walletbalance
    set balance_real_available = %(wallet_available)s / 100.0::float8, balance_real_pending = %(wallet_pending)s / 100.0::float8
    where tenant_id = %(tenant_id)s and player_id = %(player_id)s and currency = 'USD'
      and (round(balance_real_available::numeric * 100) <> %(wallet_available)s
           or round(balance_real_pending::numeric * 100) <> %(wallet_pending)s)
"""
_WRITE_TRUTH: LiteralString = """
    update ledger_sandbox.right_wallet set available = %(right_available)s
    where player_id = %(player_id)s and available <> %(right_available)s
"""
_BOOK: LiteralString = """
    insert into ledgertransaction (id, tx_id, tenant_id, player_id, type, direction, amount, currency, status, idempotency_key,
                                   provider, provider_event_id, created_at)
    values (%(row_id)s, %(tx_id)s, %(tenant_id)s, %(player_id)s, %(type)s, %(direction)s, %(amount)s / 100.0::float8,
            %(currency)s, %(status)s, %(row_id)s, %(provider)s, %(provider_event_id)s, %(created_at)s)
"""
_NOTE: LiteralString = """
    insert into transaction (id, tenant_id, player_id, type, amount, currency, status, state, provider, provider_event_id,
                             balance_after, created_at, updated_at)
    values (%(row_id)s, %(tenant_id)s, %(player_id)s, %(type)s, %(amount)s / 100.0::float8, %(currency)s, %(status)s, %(state)s,
            %(provider)s, %(provider_event_id)s, %(balance_after)s / 100.0::float8, %(created_at)s, %(created_at)s)
"""
_UNBOOK: LiteralString = "delete from ledgertransaction where id = any(%(ids)s)"
_FORGET: LiteralString = "delete from transaction where id = any(%(ids)s)"
_TENANTS: LiteralString = """
    select profile.tenant_id from ledger_sandbox.tenant_profile profile
    join player on player.tenant_id = profile.tenant_id
    group by profile.tenant_id
    order by count(*) desc, profile.tenant_id
"""


@dataclass(frozen=True)
class Balance:
    """What one player has, in the player row, in the USD wallet and by the truth; cents."""

    tenant_id: str
    player_id: str
    player_available: int
    wallet_available: int
    wallet_pending: int
    right_available: int
    opening_available: int
    opening_held: int
    #: the player's first row in the ledger; None without any
    first_booked_at: datetime | None = None


@dataclass(frozen=True)
class Fault:
    """What a fault leaves of a player: balances and the rows that were booked and noted with it."""

    balance: Balance
    booked: tuple[BookedRow, ...] = ()
    noted: tuple[KeptTransaction, ...] = ()


@dataclass(frozen=True)
class Undoing:
    """How to put a scenario's players back."""

    before: tuple[Balance, ...] = ()
    row_ids: tuple[str, ...] = field(default=(), repr=False)


MakeFault = Callable[[Balance, datetime], Fault]


def tenants_by_size(connection: psycopg.Connection) -> list[str]:
    """Tenants that have players, most players first."""
    return [row[0] for row in connection.execute(_TENANTS)]


def right_wallets(connection: psycopg.Connection, tenant_id: str) -> list[Balance]:
    """The tenant's players whose wallet is right and agrees with them."""
    with connection.cursor(row_factory=class_row(Balance)) as cursor:
        return cursor.execute(_RIGHT, {"tenant_id": tenant_id}).fetchall()


def strike_share(connection: psycopg.Connection, tenant_id: str, share: float, make: MakeFault, rng: random.Random) -> Undoing:
    """Let a fault strike `share` (0..1) of the tenant's players; returns how to undo it.

    Raises ValueError when the tenant has no players whose wallets are right, or the share is not in 0..1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"scenario: share {share} is no share; allowed: 0 to 1")
    found = right_wallets(connection, tenant_id)
    if not found:
        raise ValueError(f"scenario: tenant {tenant_id!r} has no player whose wallet agrees; allowed: a seeded tenant")
    chosen = rng.sample(found, max(int(len(found) * share), 1))
    at = connection.execute("select now()::timestamp").fetchone()
    assert at is not None, "now() gives a row"
    faults = [make(balance, at[0]) for balance in chosen]
    write(connection, [fault.balance for fault in faults])
    with connection.cursor() as cursor:
        for fault in faults:
            owner = {"tenant_id": fault.balance.tenant_id, "player_id": fault.balance.player_id}
            cursor.executemany(_BOOK, [vars(row) | owner for row in fault.booked])
            cursor.executemany(_NOTE, [vars(row) | owner for row in fault.noted])
    booked = [row.row_id for fault in faults for row in fault.booked]
    noted = [row.row_id for fault in faults for row in fault.noted]
    return Undoing(tuple(chosen), (*booked, *noted))


def put_back(connection: psycopg.Connection, undoing: Undoing) -> None:
    """Undo a scenario, whatever became of its players since."""
    write(connection, undoing.before)
    for text in (_UNBOOK, _FORGET):
        connection.execute(text, {"ids": list(undoing.row_ids)})


def write(connection: psycopg.Connection, balances: Iterable[Balance]) -> None:
    """Store exactly these amounts, players before wallets; rows that hold them already are not touched."""
    rows = [vars(balance) for balance in balances]
    with connection.cursor() as cursor:
        cursor.executemany(_WRITE_PLAYER, rows)
        cursor.executemany(_WRITE_WALLET, rows)
        cursor.executemany(_WRITE_TRUTH, rows)


def together(undoings: Iterable[Undoing]) -> Undoing:
    """Several scenarios' undoings as one."""
    found = list(undoings)
    return Undoing(
        tuple(balance for each in found for balance in each.before), tuple(row_id for each in found for row_id in each.row_ids)
    )


def moved(balance: Balance, *, player: int = 0, wallet: int = 0, right: int = 0) -> Balance:
    """The balance after so many cents more in each place."""
    return replace(
        balance,
        player_available=balance.player_available + player,
        wallet_available=balance.wallet_available + wallet,
        right_available=balance.right_available + right,
    )
