"""The seeded population is complete where it should be, and has every quirk that the guard must cope with."""

from __future__ import annotations

import uuid

import pytest
from tests.sandbox.conftest import AS_OF, COMPARED, rows, value

from ledger_sandbox.population import generate
from ledger_sandbox.profiles import PopulationShape

_SMALL = PopulationShape(tenants=5, largest=60)
_DIFFERS = """
    (round(w.balance_real_available::numeric, 2) <> round(p.balance_real_available::numeric, 2)
     or round(w.balance_real_pending::numeric, 2) <> round(p.balance_real_held::numeric, 2))
"""


def test_the_same_seed_gives_the_same_population():
    assert generate(7, _SMALL, AS_OF) == generate(7, _SMALL, AS_OF)


def test_another_seed_gives_another_population():
    assert generate(7, _SMALL, AS_OF) != generate(8, _SMALL, AS_OF)


@pytest.mark.parametrize(("tenants", "largest"), [(0, 10), (3, 0), (-1, 10)])
def test_an_empty_population_is_refused(tenants, largest):
    with pytest.raises(ValueError, match="allowed: at least 1 of each"):
        PopulationShape(tenants=tenants, largest=largest)


def test_tenants_run_from_a_handful_of_players_to_thousands(population):
    sizes = sorted(profile.players for profile in population.profiles)
    assert len(sizes) == 24
    assert sizes[0] < 10
    assert sizes[-1] > 2000
    assert sizes[12] < sizes[-1] / 20, "heavy-tailed: the median tenant is a small one"


def test_tenant_ids_are_a_mix_of_uuids_and_slugs(population):
    ids = [profile.tenant_id for profile in population.profiles]
    slugs = [tenant_id for tenant_id in ids if not _is_uuid(tenant_id)]
    assert "default_casino" in slugs
    assert 4 <= len(slugs) < len(ids)


@pytest.mark.postgres
def test_every_generated_player_is_stored(rested_uri, population):
    assert dict(rows(rested_uri, "select tenant_id, count(*) from player group by 1")) == {
        profile.tenant_id: profile.players for profile in population.profiles
    }


@pytest.mark.postgres
def test_the_ledger_explains_every_player_row_to_the_cent(rested_uri):
    unexplained = f"""
        select count(*) {COMPARED}
        where round(ledger.shared::numeric, 2) <> round((p.balance_real_available + p.balance_real_held)::numeric, 2)
    """
    assert value(rested_uri, unexplained) == 0


@pytest.mark.postgres
def test_some_players_have_no_usd_wallet(rested_uri, population):
    quirks = population.quirks()
    assert (
        value(rested_uri, f"select count(*) {COMPARED} where w.player_id is null") == quirks["missing"] + quirks["eur_only"] > 0
    )


@pytest.mark.postgres
def test_some_wallets_hold_webhook_deposits_that_only_the_ledger_explains(rested_uri, population):
    protected = f"""
        select count(*) {COMPARED}
        where w.balance_real_available > p.balance_real_available + 0.01
          and round((w.balance_real_available - p.balance_real_available)::numeric, 2) = round(ledger.wallet_only::numeric, 2)
    """
    assert value(rested_uri, protected) == population.quirks()["protected"] > 0


@pytest.mark.postgres
def test_some_wallets_missed_a_movement_and_no_others_differ(rested_uri, population):
    quirks = population.quirks()
    assert (
        value(rested_uri, f"select count(*) {COMPARED} where {_DIFFERS} and ledger.wallet_only = 0") == quirks["stale_wallet"] > 0
    )
    assert value(rested_uri, f"select count(*) {COMPARED} where {_DIFFERS}") == quirks["stale_wallet"] + quirks["protected"]


@pytest.mark.postgres
def test_float_noise_is_there_and_is_no_difference_in_cents(rested_uri, population):
    noise = f"select count(*) {COMPARED} where w.balance_real_available <> p.balance_real_available and not {_DIFFERS}"
    assert value(rested_uri, noise) == population.quirks()["float_noise"] > 0


@pytest.mark.postgres
def test_eur_wallets_exist_with_and_without_a_usd_wallet_beside_them(rested_uri, population):
    euro = "select count(*) from walletbalance e where currency = 'EUR'"
    alone = f"""{euro} and not exists (select from walletbalance u where u.tenant_id = e.tenant_id and u.player_id = e.player_id
                                       and u.currency = 'USD')"""
    assert value(rested_uri, alone) == population.quirks()["eur_only"] > 0
    assert value(rested_uri, euro) > 100


@pytest.mark.postgres
def test_euro_webhook_deposits_are_booked_in_euro(rested_uri):
    booked = (
        "select count(*) from ledgertransaction where currency = 'EUR' and provider is not null and provider_event_id is not null"
    )
    assert value(rested_uri, booked) == value(rested_uri, "select count(*) from walletbalance where currency = 'EUR'")


@pytest.mark.postgres
def test_orphan_wallets_have_a_tenant_and_no_player(rested_uri, population):
    orphans = """
        select count(*) from walletbalance w join tenant t on t.id = w.tenant_id
        where not exists (select from player p where p.id = w.player_id)
    """
    assert value(rested_uri, orphans) == len(population.orphans) > 0


@pytest.mark.postgres
def test_failed_movements_are_booked_too(rested_uri):
    assert value(rested_uri, "select count(*) from ledgertransaction where status = 'failed'") > 0


@pytest.mark.postgres
def test_both_rollout_flags_are_on_for_everyone_and_secrets_agree(rested_uri):
    assert set(rows(rested_uri, "select key, tenant_id, is_enabled from rollout_flag")) == {
        ("ledger_enforce_balance", "*", True),
        ("webhook_signature_enforced", "*", True),
    }
    assert value(
        rested_uri, "select bool_and(platform_value = psp_value and length(psp_value) >= 16) from ledger_sandbox.provider_secret"
    )


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
