"""The shape of the sandbox's tenants: how many players, how much traffic, which payment provider."""

from __future__ import annotations

import math
import random
import uuid
from dataclasses import dataclass

#: provider → environment variable of its webhook secret, named as the policy names them
PROVIDER_ENV_NAMES = {
    "mockpsp": "WEBHOOK_SECRET_MOCKPSP",
    "generic": "WEBHOOK_SECRET",
    "stripe": "STRIPE_WEBHOOK_SECRET",
    "adyen": "ADYEN_HMAC_KEY",
}
_SLUGS = (
    "default_casino",
    "northstar_bets",
    "Riviera-Club",
    "lucky.lane",
    "royal_flush_eu",
    "old_harbour",
    "vip-lounge",
    "mint_games",
)


@dataclass(frozen=True)
class PopulationShape:
    """How big the sandbox is, and how many players have which quirk (shares of the players, 0..1)."""

    tenants: int = 24
    #: players of the largest tenant; the others fall off steeply, down to a handful
    largest: int = 2400
    #: mean requests of all tenants together in five minutes, over a day
    withdraws_per_window: float = 125.0
    webhooks_per_window: float = 68.0
    #: no wallet row at all
    missing: float = 0.003
    #: a wallet that a webhook made from 0 while the player held money already
    born_from_zero: float = 0.0015
    #: a hand of poker or a tournament that never reached the wallet
    poker: float = 0.0005
    #: a payment that moved the wallet twice
    counted_twice: float = 0.0005
    #: a player row that lost an update, beside a right wallet
    lost_update: float = 0.0005
    #: money that only the wallet got or paid: webhooks, rewards, disputes, re-entries
    wallet_only: float = 0.01
    #: an operator's credit in euro, which the player row takes for dollars
    eur_credited: float = 0.001
    #: a EUR wallet and no USD one
    eur_only: float = 0.001
    #: a wallet that differs from its player by some 1e-10
    float_noise: float = 0.03
    #: a EUR wallet besides the USD one
    eur_wallet: float = 0.04
    #: wallet rows without a player, as a share of the players
    orphan: float = 0.002

    def __post_init__(self) -> None:
        if self.tenants < 1 or self.largest < 1:
            raise ValueError(f"population: {self.tenants} tenants, the largest of {self.largest}; allowed: at least 1 of each")


@dataclass(frozen=True)
class TenantProfile:
    """One tenant of the sandbox."""

    tenant_id: str
    name: str
    players: int
    provider: str
    #: mean requests in five minutes, over a day
    withdraws_per_window: float
    webhooks_per_window: float
    #: UTC hour of the day's busiest moment, 0..24
    peak_hour: float
    #: share of withdraws that ask for more than the player has, 0..1
    overdraw_share: float


def tenant_profiles(shape: PopulationShape, rng: random.Random) -> list[TenantProfile]:
    """Draw the tenants, largest first. Same shape and random state, same tenants."""
    ranks = range(1, shape.tenants + 1)
    players = [_players(shape.largest, rank, rng) for rank in ranks]
    activity = [count * _liveliness(rank) for rank, count in zip(ranks, players, strict=True)]
    calls = [count**0.6 for count in players]
    return [
        TenantProfile(
            tenant_id=_tenant_id(rank, rng),
            name=f"Tenant {rank:02d}",
            players=count,
            # Every sixth tenant is on the smaller provider, the liveliest one among them.
            provider="generic" if rank % 6 == 2 else "mockpsp",
            withdraws_per_window=shape.withdraws_per_window * activity[rank - 1] / sum(activity),
            webhooks_per_window=shape.webhooks_per_window * calls[rank - 1] / sum(calls),
            peak_hour=rng.gauss(19.0, 1.5) % 24,
            overdraw_share=rng.uniform(0.010, 0.018),
        )
        for rank, count in zip(ranks, players, strict=True)
    ]


def _players(largest: int, rank: int, rng: random.Random) -> int:
    tail = math.pow(rank, -1.5) * math.exp(-(rank - 1) / 20)
    jitter = 1.0 if rank == 1 else rng.uniform(0.95, 1.05)
    return max(round(largest * tail * jitter), min(5, largest))


def _liveliness(rank: int) -> float:
    """Size and traffic are independent: the largest tenant has little traffic, the second has the most."""
    return {1: 0.35, 2: 2.3}.get(rank, 1.0)


def _tenant_id(rank: int, rng: random.Random) -> str:
    if rank % 3 != 2:
        return str(uuid.UUID(int=rng.getrandbits(128), version=4))
    lap, place = divmod(rank // 3, len(_SLUGS))
    return f"{_SLUGS[place]}_{lap + 1}" if lap else _SLUGS[place]
