"""Fills the stand-in platform: tenants, players, wallets, a ledger, flags and webhook secrets, all from one seed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

import psycopg
from psycopg import sql

from ledger_guard.domain.windows import require_aware
from ledger_sandbox.accounts import Account, draw_account
from ledger_sandbox.player_book import new_uuid
from ledger_sandbox.profiles import PROVIDER_ENV_NAMES, PopulationShape, TenantProfile, tenant_profiles

Fields = Sequence[object]
_PLAYER = """
    id tenant_id username email balance_real balance_bonus balance_real_available balance_real_held status kyc_status
    registered_at
"""
_WALLET = """
    tenant_id player_id currency balance_real_available balance_real_pending balance_bonus_available balance_bonus_pending
    updated_at
"""
_LEDGER = """
    id tx_id tenant_id player_id type direction amount currency status idempotency_key provider provider_ref provider_event_id
    gross_amount discount_amount net_amount created_at
"""
_TRANSACTION = """
    id tenant_id player_id type amount currency status state provider provider_event_id balance_after created_at updated_at
"""
_RIGHT = "tenant_id player_id available held opening_available opening_held"
_PROFILE = "tenant_id provider withdraws_per_window webhooks_per_window peak_hour overdraw_share"
_FLAGS = ("ledger_enforce_balance", "webhook_signature_enforced")


@dataclass(frozen=True)
class Population:
    """The population of one seed: the accounts of each tenant, largest tenant first."""

    profiles: tuple[TenantProfile, ...]
    accounts: dict[str, tuple[Account, ...]]
    #: webhooks for players that don't exist, as a wallet row and a ledger row: (tenant id, player id, whole USD)
    orphans: tuple[tuple[str, str, float], ...]
    #: provider → webhook secret, the same on both sides
    secrets: dict[str, str]

    def quirks(self, tenant_id: str | None = None) -> Counter[str]:
        """How many players of one tenant, or of all, have which quirk."""
        chosen = self.accounts.values() if tenant_id is None else [self.accounts[tenant_id]]
        return Counter(account.quirk.value for accounts in chosen for account in accounts)


def generate(seed: int, shape: PopulationShape, as_of: datetime) -> Population:
    """Draw a population whose newest movement is before `as_of`. Same arguments, same population."""
    rng = random.Random(seed)
    moment = require_aware(as_of, "as_of").replace(tzinfo=None)
    profiles = tenant_profiles(shape, rng)
    accounts = {
        profile.tenant_id: tuple(draw_account(shape, profile.provider, moment, rng) for _ in range(profile.players))
        for profile in profiles
    }
    players = sum(profile.players for profile in profiles)
    orphans = tuple(
        (rng.choice(profiles).tenant_id, new_uuid(rng), rng.randint(100, 50_000) / 100)
        for _ in range(round(players * shape.orphan))
    )
    # in each provider's own form: Stripe's have a prefix, Adyen's are hexadecimal
    prefixes = {"stripe": "whsec_", "adyen": ""}
    secrets = {provider: f"{prefixes.get(provider, 'sandbox-')}{rng.getrandbits(256):064x}" for provider in PROVIDER_ENV_NAMES}
    return Population(tuple(profiles), accounts, orphans, secrets)


def store(uri: str, population: Population, as_of: datetime) -> None:
    """Write a population into the platform's empty tables, in one transaction, with both rollout flags on everywhere."""
    with psycopg.connect(uri) as connection:
        moment = require_aware(as_of, "as_of").replace(tzinfo=None)
        for table, columns, rows in _tables(population, moment):
            names = sql.SQL(", ").join(map(sql.Identifier, columns.split()))
            target = sql.SQL("copy {} ({}) from stdin").format(sql.Identifier(*table.split(".")), names)
            with connection.cursor().copy(target) as copy:
                for row in rows:
                    copy.write_row(row)
    with psycopg.connect(uri, autocommit=True) as connection:
        # Fresh statistics, so that the first comparison gets the plan that later ones get.
        connection.execute("analyze player, walletbalance, ledgertransaction, transaction")


