"""Rewrites chosen balances of the stand-in platform, keeping what stood there before."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import psycopg
from psycopg.rows import class_row
from typing_extensions import LiteralString

# Only wallets that agree with their player in cents, and players whom no webhook deposit sets apart: a scenario's rows
# then are exactly those it made.
_AGREEING: LiteralString = """
    select player.tenant_id, player.id as player_id, player.balance_real_available as player_available,
           wallet.balance_real_available as wallet_available
    from player
    join walletbalance wallet
      on wallet.tenant_id = player.tenant_id and wallet.player_id = player.id and wallet.currency = 'USD'
    where player.tenant_id = %(tenant_id)s
      and round(player.balance_real_available::numeric, 2) = round(wallet.balance_real_available::numeric, 2)
      and round(player.balance_real_held::numeric, 2) = round(wallet.balance_real_pending::numeric, 2)
    order by player.id
"""
_WRITE_PLAYER: LiteralString = """
    update player
    set balance_real_available = %(player_available)s,
        balance_real = round((%(player_available)s + balance_real_held)::numeric, 2)
    where tenant_id = %(tenant_id)s and id = %(player_id)s and balance_real_available <> %(player_available)s
"""
_WRITE_WALLET: LiteralString = """
    update walletbalance set balance_real_available = %(wallet_available)s
    where tenant_id = %(tenant_id)s and player_id = %(player_id)s and currency = 'USD'
      and balance_real_available <> %(wallet_available)s
"""
_TENANTS: LiteralString = """
    select profile.tenant_id from ledger_sandbox.tenant_profile profile
    join player on player.tenant_id = profile.tenant_id
    group by profile.tenant_id
    order by count(*) desc, profile.tenant_id
"""


@dataclass(frozen=True)
class Balance:
    """What one player has available, in the player row and in the USD wallet; whole USD, as stored."""

    tenant_id: str
    player_id: str
    player_available: float
    wallet_available: float

    def with_wallet(self, share: float) -> Balance:
        """The wallet at `share` of the player row, and at least a cent away from it."""
        wallet = round(self.player_available * share, 2)
        return replace(self, wallet_available=wallet if wallet != round(self.player_available, 2) else wallet - 0.01)


def tenants_by_size(connection: psycopg.Connection) -> list[str]:
    """Tenants that have players, most players first."""
    return [row[0] for row in connection.execute(_TENANTS)]


def agreeing(connection: psycopg.Connection, tenant_id: str) -> list[Balance]:
    """The tenant's players whose wallet agrees with them in cents."""
    with connection.cursor(row_factory=class_row(Balance)) as cursor:
        return cursor.execute(_AGREEING, {"tenant_id": tenant_id}).fetchall()


def rewrite_share(
    connection: psycopg.Connection, tenant_id: str, share: float, change: Callable[[Balance], Balance], rng: random.Random
) -> list[Balance]:
    """Change the balances of `share` (0..1) of the tenant's players; returns them as they were before.

    Raises ValueError when the tenant has no players whose wallets agree, or the share is not in 0..1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"scenario: share {share} is no share; allowed: 0 to 1")
    found = agreeing(connection, tenant_id)
    if not found:
        raise ValueError(f"scenario: tenant {tenant_id!r} has no player whose wallet agrees; allowed: a seeded tenant")
    chosen = rng.sample(found, max(int(len(found) * share), 1))
    write(connection, map(change, chosen))
    return chosen


def write(connection: psycopg.Connection, balances: Iterable[Balance]) -> None:
    """Store exactly these available amounts, players before wallets; rows that hold them already are not touched."""
    rows = [vars(balance) for balance in balances]
    with connection.cursor() as cursor:
        cursor.executemany(_WRITE_PLAYER, rows)
        cursor.executemany(_WRITE_WALLET, rows)
