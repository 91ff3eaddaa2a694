"""What decides the outcome of a request now: balances, flags and secrets, read once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg.rows import class_row
from typing_extensions import LiteralString

_TENANTS: LiteralString = """
    select profile.tenant_id, profile.provider, withdraws_per_window, webhooks_per_window, peak_hour, overdraw_share,
           coalesce(wallet_own.is_enabled, wallet_all.is_enabled, false) as wallet_is_judge,
           coalesce(signed_own.is_enabled, signed_all.is_enabled, false) as signature_is_enforced,
           secret.check_is_broken or secret.platform_value <> secret.psp_value as signature_never_verifies
    from ledger_sandbox.tenant_profile profile
    join ledger_sandbox.provider_secret secret using (provider)
    left join rollout_flag wallet_own on wallet_own.key = 'ledger_enforce_balance' and wallet_own.tenant_id = profile.tenant_id
    left join rollout_flag wallet_all on wallet_all.key = 'ledger_enforce_balance' and wallet_all.tenant_id = '*'
    left join rollout_flag signed_own
           on signed_own.key = 'webhook_signature_enforced' and signed_own.tenant_id = profile.tenant_id
    left join rollout_flag signed_all on signed_all.key = 'webhook_signature_enforced' and signed_all.tenant_id = '*'
    order by profile.tenant_id
"""
_BALANCES: LiteralString = """
    select player.tenant_id, player.id, player.balance_real_available, coalesce(wallet.balance_real_available, 0)
    from player
    left join walletbalance wallet
           on wallet.tenant_id = player.tenant_id and wallet.player_id = player.id and wallet.currency = 'USD'
    order by player.tenant_id, player.id
"""


@dataclass(frozen=True)
class Tenant:
    """A tenant's traffic and the rules its requests meet; both flags are the effective ones."""

    tenant_id: str
    provider: str
    #: mean requests in five minutes, over a day
    withdraws_per_window: float
    webhooks_per_window: float
    peak_hour: float
    overdraw_share: float
    #: ledger_enforce_balance: the wallet judges, a missing one counts as empty; else the player row
    wallet_is_judge: bool
    #: webhook_signature_enforced: what does not verify is refused
    signature_is_enforced: bool
    #: the provider signs with another secret than the platform verifies with, or the check is broken
    signature_never_verifies: bool


@dataclass(frozen=True)
class Balances:
    """A tenant's players; the arrays are parallel, amounts in whole USD."""

    player_ids: NDArray[np.object_]
    player_available: NDArray[np.float64]
    #: 0 where there is no wallet
    wallet_available: NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """The platform at one moment."""

    tenants: tuple[Tenant, ...]
    balances: dict[str, Balances]


def read_world(connection: psycopg.Connection) -> World:
    """Read the state that decides outcomes; tenants without players are left out."""
    with connection.cursor(row_factory=class_row(Tenant)) as cursor:
        tenants = cursor.execute(_TENANTS).fetchall()
    by_tenant = defaultdict(list)
    for tenant_id, *balance in connection.execute(_BALANCES):
        by_tenant[tenant_id].append(balance)
    balances = {tenant_id: _arrays(rows) for tenant_id, rows in by_tenant.items()}
    return World(tuple(tenant for tenant in tenants if tenant.tenant_id in balances), balances)


def _arrays(rows: list[list[object]]) -> Balances:
    ids, players, wallets = zip(*rows, strict=True)
    return Balances(np.array(ids, dtype=object), np.array(players, dtype=np.float64), np.array(wallets, dtype=np.float64))
