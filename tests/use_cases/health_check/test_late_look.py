"""Rows of a query or a metrics server that come after their window was settled are found and told, though in no reading."""

from collections import Counter
from datetime import timedelta

import pytest
from health_worlds import LENGTH, NOON, deliver, reading, window
from test_stuck_sources import moving, policy
from tests.triggers import T1

from ledger_guard.adapters.memory.dependencies import memory_world
from ledger_guard.use_cases.approvals.held_up import tell_held_up
from ledger_guard.use_cases.health_check.late_look import looked_at_again
from ledger_guard.use_cases.health_check.sense import sense

HOUR = timedelta(hours=1)


@pytest.mark.parametrize("lateness", [LENGTH, HOUR, 2 * HOUR, 5 * HOUR], ids=str)
def test_every_window_has_its_one_turn_when_it_is_settled_and_within_so_many_times_the_lateness(lateness):
    turns, ages = Counter(), []
    for number in range(3000):
        turn = looked_at_again(window(number), lateness)
        turns[turn.start] += 1
        ages.append((window(number).end - turn.end) // LENGTH)
    middle = [turns[window(number).start] for number in range(1000)]
    assert set(middle) == {1}
    assert min(ages) > lateness // LENGTH
    assert max(ages) <= 23 * (lateness // LENGTH + 1) + 1


def a_day_with(late_by, **options):
    """Windows 5 to 9 get 25 requests more when so many windows have closed since; people are told as checks find it."""
    world = memory_world(policy(**options), NOON)
    for number in range(24 * 12):
        deliver(world, T1, range(number, number + 1), moving(number))
        if number == 10 + late_by:
            world.signals.deliver(reading(T1, "a", old, 1, 85 + old % 7) for old in range(5, 10))
        world.clock.advance(window(number + 1).start - world.clock.now())
        sense(world.deps, T1)
        tell_held_up(world.deps)
    return world


def test_late_rows_are_told_once_and_change_no_reading():
    world = a_day_with(13)
    (posted,) = world.notifier.posted
    assert posted.notice.title == "watch · T1 · too_late"
    assert "25 more than when it was settled: rows come later than they are waited for" in posted.notice.summary
    with world.deps.state.transaction() as state:
        assert [each.exposure for each in state.readings.readings(T1, window(5).start, window(6).start)] == [65, 40]


def test_rows_within_the_lateness_are_in_the_readings_and_nobody_is_told():
    world = a_day_with(1)
    assert list(world.notifier.posted) == []
    with world.deps.state.transaction() as state:
        assert [each.exposure for each in state.readings.readings(T1, window(5).start, window(6).start)] == [90, 40]


def test_the_access_logs_late_lines_are_counted_when_they_come_and_not_looked_for():
    from health_worlds import POLICY

    assert list(a_day_with(13, source=POLICY.triggers[T1].source).notifier.posted) == []
