"""Named incidents: each changes the world for a real cause and says in one sentence what it did."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import psycopg
from typing_extensions import LiteralString

from ledger_guard.policy.schema import Guardrails
from ledger_sandbox.balance_changes import Balance, agreeing, rewrite_share, tenants_by_size, write
from ledger_sandbox.world import read_world

_SMALLEST_PROVIDER: LiteralString = """
    select provider from ledger_sandbox.tenant_profile group by provider order by count(*), provider limit 1
"""
_TENANTS_OF: LiteralString = (
    "select tenant_id from ledger_sandbox.tenant_profile where provider = %(provider)s order by tenant_id"
)
_PSP_ROTATES: LiteralString = """
    update ledger_sandbox.provider_secret set psp_value = 'rotated-' || md5(psp_value) where provider = %(provider)s
"""
_PLACEHOLDERS: LiteralString = "update ledger_sandbox.provider_secret set platform_value = 'changeme'"
_BREAK_CHECK: LiteralString = "update ledger_sandbox.provider_secret set check_is_broken = true"
_REPAIR_SECRETS: LiteralString = """
    update ledger_sandbox.provider_secret set platform_value = psp_value, check_is_broken = false
"""
#: of the drifting wallets, how many have a player row that moved without the ledger too
_UNEXPLAINED_SHARE = 0.2
#: how much of a guardrail a scenario that is to stay inside may use, so that drift found on top does not tip it over
_ROOM = 0.9

Change = Callable[[Balance, random.Random], Balance]


@dataclass(frozen=True)
class Incident:
    """What a scenario did."""

    name: str
    sentence: str
    tenants: tuple[str, ...]
    #: balances as they were before, one a changed player; empty for what balances have no part in
    before: tuple[Balance, ...] = field(default=(), repr=False)

    @property
    def rows(self) -> int:
        """How many players' balances were changed."""
        return len(self.before)


def pick_tenant_for_t1(uri: str, guardrails: Guardrails, share: float = 0.2) -> str:
    """The busiest tenant where stale wallets of `share` of the players refuse withdraws and a plan stays in the guardrails.

    Raises ValueError when there is none: seed a bigger population, turn ledger_enforce_balance on, or lower the share.
    """
    with psycopg.connect(uri) as connection:
        for tenant in sorted(read_world(connection).tenants, key=lambda found: -found.withdraws_per_window):
            balances = [balance.player_available for balance in agreeing(connection, tenant.tenant_id)]
            fits = (
                share * len(balances) <= _ROOM * guardrails.max_rows
                and share <= _ROOM * guardrails.max_share_of_players
                and share * sum(balances) * 100 <= _ROOM * guardrails.max_total_delta_cents
                and max(balances, default=0.0) * 100 <= guardrails.max_single_delta_cents
            )
            if tenant.wallet_is_judge and balances and fits:
                return tenant.tenant_id
    raise ValueError(f"t1_stale_wallets: no tenant fits {share:.0%} stale wallets into the guardrails; allowed: a smaller share")


def t1_stale_wallets(uri: str, tenant_id: str, share: float = 0.2, seed: int = 1) -> Incident:
    """Let the wallets of a share of one tenant's players fall far behind; player row and ledger still agree."""
    before = _change(uri, [tenant_id], share, _stale, seed)
    sentence = f"{len(before)} wallets of {tenant_id} stand at a snapshot from before almost all of their players' deposits."
    return Incident("t1_stale_wallets", sentence, (tenant_id,), before)


def t1_platform_wide(uri: str, share: float = 0.7, seed: int = 1) -> Incident:
    """Let wallets fall far behind in every tenant."""
    tenants = _tenants(uri)
    before = _change(uri, tenants, share, _stale, seed)
    sentence = f"{len(before)} wallets of all {len(tenants)} tenants stand at a snapshot from before almost all deposits."
    return Incident("t1_platform_wide", sentence, tuple(tenants), before)


