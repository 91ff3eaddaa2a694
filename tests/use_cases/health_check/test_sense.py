"""When a window is sensed, and when its source is admitted to say nothing."""

from dataclasses import replace
from datetime import timedelta

import pytest
from health_worlds import LENGTH, NOON, POLICY, audited, deliver, reading, window, world_at
from tests.triggers import T1, T2, T3

from ledger_guard.adapters.memory.signals import InMemorySignalSource
from ledger_guard.domain.access_events import AccessEvent
from ledger_guard.domain.comparisons import ComparedBalances, LastComparison
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.signals import Trigger, WindowState
from ledger_guard.domain.windows import Window
from ledger_guard.use_cases.health_check.sense import NO_PAST, is_ready, sense

SECOND = timedelta(seconds=1)
RATE = {"a": (1, 30), "b": (0, 20)}
#: lateness and give-up of the shipped policy
LATENESS, PATIENCE = timedelta(seconds=60), timedelta(seconds=660)


def at(world, now):
    world.clock.advance(now - world.clock.now())


def stored(world, trigger=T1):
    with world.deps.state.transaction() as state:
        windows = state.readings.windows(trigger, NOON - timedelta(days=30), NOON + timedelta(days=30))
        return [((sensed.window.start - NOON) // LENGTH, sensed.state.value, sensed.reason) for sensed in windows]


def states(world, trigger=T1):
    return {number: state for number, state, _ in stored(world, trigger)}


def sensed_world(through=6):
    """Windows 0 … through-1 are delivered, complete and sensed; the clock stands at the end of the last."""
    world = world_at(window(through).start)
    deliver(world, T1, range(through), RATE)
    sense(world.deps, T1)
    return world


def test_the_first_run_loads_what_the_source_has_and_not_what_was_before_it():
    world = sensed_world(6)
    assert states(world) == dict.fromkeys(range(6), "complete")


def test_the_first_run_goes_no_further_back_than_the_policys_history():
    world = world_at(NOON)
    deliver(world, T1, range(-15 * 288, 0), {"a": (0, 30)})
    outcome = sense(world.deps, T1)
    assert outcome.windows == 14 * 288 + 1
    assert stored(world)[0][0] == -14 * 288 - 1


def test_the_next_run_loads_the_windows_since_the_last_one():
    world = sensed_world(6)
    deliver(world, T1, range(6, 8), RATE)
    at(world, window(8).start + SECOND)
    outcome = sense(world.deps, T1)
    assert (outcome.windows, outcome.no_data, outcome.revised, outcome.sensed_through) == (2, 0, 0, window(7).end)


def test_running_it_again_changes_nothing():
    world = sensed_world(6)
    before, entries = stored(world), audited(world)
    outcome = sense(world.deps, T1)
    assert (outcome.windows, outcome.revised) == (0, 0)
    assert (stored(world), audited(world)) == (before, entries)


def test_late_data_revises_a_window_of_the_last_hour_and_leaves_older_ones():
    world = sensed_world(20)
    world.signals.deliver([reading(T1, "a", 19, 9, 40), reading(T1, "a", 3, 9, 40)])
    assert sense(world.deps, T1).revised == 1
    with world.deps.state.transaction() as state:
        found = {each.window: each.events for each in state.readings.readings(T1, NOON, window(20).end) if each.tenant_id == "a"}
    assert (found[window(19)], found[window(3)]) == (9, 1)


@pytest.mark.parametrize(
    ("number", "revised"),
    [pytest.param(8, 1, id="an hour before the last look"), pytest.param(7, 0, id="older")],
)
def test_what_came_late_while_no_one_looked_is_found_by_the_next_look(number, revised):
    world = sensed_world(20)
    deliver(world, T1, range(20, 60), RATE)
    world.signals.deliver([reading(T1, "a", number, 9, 40)])
    at(world, window(60).start)
    assert sense(world.deps, T1).revised == revised


def test_a_window_whose_source_is_behind_is_left_for_later_until_the_guard_gives_up_on_it():
    world = sensed_world(6)
    at(world, window(6).end + PATIENCE - SECOND)
    assert sense(world.deps, T1).windows == 0
    at(world, window(6).end + PATIENCE)
    outcome = sense(world.deps, T1)
    assert (outcome.windows, outcome.no_data) == (1, 1)
    assert stored(world)[-1] == (6, "no_data", "the source is complete only through 2026-03-01T12:30:00Z")


def test_a_window_that_was_given_up_becomes_complete_when_its_data_comes_within_the_hour():
    world = sensed_world(6)
    at(world, window(6).end + PATIENCE)
    sense(world.deps, T1)
    deliver(world, T1, range(6, 8), RATE)
    outcome = sense(world.deps, T1)
    assert (outcome.windows, outcome.revised, states(world)[6]) == (1, 1, "complete")


def test_a_source_that_is_away_gives_no_data_once_its_windows_are_given_up():
    world = sensed_world(6)
    world.signals.go_away("database ledger: connection refused")
    at(world, window(7).end + PATIENCE)
    outcome = sense(world.deps, T1)
    assert (outcome.windows, outcome.no_data) == (2, 2)
    assert stored(world)[-1] == (7, "no_data", "database ledger: connection refused")


def test_a_source_that_never_answered_stores_nothing_so_that_its_history_can_still_be_loaded():
    world = world_at(window(6).start)
    deliver(world, T1, range(6), RATE)
    world.signals.go_away("not there yet")
    assert sense(world.deps, T1).sensed_through is None
    world.signals.come_back()
    assert sense(world.deps, T1).windows == 6


def test_a_source_that_never_delivered_stores_nothing():
    world = world_at(window(6).start)
    assert (sense(world.deps, T1).windows, stored(world), audited(world)) == (0, [], [])


def test_a_complete_window_without_any_row_is_no_data_when_the_fleet_is_usually_busy():
    world = sensed_world(6)
    world.signals.complete(T1, window(8).end)
    at(world, window(9).start)
    assert sense(world.deps, T1).no_data == 3
    assert "data are missing" in stored(world)[-1][2]


def test_a_complete_window_without_any_row_is_quiet_when_the_fleet_is_usually_slow():
    world = world_at(window(6).start)
    deliver(world, T1, range(6), {"a": (0, 3)})
    sense(world.deps, T1)
    world.signals.complete(T1, window(6).end)
    at(world, window(7).start)
    assert sense(world.deps, T1).no_data == 0
    assert states(world)[6] == "complete"


def test_failures_that_can_not_be_classified_make_their_window_no_data():
    world = sensed_world(6)
    deliver(world, T1, range(6, 8), RATE)
    path = "/api/v1/player/wallet/withdraw"
    unclear = AccessEvent("e1", window(7).start, "a", None, "POST", path, None, 400, None, error_code_is_known=False)
    world.signals.receive(world.deps.policy, [unclear])
    at(world, window(8).start)
    outcome = sense(world.deps, T1)
    assert (outcome.windows, outcome.no_data) == (2, 1)
    assert states(world)[7] == "no_data"
    assert "error code" in stored(world)[-1][2]


def test_triggers_are_sensed_apart():
    world = sensed_world(6)
    assert states(world, T2) == {}


def test_a_comparison_of_balances_begins_with_the_newest_window():
    world = world_at(window(6).start)
    deliver(world, T3, range(6), {"a": (1, 100)})
    assert (sense(world.deps, T3).windows, states(world, T3)) == (1, {5: "complete"})


def test_a_comparison_can_not_be_made_for_windows_that_were_missed():
    world = world_at(window(6).start)
    deliver(world, T3, range(10), {"a": (1, 100)})
    sense(world.deps, T3)
    at(world, window(9).start)
    sense(world.deps, T3)
    assert stored(world, T3) == [(5, "complete", ""), (6, "no_data", NO_PAST), (7, "no_data", NO_PAST), (8, "complete", "")]


class GoingOn(InMemorySignalSource):
    """A comparison that goes on from the one before; it tells which one that was."""

    def __init__(self) -> None:
        super().__init__(POLICY)
        self.asked: list[LastComparison | None] = []

    def compare(self, trigger: Trigger, window: Window, before: LastComparison | None) -> ComparedBalances:
        self.asked.append(before)
        readings = self.readings(trigger, window, window)
        return ComparedBalances(
            readings, LastComparison(window.end, window.end, "words", "here", 9, None, frozenset({("a", "p1")}))
        )


def test_a_comparison_goes_on_from_the_one_that_was_stored_with_its_readings():
    world, signals = world_at(window(6).start), GoingOn()
    deps = replace(world.deps, signals=signals)
    signals.deliver(reading(T3, "a", number, 1, 100) for number in (5, 6))
    sense(deps, T3)
    at(world, window(7).start)
    sense(deps, T3)
    assert [before and before.window_end for before in signals.asked] == [None, window(5).end]
    with deps.state.transaction() as state:
        left = state.comparisons.last(T3)
    assert left is not None
    assert (left.window_end, left.mismatched) == (window(6).end, {("a", "p1")})


def test_what_a_comparison_leaves_is_stored_with_its_readings_or_not_at_all():
    world, signals = world_at(window(6).start), GoingOn()
    deps = replace(world.deps, signals=signals)
    signals.deliver([reading(T3, "a", 5, 1, 100)])
    signals.go_away("down")
    sense(deps, T3)
    with deps.state.transaction() as state:
        assert state.comparisons.last(T3) is None


def test_a_comparison_is_not_made_twice_for_one_window():
    world = world_at(window(6).start)
    deliver(world, T3, range(6), {"a": (1, 100)})
    sense(world.deps, T3)
    deliver(world, T3, range(6), {"a": (50, 100)})
    assert sense(world.deps, T3).windows == 0
    with world.deps.state.transaction() as state:
        assert [found.events for found in state.readings.readings(T3, NOON, window(6).end)] == [1]


def test_a_comparison_without_any_player_is_no_data():
    world = world_at(window(6).start)
    assert sense(world.deps, T3).no_data == 1
    assert stored(world, T3) == [(5, "no_data", "the comparison found no players")]


def test_a_clock_that_runs_behind_what_is_stored_is_refused():
    world = sensed_world(6)
    at(world, window(6).start - LENGTH - SECOND)
    with pytest.raises(BadInputError, match="the clock says"):
        sense(world.deps, T1)


def test_what_was_sensed_is_on_record():
    assert set(audited(sensed_world(6))) == {("sense", "trigger:T1")}


def test_no_data_is_recorded_as_a_state_and_never_as_readings():
    world = sensed_world(6)
    at(world, window(6).end + PATIENCE)
    sense(world.deps, T1)
    with world.deps.state.transaction() as state:
        (newest,) = state.readings.windows(T1, window(6).start, window(6).end)
        assert newest.state is WindowState.NO_DATA
        assert state.readings.readings(T1, window(6).start, window(6).end) == []


class TestIsReady:
    """The sensor's question."""

    @pytest.mark.parametrize(
        ("complete_through", "ready"),
        [
            pytest.param(window(6).end - SECOND, False, id="a second short"),
            pytest.param(window(6).end, True, id="up to the window's end"),
            pytest.param(window(6).end + SECOND, True, id="beyond"),
        ],
    )
    def test_the_newest_closed_window_is_waited_for_until_it_is_complete(self, complete_through, ready):
        world = sensed_world(6)
        world.signals.complete(T1, complete_through)
        at(world, window(6).end + 2 * SECOND)
        assert is_ready(world.deps, T1) is ready

    def test_nothing_is_waited_for_when_the_newest_closed_window_is_stored(self):
        assert is_ready(sensed_world(6).deps, T1)

    @pytest.mark.parametrize(
        ("past", "ready"), [pytest.param(PATIENCE - SECOND, False, id="below"), pytest.param(PATIENCE, True, id="at")]
    )
    def test_a_window_that_stays_incomplete_is_given_up(self, past, ready):
        world = sensed_world(6)
        at(world, window(6).end + past)
        assert is_ready(world.deps, T1) is ready

    @pytest.mark.parametrize(
        ("past", "ready"), [pytest.param(PATIENCE - SECOND, False, id="below"), pytest.param(PATIENCE, True, id="at")]
    )
    def test_a_source_that_is_away_is_given_up(self, past, ready):
        world = sensed_world(6)
        world.signals.go_away("away")
        at(world, window(6).end + past)
        assert is_ready(world.deps, T1) is ready

    def test_an_older_window_is_not_held_up_by_the_newest_beyond_its_lateness(self):
        world = sensed_world(6)
        world.signals.complete(T1, window(6).end)
        at(world, window(7).end + LATENESS - SECOND)
        assert not is_ready(world.deps, T1)
        at(world, window(7).end + LATENESS)
        assert is_ready(world.deps, T1)

    def test_the_first_run_waits_for_a_source_that_is_about_to_be_complete(self):
        world = world_at(window(6).start + SECOND)
        deliver(world, T1, range(5), RATE)
        assert not is_ready(world.deps, T1)

    def test_the_first_run_does_not_wait_for_a_source_that_is_away_never_delivered_or_is_far_behind(self):
        world = world_at(window(600).start)
        assert is_ready(world.deps, T1)
        world.signals.go_away("away")
        assert is_ready(world.deps, T1)
        world.signals.come_back()
        deliver(world, T1, range(5), RATE)
        assert is_ready(world.deps, T1)
