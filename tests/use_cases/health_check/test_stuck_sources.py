"""A source whose numbers repeat themselves for every tenant is stuck: its windows have no data."""

import pytest
from health_worlds import LENGTH, POLICY, deliver, window
from tests.triggers import T1

from ledger_guard.adapters.memory.dependencies import memory_world
from ledger_guard.domain.incident_lifecycle import Change
from ledger_guard.policy.sources import SqlQuery
from ledger_guard.use_cases.health_check.classify import classify
from ledger_guard.use_cases.health_check.sense import sense

SQL = SqlQuery.model_validate(
    {"kind": "sql", "connection": "metrics_db", "times": "utc", "query": "select :start as window_start, :end as events"}
)
STUCK = {"a": (1, 60), "b": (0, 40)}


def policy(source=SQL, **sensing):
    triggers = {**POLICY.triggers, T1: POLICY.triggers[T1].model_copy(update={"source": source})}
    return POLICY.model_copy(update={"triggers": triggers, "sensing": POLICY.sensing.model_copy(update=sensing)})


def moving(number):
    return {"a": (1, 60 + number % 7), "b": (0, 40 - number % 5)}


def world_of(moved=12, **options):
    """A guard whose source counted as it should for some windows."""
    world = memory_world(policy(**options), window(moved).start)
    for number in range(moved):
        deliver(world, T1, range(number, number + 1), moving(number))
    sense(world.deps, T1)
    return world


def next_window(world, number, rates):
    deliver(world, T1, range(number, number + 1), rates)
    world.clock.advance(window(number + 1).start - world.clock.now())
    return sense(world.deps, T1).no_data


@pytest.mark.parametrize("enough", [4, 6])
def test_it_has_no_data_from_the_policys_window_on_and_sees_again_when_numbers_move(enough):
    world = world_of(stuck_after_windows=enough)
    found = [next_window(world, 12 + number, STUCK) for number in range(8)]
    assert found == [0] * (enough - 1) + [1] * (9 - enough)
    assert next_window(world, 20, moving(20)) == 0


def test_the_guard_is_blind_and_says_why():
    world = world_of()
    for number in range(12, 20):
        next_window(world, number, STUCK)
        outcome = classify(world.deps, T1)
    assert outcome.change is Change.BLIND
    with world.deps.state.transaction() as state:
        reason = state.readings.windows(T1, window(19).start, window(20).start)[0].reason
    assert reason == "the same numbers for all 2 tenants in 6 windows in a row or more: what counts them seems stuck"


def test_it_is_still_stuck_after_a_day():
    world = world_of()
    for number in range(12, 18):
        next_window(world, number, STUCK)
    for number in range(18, 18 + 350):
        deliver(world, T1, range(number, number + 1), STUCK)
    world.clock.advance(window(368).start - world.clock.now())
    assert sense(world.deps, T1).no_data == 350
    assert next_window(world, 368, STUCK) == 1


@pytest.mark.parametrize(
    "options",
    [{"stuck_after_windows": None}, {"source": POLICY.triggers[T1].source}],
    ids=["the policy says that all traffic is made by a machine", "requests that the guard counts itself"],
)
def test_it_is_not_judged(options):
    world = world_of(**options)
    assert [next_window(world, number, STUCK) for number in range(12, 30)] == [0] * 18


def test_quiet_tenants_may_repeat_themselves():
    world = world_of()
    assert [next_window(world, number, {"a": (0, 1)}) for number in range(12, 24)] == [0] * 12


def test_a_catch_up_finds_it_too():
    world = world_of()
    deliver(world, T1, range(12, 40), STUCK)
    world.clock.advance(28 * LENGTH)
    assert sense(world.deps, T1).no_data == 28 - 5


def test_one_tenant_that_moves_is_enough():
    world = world_of()
    found = [next_window(world, number, {**STUCK, "c": (0, number)}) for number in range(12, 24)]
    assert found == [0] * 12
