"""Many windows are read and stored some at a time, and what is wrong with some of them takes the data from no other."""

from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from health_worlds import LENGTH, NOON, audited, deliver, reading, window, world_at
from tests.triggers import T1, T3

from ledger_guard.domain.errors import SourceUnavailable, UnusableAnswer
from ledger_guard.domain.windows import Window
from ledger_guard.use_cases.approvals.held_up import tell_held_up
from ledger_guard.use_cases.health_check.sense import is_ready, sense
from ledger_guard.use_cases.health_check.source_steps import MOST_UNUSABLE, WINDOWS_AT_ONCE, steps_of

RATE = {"a": (1, 30), "b": (0, 20)}
DAY = 288


class Watched:
    """A source that notes what it is asked for; some windows give rows that can't be used, or it goes away."""

    def __init__(self, source, *, wrong=(), away_after=10**9):
        self._source, self._wrong, self._left = source, {window(number).start for number in wrong}, away_after
        self.asked = []

    def complete_through(self, trigger):
        return self._source.complete_through(trigger)

    def readings(self, trigger, first, last):
        self.asked.append((last.end - first.start) // LENGTH)
        if self._left <= 0:
            raise SourceUnavailable("database metrics: connection refused")
        self._left -= 1
        for start in sorted(self._wrong):
            if first.start <= start < last.end:
                raise UnusableAnswer(f"window {start:%H:%M}, tenant a: comes twice")
        return self._source.readings(trigger, first, last)

    def unmeasurable(self, trigger, first, last):
        return self._source.unmeasurable(trigger, first, last)


def watched(world, **options):
    source = Watched(world.signals, **options)
    return replace(world, deps=replace(world.deps, signals=source)), source


def stopped_for(windows, **options):
    """A guard that sensed six windows and was then stopped for some; everything came meanwhile."""
    world = world_at(window(6).start)
    deliver(world, T1, range(6), RATE)
    sense(world.deps, T1)
    deliver(world, T1, range(6, 6 + windows), RATE)
    world.clock.advance(window(6 + windows).start - world.clock.now())
    return watched(world, **options)


def stored(world, trigger=T1):
    with world.deps.state.transaction() as state:
        windows = state.readings.windows(trigger, NOON - timedelta(days=30), NOON + timedelta(days=30))
    return {(each.window.start - NOON) // LENGTH: (each.state.value, each.reason) for each in windows}


def test_after_a_day_without_the_guard_no_statement_reads_more_than_two_hours():
    world, source = stopped_for(DAY)
    assert sense(world.deps, T1).windows == DAY
    assert max(source.asked) == WINDOWS_AT_ONCE
    assert sum(source.asked) == 6 + DAY
    assert set(stored(world).values()) == {("complete", "")}


@pytest.mark.parametrize(("windows", "steps"), [(18, 1), (19, 2)], ids=["at", "above"])
def test_two_hours_are_one_step(windows, steps):
    """The last six are read again for late data."""
    world, source = stopped_for(windows)
    sense(world.deps, T1)
    assert len(source.asked) == steps


def test_steps_bridge_no_gap():
    windows = [window(number) for number in (0, 1, 5, 6, 7)]
    assert [[(each.start - NOON) // LENGTH for each in step] for step in steps_of(windows)] == [[0, 1], [5, 6, 7]]
    assert list(steps_of([])) == []


class Killed(Exception):
    """As a task that is killed."""


def test_a_killed_catch_up_keeps_its_steps_and_goes_on_behind_the_last():
    world, source = stopped_for(DAY)
    left = 9

    @contextmanager
    def sometimes_killed():
        nonlocal left
        with type(world.state).transaction(world.state) as transaction:
            yield transaction
            left -= 1
            if left == 0:
                raise Killed

    killed = replace(world.deps, state=type("Killing", (), {"transaction": staticmethod(sometimes_killed)})())
    with pytest.raises(Killed):
        sense(killed, T1)
    kept = len(stored(world))
    assert 6 < kept < 6 + DAY
    source.asked.clear()
    assert sense(world.deps, T1).windows == 6 + DAY - kept
    assert sum(source.asked) < DAY
    assert stored(world) == dict.fromkeys(range(6 + DAY), ("complete", ""))


def test_the_first_history_is_stored_in_steps_from_where_the_source_began():
    world = world_at(window(DAY).start)
    deliver(world, T1, range(100, DAY), RATE)
    seen, source = watched(world)
    assert sense(seen.deps, T1).windows == DAY - 100
    assert max(source.asked) == WINDOWS_AT_ONCE
    assert list(stored(world)) == list(range(100, DAY))


def test_a_first_history_without_any_row_is_no_data_at_its_newest_window_alone():
    world = world_at(window(DAY).start)
    world.signals.complete(T1, window(DAY).start)
    assert (sense(world.deps, T1).no_data, list(stored(world))) == (1, [DAY - 1])


def test_each_step_is_on_record():
    world, source = stopped_for(DAY)
    before = len(audited(world))
    sense(world.deps, T1)
    assert len(audited(world)) - before == len(source.asked)


def test_rows_that_can_not_be_used_take_the_data_from_their_own_window_alone():
    world, _ = stopped_for(40, wrong=[10, 30])
    outcome = sense(world.deps, T1)
    assert (outcome.windows, outcome.no_data) == (40, 2)
    assert {number: why for number, (word, why) in stored(world).items() if word == "no_data"} == {
        10: "window 12:50, tenant a: comes twice",
        30: "window 14:30, tenant a: comes twice",
    }


def test_a_wrong_row_of_the_newest_window_does_not_stop_the_next_one():
    world, _ = stopped_for(1, wrong=[6])
    assert sense(world.deps, T1).no_data == 1
    deliver(world, T1, range(7, 8), RATE)
    world.clock.advance(LENGTH)
    outcome = sense(world.deps, T1)
    assert (outcome.windows, outcome.no_data) == (1, 0)
    mended, _ = watched(world)
    assert sense(mended.deps, T1).revised == 1


def test_a_query_that_is_wrong_as_a_whole_is_not_tried_for_every_window():
    world, source = stopped_for(DAY, wrong=range(6 + DAY))
    assert sense(world.deps, T1).no_data == DAY
    # each later step is tried once more: it may be another query by then
    assert len(source.asked) == MOST_UNUSABLE + len(list(steps_of([window(number) for number in range(6 + DAY)]))) - 1
    assert stored(world)[293] == ("no_data", "window 12:00, tenant a: comes twice")


def test_a_source_that_goes_away_in_the_middle_is_not_asked_for_every_step():
    world, source = stopped_for(DAY, away_after=2)
    outcome = sense(world.deps, T1)
    assert len(source.asked) == 3
    # the last three may still come
    assert outcome.windows == DAY - 3
    assert stored(world)[100] == ("no_data", "database metrics: connection refused")
    assert stored(world)[20] == ("complete", "")


def test_a_comparison_of_balances_is_no_data_for_the_past_in_steps():
    world = world_at(window(6).start)
    world.signals.deliver([reading(T3, "a", 5, 0, 100)])
    world.signals.complete(T3, window(6).start)
    sense(world.deps, T3)
    world.clock.advance(DAY * LENGTH)
    world.signals.deliver([reading(T3, "a", 5 + DAY, 0, 100)])
    outcome = sense(world.deps, T3)
    assert (outcome.windows, outcome.no_data) == (DAY, DAY - 1)


@pytest.mark.parametrize(
    "ahead",
    [timedelta(minutes=3), timedelta(days=400), datetime.max.replace(tzinfo=timezone.utc) - NOON],
    ids=["minutes", "a year", "the year 9999"],
)
def test_a_source_that_says_it_is_complete_beyond_now_is_complete_now(ahead):
    world = world_at(window(6).start)
    deliver(world, T1, range(6), RATE)
    world.signals.complete(T1, NOON + ahead if ahead > timedelta(days=1) else world.clock.now() + ahead)
    assert is_ready(world.deps, T1)
    sense(world.deps, T1)
    assert max(stored(world)) == 5


@pytest.mark.parametrize(("ahead", "is_told"), [(60, False), (61, True)], ids=["the policy's skew", "above"])
def test_people_are_told_of_a_source_that_is_ahead_of_the_clock(ahead, is_told):
    world = world_at(window(6).start)
    deliver(world, T1, range(6), RATE)
    world.signals.complete(T1, world.clock.now() + timedelta(seconds=ahead))
    sense(world.deps, T1)
    assert bool(tell_held_up(world.deps)) is is_told
    assert [posted.notice.title for posted in world.notifier.posted] == ["watch · T1 · future"] * is_told


@pytest.mark.parametrize(
    "night",
    [datetime(2026, 3, 29, tzinfo=timezone.utc), datetime(2026, 10, 25, tzinfo=timezone.utc)],
    ids=["an hour is left out", "an hour comes twice"],
)
def test_the_nights_in_which_clocks_change_have_their_288_windows_each_once(night):
    """Berlin's clocks change at 01:00 UTC: windows are of UTC, whatever people's clocks say."""
    world = world_at(night)
    grid = [Window(night + number * LENGTH, LENGTH) for number in range(DAY)]
    world.signals.deliver([replace(reading(T1, "a", 0, 0, 10), window=each) for each in grid])
    world.signals.complete(T1, grid[-1].end)
    world.clock.advance(timedelta(days=1))
    assert sense(world.deps, T1).windows == DAY
    with world.deps.state.transaction() as state:
        found = state.readings.windows(T1, night, night + timedelta(days=1))
    assert [each.window for each in found] == grid
