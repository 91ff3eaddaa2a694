"""Named incidents: each makes a realistic change and reports it in one sentence."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import psycopg
from typing_extensions import LiteralString

from ledger_guard.policy.schema import Guardrails
from ledger_sandbox.balance_changes import Undoing, put_back, right_wallets, strike_share, tenants_by_size, together
from ledger_sandbox.faults import MakeOne, born_from_zero, drift
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
#: how much of a guardrail a scenario that is to stay inside may use, so that drift found on top does not tip it over
_ROOM = 0.9


@dataclass(frozen=True)
class Incident:
    """What a scenario did."""

    name: str
    sentence: str
    tenants: tuple[str, ...]
    #: how to undo it; empty if balances are not involved
    undoing: Undoing = field(default=Undoing(), repr=False)

    @property
    def rows(self) -> int:
        """How many players are affected."""
        return len(self.undoing.before)


def pick_tenant_for_t1(uri: str, guardrails: Guardrails, share: float = 0.2) -> str:
    """The busiest tenant where wallets born from 0, of `share` of the players, refuse withdraws within a plan's guardrails.

    Raises ValueError when there is none: seed a bigger population, turn ledger_enforce_balance on, or lower the share.
    """
    with psycopg.connect(uri) as connection:
        for tenant in sorted(read_world(connection).tenants, key=lambda found: -found.withdraws_per_window):
            balances = [balance.player_available for balance in right_wallets(connection, tenant.tenant_id)]
            fits = (
                share * len(balances) <= _ROOM * guardrails.max_rows
                and share <= _ROOM * guardrails.max_share_of_players
                and share * sum(balances) <= _ROOM * guardrails.max_total_delta_cents
                and max(balances, default=0) <= guardrails.max_single_delta_cents
            )
            if tenant.wallet_is_judge and balances and fits:
                return tenant.tenant_id
    raise ValueError(f"t1_stale_wallets: no tenant fits {share:.0%} stale wallets into the guardrails; allowed: a smaller share")


def t1_stale_wallets(uri: str, tenant_id: str, share: float = 0.2, seed: int = 1) -> Incident:
    """Let webhooks make the wallets of a share of one tenant's players from 0, although the players hold money from before."""
    undoing = strike(uri, [tenant_id], share, born_from_zero, seed)
    sentence = f"{len(undoing.before)} wallets of {tenant_id} were made from 0 by a webhook and lack what players had before."
    return Incident("t1_stale_wallets", sentence, (tenant_id,), undoing)


def t1_platform_wide(uri: str, share: float = 0.7, seed: int = 1) -> Incident:
    """Let webhooks make wallets from 0 in every tenant."""
    tenants = _tenants(uri)
    undoing = strike(uri, tenants, share, born_from_zero, seed)
    sentence = f"{len(undoing.before)} wallets of all {len(tenants)} tenants were made from 0 and lack what their players had."
    return Incident("t1_platform_wide", sentence, tuple(tenants), undoing)


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
    sentence = "The platform looks the signature header up in the wrong case, so correctly signed webhooks are refused too."
    return Incident("t2_signature_check_broken", sentence, tuple(_tenants(uri)))


def repair_secrets(uri: str) -> Incident:
    """Undo any T2 scenario: platform and providers have the same secrets and the check works."""
    _execute(uri, _REPAIR_SECRETS)
    return Incident("repair_secrets", "Platform and providers share their webhook secrets again.", tuple(_tenants(uri)))


def t3_one_tenant_drifts(uri: str, tenant_id: str, share: float = 0.4, seed: int = 1) -> Incident:
    """Let webhooks, poker and races move money of a share of one tenant's players past their wallets, as the platform does."""
    undoing = strike(uri, [tenant_id], share, drift, seed)
    sentence = (
        f"{len(undoing.before)} wallets of {tenant_id} miss webhooks, rewards or poker hands, up to 30 % of the balance; of "
        "some the player row lost an update too."
    )
    return Incident("t3_one_tenant_drifts", sentence, (tenant_id,), undoing)


def t3_many_tenants_drift(uri: str, tenants: int = 8, share: float = 0.4, seed: int = 1) -> Incident:
    """Let the wallets of the largest tenants drift in the same way."""
    chosen = _tenants(uri)[:tenants]
    undoing = strike(uri, chosen, share, drift, seed)
    sentence = f"{len(undoing.before)} wallets of the {len(chosen)} largest tenants miss webhooks, rewards, poker or races."
    return Incident("t3_many_tenants_drift", sentence, tuple(chosen), undoing)


def undo(uri: str, incident: Incident) -> None:
    """Put the players that an incident struck back to what they were, whatever happened to them since."""
    with psycopg.connect(uri) as connection:
        put_back(connection, incident.undoing)


def strike(uri: str, tenants: list[str], share: float, fault: MakeOne, seed: int) -> Undoing:
    """Let one fault strike a share of each tenant's players whose wallets are right; returns how to put them back."""
    rng = random.Random(f"scenario/{seed}")
    with psycopg.connect(uri) as connection:
        return together(
            strike_share(connection, tenant_id, share, lambda balance, at: fault(balance, at, rng), rng) for tenant_id in tenants
        )


def _tenants(uri: str) -> list[str]:
    with psycopg.connect(uri) as connection:
        return tenants_by_size(connection)


def _execute(uri: str, text: LiteralString) -> None:
    with psycopg.connect(uri) as connection:
        connection.execute(text)
