"""The guard says so itself when it sees nothing."""

from datetime import timedelta

import pytest
from health_worlds import LENGTH, NOON, audited, window, world_at
from tests.triggers import T1, T2, T3

from ledger_guard.domain.audit import AuditEvent
from ledger_guard.domain.signals import SensedWindow, WindowState
from ledger_guard.use_cases.health_check.watch import watch, watch_and_tell

SECOND = timedelta(seconds=1)
TRIGGERS = (T1, T2, T3)


def seeing_world(states=("complete", "complete"), judged_ago=timedelta(0)):
    """Every trigger has these sensed windows up to noon and was judged through noon."""
    world = world_at(NOON)
    with world.deps.state.transaction() as state:
        for trigger in TRIGGERS:
            windows = [window(number - len(states)) for number in range(len(states))]
            sensed = [
                SensedWindow(trigger, each, WindowState(word), "" if word == "complete" else "source away", NOON)
                for each, word in zip(windows, states, strict=True)
            ]
            state.readings.record(sensed, [])
            state.verdicts.save_engine_state(trigger, NOON, NOON - judged_ago, b"")
    return world


def test_a_guard_that_sees_says_nothing():
    assert watch(seeing_world().deps) == []


def test_a_guard_that_has_done_nothing_yet_does_not_complain_of_itself():
    assert watch(world_at().deps) == []


def begun_world():
    """A guard that has done something, and judged nothing yet."""
    world = world_at()
    with world.deps.state.transaction() as state:
        state.audit.append(AuditEvent("sense", "ledger_guard", "trigger:T1", {}, NOON))
    return world


def test_a_trigger_that_was_never_judged_is_named_once_the_guard_has_begun():
    world = begun_world()
    assert watch(world.deps) == [f"{trigger.value}: no verdict has been produced yet." for trigger in TRIGGERS]


@pytest.mark.parametrize(
    ("ago", "speaks"),
    [
        pytest.param(2 * LENGTH, False, id="two windows"),
        pytest.param(2 * LENGTH + SECOND, True, id="more than two windows"),
    ],
)
def test_more_than_two_windows_without_a_verdict_are_said(ago, speaks):
    found = watch(seeing_world(judged_ago=ago).deps)
    assert bool(found) is speaks
    assert all("no verdict has been produced since" in sentence for sentence in found)


@pytest.mark.parametrize(
    ("states", "speaks"),
    [
        pytest.param(("complete", "no_data"), False, id="one unreadable window"),
        pytest.param(("no_data", "no_data"), True, id="two in a row"),
        pytest.param(("no_data", "complete"), False, id="it sees again"),
        pytest.param(("no_data",), False, id="only one window was ever sensed"),
    ],
)
def test_two_unreadable_windows_in_a_row_make_the_guard_blind(states, speaks):
    found = watch(seeing_world(states).deps)
    assert bool(found) is speaks
    assert all("the guard is blind" in sentence and "source away" in sentence for sentence in found)


def test_verdicts_that_lag_behind_are_said_though_they_are_fresh():
    world = seeing_world()
    world.clock.advance(timedelta(hours=1))
    with world.deps.state.transaction() as state:
        for trigger in TRIGGERS:
            state.verdicts.save_engine_state(trigger, NOON, world.clock.now(), b"")
    assert watch(world.deps)[0] == "T1: the verdicts reach only to 2026-03-01T12:00:00Z; the clock says 2026-03-01T13:00:00Z."


def test_people_are_told_once_an_hour_and_it_is_on_record():
    world = begun_world()
    for expected, wait in ((1, timedelta(minutes=59)), (1, timedelta(minutes=2)), (2, timedelta(0))):
        assert len(watch_and_tell(world.deps)) == 3
        assert len(world.notifier.posted) == expected
        world.wall_clock.advance(wait)
    assert ("watch", "guard") in audited(world)


def test_a_new_guard_alert_is_told_at_once():
    world = begun_world()
    with world.deps.state.transaction() as state:
        for trigger in (T1, T2):
            state.verdicts.save_engine_state(trigger, NOON, NOON, b"")
    watch_and_tell(world.deps)
    world.clock.advance(timedelta(hours=2))
    watch_and_tell(world.deps)
    assert len(world.notifier.posted) == 2


def test_a_guard_that_sees_tells_nobody():
    world = seeing_world()
    assert watch_and_tell(world.deps) == []
    assert (list(world.notifier.posted), audited(world)) == ([], [])