def t2_one_provider_secret_wrong(uri: str, provider: str | None = None) -> Incident:
    """Let one provider (default: the one with the fewest tenants) sign with a secret that the platform does not have.

    Raises ValueError for a provider that no tenant uses.
    """
    with psycopg.connect(uri) as connection:
        if provider is None:
            found = connection.execute(_SMALLEST_PROVIDER).fetchone()
            provider = found[0] if found else "none"
        tenants = tuple(row[0] for row in connection.execute(_TENANTS_OF, {"provider": provider}))
        if not tenants:
            raise ValueError(f"t2_one_provider_secret_wrong: no tenant uses provider {provider!r}; allowed: mockpsp, generic")
        connection.execute(_PSP_ROTATES, {"provider": provider})
    sentence = f"{provider} has rotated its webhook secret and the platform still has the old one: {len(tenants)} tenants use it."
    return Incident("t2_one_provider_secret_wrong", sentence, tenants)


def t2_all_webhooks_refused(uri: str) -> Incident:
    """Let a deploy lose the webhook secrets: the platform verifies with its placeholder."""
    _execute(uri, _PLACEHOLDERS)
    sentence = "A deploy lost the webhook secrets: the platform verifies every signature with the placeholder it ships with."
    return Incident("t2_all_webhooks_refused", sentence, tuple(_tenants(uri)))


def t2_signature_check_broken(uri: str) -> Incident:
    """Let the platform look up the signature header under a name that is never there: right secrets, all refused."""
    _execute(uri, _BREAK_CHECK)
    sentence = "The platform looks the signature header up in the wrong case, so rightly signed webhooks are refused too."
    return Incident("t2_signature_check_broken", sentence, tuple(_tenants(uri)))


def repair_secrets(uri: str) -> Incident:
    """Undo any T2 scenario: platform and providers have the same secrets and the check works."""
    _execute(uri, _REPAIR_SECRETS)
    return Incident("repair_secrets", "Platform and providers share their webhook secrets again.", tuple(_tenants(uri)))


def t3_one_tenant_drifts(uri: str, tenant_id: str, share: float = 0.4, seed: int = 1) -> Incident:
    """Let the wallets of a share of one tenant's players drift by some percent, up and down, a fifth of them unexplained."""
    before = _change(uri, [tenant_id], share, _drift, seed)
    sentence = f"{len(before)} wallets of {tenant_id} drifted by up to 30 %; for some the ledger agrees with neither side."
    return Incident("t3_one_tenant_drifts", sentence, (tenant_id,), before)


def t3_many_tenants_drift(uri: str, tenants: int = 8, share: float = 0.4, seed: int = 1) -> Incident:
    """Let the wallets of the largest tenants drift in the same way."""
    chosen = _tenants(uri)[:tenants]
    before = _change(uri, chosen, share, _drift, seed)
    sentence = f"{len(before)} wallets of the {len(chosen)} largest tenants drifted by up to 30 %, some of them unexplained."
    return Incident("t3_many_tenants_drift", sentence, tuple(chosen), before)


def undo(uri: str, incident: Incident) -> None:
    """Put the balances that an incident changed back to what they were, whatever happened to them since."""
    with psycopg.connect(uri) as connection:
        write(connection, incident.before)


def _change(uri: str, tenants: list[str], share: float, change: Change, seed: int) -> tuple[Balance, ...]:
    rng = random.Random(seed)
    before: list[Balance] = []
    with psycopg.connect(uri) as connection:
        for tenant_id in tenants:
            before += rewrite_share(connection, tenant_id, share, lambda balance: change(balance, rng), rng)
    return tuple(before)


def _stale(balance: Balance, rng: random.Random) -> Balance:
    return balance.with_wallet(rng.uniform(0.0, 0.02))


def _drift(balance: Balance, rng: random.Random) -> Balance:
    moved = balance.with_wallet(1 + rng.choice((-1, 1)) * rng.uniform(0.05, 0.3))
    if rng.random() < _UNEXPLAINED_SHARE:
        return replace(moved, player_available=round(balance.player_available * rng.uniform(0.9, 0.95), 2))
    return moved


def _tenants(uri: str) -> list[str]:
    with psycopg.connect(uri) as connection:
        return tenants_by_size(connection)


def _execute(uri: str, text: LiteralString) -> None:
    with psycopg.connect(uri) as connection:
        connection.execute(text)
