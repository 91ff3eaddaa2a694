"""On the sandbox's own traffic: true troubles lead to a proposal, what strangers and players can send does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import psycopg
import pytest
from tests.sandbox.conftest import AS_OF
from tests.triggers import T1, T2

from ledger_guard.adapters.memory.dependencies import memory_world
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.signal_sources.triage import PostgresTriageSource
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.incidents import Incident, IncidentStatus
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.policy.loader import load_policy
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.remediation.remediate import open_case
from ledger_guard.use_cases.remediation.withheld import proposed_runs
from ledger_sandbox import scenarios
from ledger_sandbox.access_events import AccessEvent, deliver
from ledger_sandbox.balance_changes import tenants_by_size
from ledger_sandbox.history import traffic_history
from ledger_sandbox.traffic import play

pytestmark = pytest.mark.postgres
WINDOW = timedelta(minutes=5)
POLICY = load_policy()


@pytest.fixture
def lived_uri(platform_uri) -> str:
    """The seeded platform with a day of traffic behind it."""
    traffic_history(platform_uri, AS_OF, np.random.default_rng(3), length=timedelta(days=1))
    return platform_uri


def guard_of(uri: str) -> Dependencies:
    settings = ConnectionSettings.parse(uri, "ledger_db")
    world = memory_world(POLICY, AS_OF + 3 * WINDOW)
    for flag in POLICY.flags:
        world.flags.put(flag, "*", is_enabled=True)
    return replace(world.deps, triage=PostgresTriageSource(settings, settings, POLICY))


def proposed(uri: str, trigger: Trigger, tenants: tuple[str, ...], scope: Scope, kind: str, windows: int = 2) -> list[str]:
    """Whom a remediation of the first `windows` windows of trouble starts runs for."""
    deps = guard_of(uri)
    last = AS_OF + (windows - 1) * WINDOW
    words = IncidentStatus.OPEN, Severity.SEVERE, scope
    incident = Incident(new_id(), trigger, *words, tuple(sorted(tenants)), AS_OF, AS_OF, last)
    with deps.state.transaction() as state:
        state.incidents.add(incident)
    case = open_case(deps, {"incident_id": incident.incident_id}, "ledger_guard", "remediation__1")
    return [run["conf"]["tenant_id"] for run in proposed_runs(deps, case, kind)]


def on_goes(uri: str, seed: int = 5, windows: int = 2) -> None:
    play(uri, AS_OF, AS_OF + windows * WINDOW, np.random.default_rng(seed))


def all_tenants(uri: str) -> tuple[str, ...]:
    with psycopg.connect(uri) as connection:
        return tuple(tenants_by_size(connection))


def flood(uri: str, count: int) -> None:
    """Wrongly signed calls over the first ten minutes, in all tenants."""
    tenants = all_tenants(uri)
    path, code = "/api/v1/payments/webhook/mockpsp", "WEBHOOK_SIGNATURE_INVALID"
    events = [
        AccessEvent(
            f"forged-{n}",
            (AS_OF + n * 2 * WINDOW / count).isoformat(),
            *(tenants[n % len(tenants)], f"x-{n}", "POST", path, "mockpsp", 401, code),
        )
        for n in range(count)
    ]
    with psycopg.connect(uri) as connection:
        deliver(connection, events, AS_OF + 2 * WINDOW)


def test_the_demos_stale_wallets_in_one_tenant_are_backfilled(lived_uri):
    tenant = scenarios.pick_tenant_for_t1(lived_uri, POLICY.guardrails)
    scenarios.t1_stale_wallets(lived_uri, tenant)
    on_goes(lived_uri)
    assert proposed(lived_uri, T1, (tenant,), Scope.ISOLATED, "backfill") == [tenant]


@pytest.mark.parametrize("scenario", [scenarios.t2_all_webhooks_refused, scenarios.t2_signature_check_broken])
@pytest.mark.parametrize("flooded", [0, 300], ids=["alone", "with a flood"])
def test_the_demos_refusal_of_every_webhook_is_put_to_people(lived_uri, scenario, flooded):
    scenario(lived_uri)
    on_goes(lived_uri)
    if flooded:
        flood(lived_uri, flooded)
    assert proposed(lived_uri, T2, all_tenants(lived_uri), Scope.WIDESPREAD, "roll_back") == ["*"]


def test_one_provider_with_a_wrong_secret_is_not_called_forged(lived_uri):
    tenants = scenarios.t2_one_provider_secret_wrong(lived_uri).tenants
    on_goes(lived_uri)
    flood(lived_uri, 300)
    assert proposed(lived_uri, T2, tenants, Scope.WIDESPREAD, "roll_back") == ["*"]


@pytest.mark.parametrize("seed", range(4))
def test_a_strangers_flood_on_an_ordinary_day_proposes_nothing(lived_uri, seed):
    on_goes(lived_uri, seed)
    flood(lived_uri, 300)
    assert proposed(lived_uri, T2, all_tenants(lived_uri), Scope.WIDESPREAD, "roll_back") == []
