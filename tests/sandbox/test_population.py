"""The seeded population is complete where it should be, and has every quirk that the guard must cope with."""

from __future__ import annotations

import uuid

import pytest
from tests.sandbox.conftest import AS_OF, COMPARED, IS_WRONG, rows, value
from tests.sandbox.repair_scores import plan_rows, score

from ledger_guard.domain.findings import RowAction, RowCause
from ledger_guard.policy.loader import load_policy
from ledger_sandbox.accounts import Quirk
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
def test_exactly_the_quirks_that_say_so_have_a_wrong_wallet(rested_uri, population):
    quirks = population.quirks()
    wrong = sum(quirks[quirk.value] for quirk in Quirk if quirk.is_wrong)
    assert value(rested_uri, f"select count(*) {COMPARED} where {IS_WRONG}") == wrong > 0
    assert (
        value(rested_uri, f"select count(*) {COMPARED} where w.player_id is null") == quirks["missing"] + quirks["eur_only"] > 0
    )


@pytest.mark.postgres
def test_the_money_rule_finds_the_same_players_and_gives_each_what_is_right(rested_uri, population):
    tenants = [profile.tenant_id for profile in population.profiles]
    planned = plan_rows(rested_uri, load_policy(), tenants)
    found = score(rested_uri, planned, tenants)
    assert (found.wrong, found.players["human"]) == ([], 0)
    assert len(planned) == value(rested_uri, f"select count(*) {COMPARED} where {IS_WRONG}")
    accounts = {account.player_id: account for each in population.accounts.values() for account in each}
    assert {row.cause.action for row in planned.values()} == {RowAction.WRITE}, "at rest nobody need be asked"
    causes = {accounts[player_id].quirk: row.cause for player_id, row in planned.items()}
    assert causes[Quirk.BORN_FROM_ZERO] is causes[Quirk.POKER] is RowCause.STALE_WALLET
    assert causes[Quirk.COUNTED_TWICE] is RowCause.STALE_WALLET
    assert causes[Quirk.MISSING] is causes[Quirk.EUR_ONLY] is RowCause.MISSING


@pytest.mark.postgres
def test_some_wallets_rightly_hold_what_the_player_row_never_got(rested_uri, population):
    apart = f"select count(*) {COMPARED} where {_DIFFERS} and not {IS_WRONG}"
    quirks = population.quirks()
    assert value(rested_uri, apart) == quirks["wallet_only"] + quirks["lost_update"] + quirks["eur_credited"] > 0


@pytest.mark.postgres
def test_the_ledger_speaks_the_platforms_words(rested_uri):
    booked = set(rows(rested_uri, "select distinct type, status, direction from ledgertransaction"))
    assert booked >= {
        ("wallet", "deposit_succeeded", "credit"),
        ("wallet", "withdraw_requested", "credit"),
        ("wallet", "withdraw_paid", "debit"),
        ("wallet", "withdraw_rejected", "credit"),
        ("wallet", "manual_credit", "credit"),
        ("wallet", "manual_debit", "debit"),
        ("wallet", "game_bet", "debit"),
        ("wallet", "game_win", "credit"),
        ("wallet", "bonus_granted", "credit"),
        ("deposit", "deposit_captured", "credit"),
    }
    known = {(booking.type, status) for booking in load_policy().platform.ledger.all_bookings for status in booking.statuses}
    known |= {(booking.type, None) for booking in load_policy().platform.ledger.all_bookings if not booking.statuses}
    assert not {word for word in booked if (word[0], word[1]) not in known and (word[0], None) not in known}


@pytest.mark.postgres
def test_openings_are_in_no_ledger_row_and_notes_tell_them(rested_uri):
    noted = """
        select count(*) from transaction n join ledger_sandbox.right_wallet t on t.player_id = n.player_id
        where n.type = 'deposit' and n.provider is null
          and n.created_at = (select min(created_at) from transaction f where f.player_id = n.player_id)
          and round(n.balance_after::numeric * 100) = t.opening_available + round(n.amount::numeric * 100)
    """
    assert value(rested_uri, noted) > 500


@pytest.mark.postgres
def test_float_noise_is_there_and_is_no_difference_in_cents(rested_uri, population):
    noise = f"select count(*) {COMPARED} where w.balance_real_available <> p.balance_real_available and not {_DIFFERS}"
    assert value(rested_uri, noise) == population.quirks()["float_noise"] > 0


@pytest.mark.postgres
def test_eur_wallets_exist_with_and_without_a_usd_wallet_beside_them(rested_uri, population):
    euro = "select count(*) from walletbalance e where currency = 'EUR'"
    alone = f"""{euro} and not exists (select from walletbalance u where u.tenant_id = e.tenant_id and u.player_id = e.player_id
                                       and u.currency = 'USD')"""
    assert value(rested_uri, alone) >= population.quirks()["eur_only"] > 0
    assert value(rested_uri, euro) > 100


@pytest.mark.postgres
def test_euro_webhook_deposits_and_credits_are_booked_in_euro(rested_uri, population):
    """A EUR wallet is made by one of them; by an operator's credit it starts with the player's dollars."""
    booked = "select count(distinct player_id) from ledgertransaction where currency = 'EUR'"
    assert value(rested_uri, booked) == value(rested_uri, "select count(*) from walletbalance where currency = 'EUR'")
    by_hand = "select count(*) from ledgertransaction where currency = 'EUR' and provider_event_id is null"
    assert value(rested_uri, by_hand) == population.quirks()["eur_credited"] > 0


@pytest.mark.postgres
@pytest.mark.parametrize("table", ["walletbalance", "ledgertransaction"])
def test_orphans_have_a_tenant_a_wallet_and_a_ledger_row_and_no_player(rested_uri, population, table):
    orphans = f"""
        select count(*) from {table} w join tenant t on t.id = w.tenant_id
        where not exists (select from player p where p.id = w.player_id)
    """
    assert value(rested_uri, orphans) == len(population.orphans) > 0


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
