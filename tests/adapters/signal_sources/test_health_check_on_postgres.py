"""sense → classify → decide → triage over real tables: the parts fit."""

from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from signal_worlds import NOON, request_event
from tests.triggers import T1, T3

from ledger_guard.adapters.memory.dependencies import memory_world
from ledger_guard.adapters.postgres.access_events import PostgresAccessEventStore
from ledger_guard.adapters.postgres.state import PostgresGuardState
from ledger_guard.adapters.signal_sources.triage import PostgresTriageSource
from ledger_guard.domain.findings import RowCause
from ledger_guard.domain.flags import EVERYWHERE
from ledger_guard.domain.incident_lifecycle import Change
from ledger_guard.domain.money_at_risk import in_words
from ledger_guard.domain.signals import MoneyAtRisk
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.signals.triage import triage
from ledger_guard.use_cases.health_check.classify import classify
from ledger_guard.use_cases.health_check.decide import decide
from ledger_guard.use_cases.health_check.sense import is_ready, sense
from ledger_guard.use_cases.notify.notify import incident_notice
from ledger_guard.wiring import signal_sources

pytestmark = pytest.mark.postgres

FIVE = timedelta(minutes=5)
#: a day of 8 tenants with 40 withdraws in each window, one of them refused
QUIET_DAY = """
    insert into ledger_guard.access_event (event_key, event_time, tenant_id, subject_id, method, path, status, error_code)
    select format('q%%s-%%s-%%s', minute, tenant, n), moment + interval '1 minute', 'tenant_' || tenant, 'p' || n, 'POST',
        '/api/v1/player/wallet/withdraw', case when n = 0 then 400 else 200 end, case when n = 0 then 'INSUFFICIENT_FUNDS' end
    from generate_series(%(end)s - interval '1 day', %(end)s - interval '5 minutes', interval '5 minutes')
            with ordinality as windows (moment, minute),
        generate_series(1, 8) as tenant,
        generate_series(0, 39) as n
"""


@pytest.fixture
def world(database_uri, settings, policy):
    found = memory_world(policy, NOON + timedelta(seconds=10))
    deps = replace(
        found.deps,
        state=PostgresGuardState(settings),
        signals=signal_sources(settings, settings, policy, found.clock),
        triage=PostgresTriageSource(settings, settings, policy),
    )
    with psycopg.connect(database_uri) as connection:
        connection.execute(QUIET_DAY, {"end": NOON})
    return replace(found, deps=deps)


@pytest.fixture
def deliver(settings):
    store = PostgresAccessEventStore(settings)

    def call(events, through):
        with store.delivery() as delivery:
            delivery.add(events)
            delivery.advance(through, through)

    return call


def test_a_spike_in_one_tenant_is_sensed_judged_decided_and_explained(world, deliver, rows):
    deliver([], NOON)
    assert is_ready(world.deps, T1)
    assert sense(world.deps, T1).windows == 288
    assert classify(world.deps, T1).change is Change.QUIET

    players = [f"p{number}" for number in range(30)]
    for player in players:
        rows.player("tenant_3", player, 90.0)
        rows.wallet("tenant_3", player, 1.0)
    refused = {"event_time": NOON, "amount_cents": 9_000}
    spike = [request_event("tenant_3", 400, "INSUFFICIENT_FUNDS", subject_id=player, **refused) for player in players]
    others = [request_event(f"tenant_{n}", 200, event_time=NOON) for n in (1, 2, 4, 5, 6, 7, 8) for _ in range(40)]
    deliver(spike + others, NOON + FIVE)
    world.clock.advance(FIVE)
    assert is_ready(world.deps, T1)
    assert sense(world.deps, T1).windows == 1

    world.deps.flags.put("ledger_enforce_balance", EVERYWHERE, True)
    opened = classify(world.deps, T1)
    assert (opened.change, opened.severity, opened.scope) == (Change.OPENED, Severity.SEVERE, Scope.ISOLATED)
    assert decide(world.deps, opened).branch == "remediate"
    assert triage(world.deps, opened.incident_id).tenants[0].word == "backfill fault"

    assert classify(world.deps, T1) == replace(opened, judged_windows=0)
    with world.deps.state.transaction() as state:
        verdicts = state.verdicts.between(T1, NOON, NOON + FIVE)
        assert {each.tenant_id for each in verdicts if each.severity.is_alarm} == {"tenant_3"}
        assert len(verdicts) == 8
        money = {each.tenant_id: each.reasons["at_risk_cents"] for each in verdicts}
    assert money == {f"tenant_{n}": 270_000 if n == 3 else 0 for n in range(1, 9)}
    facts = dict(incident_notice(world.deps, opened.incident_id, "classify").facts)
    assert facts["Money at risk"] == "2,700.00 USD: refused withdrawals in the newest alarm of each tenant"


def test_a_source_that_goes_away_blinds_the_guard_and_keeps_what_it_knew(world, deliver, rows):
    deliver([], NOON)
    sense(world.deps, T1)
    classify(world.deps, T1)
    rows.run("alter table ledger_guard.access_event rename to moved_away")
    world.clock.advance(timedelta(minutes=21))
    assert is_ready(world.deps, T1)
    assert sense(world.deps, T1).no_data == 2
    outcome = classify(world.deps, T1)
    assert (outcome.change, outcome.has_just_gone_blind(2)) == (Change.BLIND, True)
    assert decide(world.deps, outcome).branch == "notify"


def test_differences_are_compared_with_their_money_and_grow_old_from_check_to_check(world, rows):
    rows.player("tenant_1", "p1", 10.0, 2.0)
    rows.player("tenant_2", "p2", 5.0)
    rows.wallet("tenant_2", "p2", 5.0)
    for _ in range(3):
        sense(world.deps, T3)
        classify(world.deps, T3)
        world.clock.advance(FIVE)
    with world.deps.state.transaction() as state:
        found = {each.tenant_id: each.money for each in state.readings.readings(T3, NOON + FIVE, NOON + 2 * FIVE)}
        [verdict] = [each for each in state.verdicts.between(T3, NOON, NOON + FIVE) if each.tenant_id == "tenant_1"]
    assert found == {
        "tenant_1": MoneyAtRisk(1_200, 0, {RowCause.MISSING: 1_200}, NOON - FIVE),
        "tenant_2": MoneyAtRisk(0),
    }
    assert in_words(verdict.reasons, "differing wallets") == (
        "differing wallets of 12.00 USD, by cause: missing 12.00, differing since 2026-03-01T11:55:00Z or longer"
    )


def test_a_health_check_goes_on_from_the_comparison_before_and_keeps_what_differs(world, rows):
    rows.player("tenant_1", "p0", 10.0)
    for number in range(1, 40):
        rows.player("tenant_1", f"p{number}", 5.0)
        rows.wallet("tenant_1", f"p{number}", 5.0)
    for _ in range(3):
        sense(world.deps, T3)
        world.clock.advance(FIVE)
    with world.deps.state.transaction() as state:
        left = state.comparisons.last(T3)
        found = state.readings.readings(T3, NOON - FIVE, NOON + 2 * FIVE)
    assert left is not None
    assert (left.whole_end, left.window_end) == (NOON, NOON + 2 * FIVE), "the first was whole, the others went on from it"
    assert [(each.events, each.exposure) for each in found] == [(1, 40)] * 3
