"""The checks of live traffic find what they are there to find, and nothing else."""

import pytest
from benchmarks.backfill.goals import Goal
from benchmarks.backfill.pace import fixed_pace
from benchmarks.backfill.plan_and_force import force, plan
from benchmarks.backfill.stage import Stage
from benchmarks.backfill.statements import BARE_DIFF, BARE_UPSERT, DRIFT, LOST
from benchmarks.backfill.traffic import move_money, percentile

PLAYERS = 300


@pytest.fixture
def stage(database_uri, monkeypatch) -> Stage:
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER_DB", database_uri)
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER_GUARD_DB", database_uri)
    made = Stage(database_uri, PLAYERS)
    made.fill()
    return made


@pytest.mark.postgres
def test_traffic_and_spoiling_are_no_drift_and_lose_nothing(stage):
    waits = move_money(stage.uri, moves_per_second=400, seconds=0.5, seed="test")
    stage.spoil("1 %")
    assert waits.moves > 0
    assert waits.deadlocks == 0
    assert stage.run(DRIFT) == [(0,)]
    assert stage.run(LOST) == [(0, 0.0)]


@pytest.mark.postgres
def test_overwriting_wallets_after_traffic_is_found(stage):
    """The bare upsert erases what only wallets got: the ledger says so."""
    stage.run(
        "insert into ledgertransaction "
        "(id, tx_id, tenant_id, player_id, type, direction, amount, status, provider, provider_event_id) "
        "select id, id, tenant_id, id, 'deposit', 'credit', 5, 'deposit_captured', 'psp', id from player limit 3"
    )
    stage.run("update walletbalance set balance_real_available = 1005 where player_id in (select id from ledgertransaction)")
    assert stage.run(DRIFT) == [(0,)]
    assert stage.run(LOST) == [(0, 0.0)]
    stage.run(BARE_UPSERT)
    assert stage.run(DRIFT) == [(3,)]
    assert stage.run(LOST) == [(3, 15.0)]


@pytest.mark.postgres
def test_a_spoilt_tenant_is_planned_and_forced_whole(stage):
    stage.spoil("100 %")
    stage.run("delete from walletbalance where player_id = (select min(id) from player)")
    assert stage.run(BARE_DIFF) == [(PLAYERS,)]
    pace = fixed_pace(100)
    outcome = force(pace, plan(pace))
    assert (outcome.applied, outcome.drifted) == (PLAYERS, 0)
    assert stage.run(BARE_DIFF) == [(0,)]


def test_a_goal_is_met_at_its_bound():
    assert Goal.at_least("speed", 0.8, 0.8).is_met
    assert not Goal.at_least("speed", 0.799, 0.8).is_met
    assert Goal.at_most("drift", 0, 0).is_met
    assert not Goal.at_most("drift", 1, 0).is_met


def test_percentile_is_the_nearest_rank():
    waits = [each / 1000 for each in range(1, 101)]
    assert percentile(waits, 0.5) == pytest.approx(50)
    assert percentile(waits, 1) == pytest.approx(100)
