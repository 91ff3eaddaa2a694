"""Each scenario has the effect it states, on the tenants it names and on no others, and goes away with its cause."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from tests.sandbox.conftest import AS_OF, rows, value
from tests.sandbox.traffic_rates import T1, T2, measured, played

from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.ledger import PostgresLedgerStore
from ledger_guard.domain.plan_summary import summarise
from ledger_guard.domain.plans import BackfillMode
from ledger_guard.policy.loader import load_policy
from ledger_guard.ports.platform import Comparison
from ledger_sandbox import flags, scenarios
from ledger_sandbox.balance_changes import tenants_by_size

pytestmark = pytest.mark.postgres
LATER = AS_OF + timedelta(hours=4)


@pytest.fixture(scope="module")
def policy():
    return load_policy()


def compared(uri: str, policy, tenant_id: str) -> Comparison:
    store = PostgresLedgerStore(ConnectionSettings.parse(uri, "ledger_db"), policy)
    return store.compare(tenant_id, BackfillMode.FORCE)


def largest_tenants(uri: str) -> list[str]:
    with psycopg.connect(uri) as connection:
        return tenants_by_size(connection)


def test_t1_in_one_tenant_refuses_eight_times_the_baseline_there_and_nowhere_else(platform_uri, policy):
    tenant = scenarios.pick_tenant_for_t1(platform_uri, policy.guardrails)
    baseline = played(platform_uri, T1, windows=48)
    incident = scenarios.t1_stale_wallets(platform_uri, tenant)
    now = played(platform_uri, T1, start=LATER, windows=12, seed=2)
    assert incident.tenants == (tenant,)
    assert now.of(tenant) >= 8 * baseline.of(tenant)
    assert now.without(tenant) < 2 * baseline.without(tenant)


def test_the_tenant_picked_for_t1_has_thirty_withdraws_a_window_at_any_hour(day_uri, policy):
    tenant = scenarios.pick_tenant_for_t1(day_uri, policy.guardrails)
    start = AS_OF - timedelta(days=1)
    hours = [measured(day_uri, T1, start + timedelta(hours=hour), start + timedelta(hours=hour + 1)) for hour in range(24)]
    assert min(found.attempts(tenant) for found in hours) / 12 >= 30


def test_t1_in_one_tenant_stays_inside_the_guardrails(platform_uri, policy):
    tenant = scenarios.pick_tenant_for_t1(platform_uri, policy.guardrails)
    incident = scenarios.t1_stale_wallets(platform_uri, tenant)
    found, limits = compared(platform_uri, policy, tenant), policy.guardrails
    writable = [row for row in found.rows if row.cause.is_writable]
    moved = summarise(writable).cents
    assert found.counts.stale_wallet >= incident.rows > 0
    assert found.counts.for_humans + found.counts.lost_update + found.counts.disputed == 0
    assert len(writable) <= limits.max_rows
    assert len(writable) <= limits.max_share_of_players * found.players
    assert moved.created + moved.increased + moved.decreased <= limits.max_total_delta_cents
    assert max(abs(row.delta) for row in writable) <= limits.max_single_delta_cents


def test_no_tenant_is_picked_for_t1_where_the_wallet_judges_no_one(platform_uri, policy):
    flags.switch(platform_uri, "ledger_enforce_balance", is_enabled=False)
    with pytest.raises(ValueError, match="no tenant fits"):
        scenarios.pick_tenant_for_t1(platform_uri, policy.guardrails)


def test_undoing_a_scenario_puts_every_balance_back(platform_uri):
    checksum = "select md5(string_agg(w::text, '' order by w::text)) from walletbalance w"
    players = "select md5(string_agg(p::text, '' order by p::text)) from player p"
    before = value(platform_uri, checksum), value(platform_uri, players)
    incident = scenarios.t3_one_tenant_drifts(platform_uri, "default_casino")
    assert (value(platform_uri, checksum), value(platform_uri, players)) != before
    scenarios.undo(platform_uri, incident)
    assert (value(platform_uri, checksum), value(platform_uri, players)) == before


def test_t1_platform_wide_refuses_most_withdraws_of_every_busy_tenant(platform_uri):
    scenarios.t1_platform_wide(platform_uri)
    found = played(platform_uri, T1)
    busy = [tenant for tenant, (_, attempts) in found.counted.items() if attempts >= 50]
    assert len(busy) >= 3
    assert min(found.of(tenant) for tenant in busy) > 0.4


def test_t1_ends_when_the_wallet_is_no_longer_the_judge(platform_uri):
    scenarios.t1_platform_wide(platform_uri)
    flags.switch(platform_uri, "ledger_enforce_balance", is_enabled=False)
    assert played(platform_uri, T1).without() < 0.03


def test_t2_of_one_provider_refuses_every_webhook_of_its_tenants_and_of_no_others(platform_uri):
    incident = scenarios.t2_one_provider_secret_wrong(platform_uri)
    found = played(platform_uri, T2, windows=48)
    users = {
        tenant
        for (tenant,) in rows(platform_uri, "select tenant_id from ledger_sandbox.tenant_profile where provider = 'generic'")
    }
    assert set(incident.tenants) == users
    assert "default_casino" in users
    assert len(users) < 24 / 2
    assert {found.of(tenant) for tenant in users} == {1.0}
    assert found.without(*users) < 0.01


@pytest.mark.parametrize("cause", [scenarios.t2_all_webhooks_refused, scenarios.t2_signature_check_broken])
def test_t2_everywhere_refuses_every_webhook_until_it_is_repaired(platform_uri, cause):
    cause(platform_uri)
    assert played(platform_uri, T2).without() == 1.0
    scenarios.repair_secrets(platform_uri)
    assert played(platform_uri, T2, start=LATER).without() < 0.02


def test_t2_ends_when_signatures_are_no_longer_enforced(platform_uri):
    scenarios.t2_all_webhooks_refused(platform_uri)
    flags.switch(platform_uri, "webhook_signature_enforced", is_enabled=False)
    assert played(platform_uri, T2).without() == 0.0


def test_t2_everywhere_reaches_enough_tenants_with_five_webhooks_in_a_window(platform_uri):
    scenarios.t2_all_webhooks_refused(platform_uri)
    found = played(platform_uri, T2, windows=12)
    assert len([tenant for tenant in found.counted if found.attempts(tenant) / 12 >= 5]) >= 3


def test_t2_of_an_unknown_provider_is_refused_and_changes_nothing(platform_uri):
    with pytest.raises(ValueError, match="no tenant uses provider 'nobody'"):
        scenarios.t2_one_provider_secret_wrong(platform_uri, "nobody")
    assert played(platform_uri, T2).without() < 0.02


def test_t3_in_one_tenant_drifts_beyond_the_guardrails_and_leaves_t1_quiet(platform_uri, policy):
    tenant, bystander = largest_tenants(platform_uri)[:2]
    before = compared(platform_uri, policy, bystander).counts
    incident = scenarios.t3_one_tenant_drifts(platform_uri, tenant)
    found = compared(platform_uri, policy, tenant)
    assert found.counts.findings >= incident.rows > policy.guardrails.max_rows
    assert found.counts.lost_update > 0, "some rows are for a human to see"
    assert compared(platform_uri, policy, bystander).counts == before
    assert played(platform_uri, T1).of(tenant) < 0.05


def test_t3_in_many_tenants_drifts_in_each_of_the_largest(platform_uri, policy):
    incident = scenarios.t3_many_tenants_drift(platform_uri, tenants=4)
    assert incident.tenants == tuple(largest_tenants(platform_uri)[:4])
    for tenant in incident.tenants:
        found = compared(platform_uri, policy, tenant)
        assert found.counts.repairable > policy.guardrails.max_share_of_players * found.players


def test_a_scenario_for_an_unknown_tenant_is_refused(rested_uri):
    with pytest.raises(ValueError, match="allowed: a seeded tenant"):
        scenarios.t1_stale_wallets(rested_uri, "nobody")


@pytest.mark.parametrize("share", [-0.01, 1.01])
def test_a_share_outside_zero_to_one_is_refused(rested_uri, share):
    with pytest.raises(ValueError, match="allowed: 0 to 1"):
        scenarios.t1_stale_wallets(rested_uri, "default_casino", share=share)