def _tables(population: Population, as_of: datetime) -> Iterator[tuple[str, str, Iterable[Fields]]]:
    profiles, tenants = population.profiles, population.accounts.items()
    yield "tenant", "id name type", ((p.tenant_id, p.name, "owner" if rank == 0 else "renter") for rank, p in enumerate(profiles))
    yield "player", _PLAYER, (_player(tenant_id, account) for tenant_id, accounts in tenants for account in accounts)
    yield "walletbalance", _WALLET, _wallets(population, as_of)
    ledger = (row for tenant_id, accounts in tenants for account in accounts for row in _ledger(tenant_id, account))
    yield "ledgertransaction", _LEDGER, chain(ledger, (_orphan_row(*orphan, as_of) for orphan in population.orphans))
    kept = (row for tenant_id, accounts in tenants for account in accounts for row in _transactions(tenant_id, account))
    yield "transaction", _TRANSACTION, kept
    right = ((tenant_id, each.player_id, *each.right, *each.opening) for tenant_id, accounts in tenants for each in accounts)
    yield "ledger_sandbox.right_wallet", _RIGHT, right
    yield "ledger_sandbox.tenant_profile", _PROFILE, map(_profile, profiles)
    secrets = ((provider, PROVIDER_ENV_NAMES[provider], secret, secret) for provider, secret in population.secrets.items())
    yield "ledger_sandbox.provider_secret", "provider env_name platform_value psp_value", secrets
    flags = ((flag, "*", True, "sandbox", "the rollout has reached everyone") for flag in _FLAGS)
    yield "rollout_flag", "key tenant_id is_enabled changed_by change_reason", flags


def _profile(profile: TenantProfile) -> Fields:
    rates = profile.withdraws_per_window, profile.webhooks_per_window
    return profile.tenant_id, profile.provider, *rates, profile.peak_hour, profile.overdraw_share


def _player(tenant_id: str, account: Account) -> Fields:
    name = f"player-{account.player_id[:8]}"
    available, held, bonus = account.available / 100, account.held / 100, account.bonus / 100
    total = (account.available + account.held) / 100
    email = f"{name}@example.test"
    return account.player_id, tenant_id, name, email, total, bonus, available, held, "active", "verified", account.registered_at


def _wallets(population: Population, as_of: datetime) -> Iterator[Fields]:
    for tenant_id, accounts in population.accounts.items():
        for account in accounts:
            for wallet in account.wallets:
                amounts = wallet.available, wallet.pending, wallet.bonus, 0.0
                yield tenant_id, account.player_id, wallet.currency, *amounts, as_of
    for tenant_id, player_id, available in population.orphans:
        yield tenant_id, player_id, "USD", available, 0.0, 0.0, 0.0, as_of


def _ledger(tenant_id: str, account: Account) -> Iterator[Fields]:
    for row in account.ledger:
        amount = row.amount / 100
        # Webhooks go by the provider's event, poker and tournaments by nothing.
        key = f"idem-{row.row_id}" if row.tx_id and row.provider_event_id is None else None
        yield (
            *(row.row_id, row.tx_id, tenant_id, account.player_id, row.type, row.direction, amount, row.currency, row.status),
            *(key, row.provider, row.provider_ref, row.provider_event_id, amount, 0, amount, row.created_at),
        )


def _orphan_row(tenant_id: str, player_id: str, amount: float, as_of: datetime) -> Fields:
    """The rows left by a webhook for a missing player, although the platform answers 500."""
    event = f"evt_{player_id}"
    return (
        *(f"ledger-{player_id}", f"psp-{event}", tenant_id, player_id, "deposit", "credit", amount, "USD", "deposit_captured"),
        *(None, "mockpsp", None, event, amount, 0, amount, as_of),
    )


def _transactions(tenant_id: str, account: Account) -> Iterator[Fields]:
    for row in account.transactions:
        yield (
            *(row.row_id, tenant_id, account.player_id, row.type, row.amount / 100, row.currency, row.status, row.state),
            *(row.provider, row.provider_event_id, row.balance_after / 100, row.created_at, row.created_at),
        )
