"""A task's failure is told once for each try, an ending does not repeat it, and a run that ends well after all says so."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from ledger_guard.adapters.memory.dependencies import memory_world
from ledger_guard.domain.errors import NotificationFailed, SourceUnavailable
from ledger_guard.domain.notices import Notice
from ledger_guard.domain.runs import StartedRun
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.notify.task_failures import correct, tell_ending_once, tell_once

RUN = StartedRun("tenant_backfill", "manual__1", "oncall", is_started_by_run=False, conf={})
ANOTHER = replace(RUN, run_id="manual__2")
STOPPED, ENDED = Notice("force · failed", "stopped"), Notice("close · failed", "stopped")
WELL = Notice("close · ended well", "ok")


@pytest.fixture
def world():
    return memory_world(load_policy(), datetime(2026, 3, 1, tzinfo=timezone.utc))


def posted(world) -> list[str]:
    return [each.notice.title for each in world.notifier.posted]


def test_a_try_is_told_once_however_often_airflow_calls(world):
    assert [tell_once(world.deps, RUN, ("force", 1), STOPPED) for _ in range(3)] == [True, False, False]
    assert posted(world) == ["force · failed"]


def test_each_try_each_task_and_each_run_is_told_for_itself(world):
    for run, task in [(RUN, ("force", 1)), (RUN, ("force", 2)), (RUN, ("verify", 1)), (ANOTHER, ("force", 1))]:
        assert tell_once(world.deps, run, task, STOPPED)
    assert len(posted(world)) == 4


def test_what_an_earlier_try_says_late_is_not_told(world):
    tell_once(world.deps, RUN, ("force", 2), STOPPED)
    assert not tell_once(world.deps, RUN, ("force", 1), STOPPED)


def test_the_end_of_a_run_does_not_repeat_a_failure_that_was_told(world):
    tell_once(world.deps, RUN, ("force", 4), STOPPED)
    assert not tell_ending_once(world.deps, RUN, ("close", 1), ENDED)
    assert posted(world) == ["force · failed"]


def test_the_end_is_told_where_nobody_heard_of_the_failure(world):
    assert tell_ending_once(world.deps, RUN, ("close", 1), ENDED)
    assert posted(world) == ["close · failed"]


def test_the_end_is_told_where_people_heard_only_that_it_goes_on(world):
    """A killed process whose retries are used up fails without any call."""
    tell_once(world.deps, RUN, ("force", 1), STOPPED, goes_on=True)
    assert tell_ending_once(world.deps, RUN, ("close", 1), ENDED)


def test_the_end_of_a_cleared_run_that_fails_in_its_own_way_is_told(world):
    tell_once(world.deps, RUN, ("force", 4), STOPPED)
    tell_ending_once(world.deps, RUN, ("close", 1), ENDED)
    for number in (2, 3):
        assert tell_ending_once(world.deps, RUN, ("close", number), ENDED)


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_run_that_ends_well_after_all_corrects_what_people_heard_and_only_once(world, goes_on):
    tell_once(world.deps, RUN, ("force", 1), STOPPED, goes_on=goes_on)
    tell_ending_once(world.deps, RUN, ("close", 1), ENDED)
    assert [correct(world.deps, RUN, WELL) for _ in range(2)] == [True, False]
    assert posted(world)[-1] == "close · ended well"


def test_a_run_of_which_nobody_heard_anything_needs_no_correction(world):
    tell_once(world.deps, ANOTHER, ("force", 1), STOPPED)
    assert not correct(world.deps, RUN, WELL)
    assert posted(world) == ["force · failed"]


def test_what_a_channel_that_was_down_did_not_post_is_told_by_the_next_call_or_the_end(world):
    world.notifier.break_down("rate limited")
    with pytest.raises(NotificationFailed):
        tell_once(world.deps, RUN, ("force", 1), STOPPED)
    world.notifier.recover()
    assert tell_ending_once(world.deps, RUN, ("close", 1), ENDED)
    assert tell_once(world.deps, RUN, ("force", 1), STOPPED)


def test_without_guard_state_people_are_told_rather_twice_than_never(world):
    class Away:
        @contextmanager
        def transaction(self):
            raise SourceUnavailable("guard state is away")
            yield

    away = replace(world.deps, state=Away())
    for tell in (tell_once, tell_ending_once):
        with pytest.raises(SourceUnavailable):
            tell(away, RUN, ("force", 1), STOPPED)
    assert posted(world) == ["force · failed", "force · failed"]


class Killed(BaseException):
    """The end of the process."""


class Kills:
    """A channel during whose post the process is killed."""

    def post(self, notice, thread):
        raise Killed


def killed_in_its_post(world, *, goes_on=False) -> None:
    with pytest.raises(Killed):
        tell_once(replace(world.deps, notifier=Kills()), RUN, ("force", 4), STOPPED, goes_on=goes_on)


def test_a_failure_whose_notice_died_with_its_process_is_told_by_the_end(world):
    killed_in_its_post(world)
    assert tell_ending_once(world.deps, RUN, ("close", 1), ENDED)
    assert posted(world) == ["close · failed"]


@pytest.mark.parametrize(("seconds", "is_told"), [(59, False), (60, True)])
def test_the_next_call_tells_it_once_the_post_can_not_be_under_way_any_more(world, seconds, is_told):
    """Two processes may be called for one try at the same moment."""
    killed_in_its_post(world)
    world.wall_clock.advance(timedelta(seconds=seconds))
    assert tell_once(world.deps, RUN, ("force", 4), STOPPED) is is_told
    assert not tell_once(world.deps, RUN, ("force", 4), STOPPED)
    assert tell_ending_once(world.deps, RUN, ("close", 1), ENDED) is not is_told


def test_a_kill_in_the_notice_of_one_task_makes_nothing_of_another_told_twice(world):
    killed_in_its_post(world, goes_on=True)
    tell_once(world.deps, RUN, ("verify", 1), STOPPED)
    assert not tell_ending_once(world.deps, RUN, ("close", 1), ENDED)
