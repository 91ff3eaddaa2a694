"""Failures of a run's tasks, told to people once, and corrected when the run ends well after all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from ledger_guard.domain.errors import NotificationFailed, SourceUnavailable
from ledger_guard.domain.notices import Notice
from ledger_guard.domain.runs import StartedRun
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.notify.notify import notify

#: the run's note of what was told
_NOTE = "failures_told"
#: keys of the note: the tries that were told, by task; and the task whose failure is told and not yet closed or corrected
_TRIES, _OPEN, _IS_WRONG = "tries", "open", "is_to_be_corrected"
#: and the tasks of which a notice was begun, with when: it stands there until it was posted
_BEGUN = "begun"
#: a post that was begun so long ago is under way no more: its process was killed
UNDER_WAY = timedelta(minutes=1)


def tell_once(deps: Dependencies, run: StartedRun, task: tuple[str, int], notice: Notice, *, goes_on: bool = False) -> bool:
    """Post that a try of a task failed, unless this was told: for a lost worker Airflow calls more than once.

    With `goes_on` it is tried again by itself. Returns whether it was posted. Where guard state does not answer people come
    first. Raises as `notify`.
    """
    return _told_once(deps, run, task, notice, leaves_open="" if goes_on else task[0])


def _told_once(deps: Dependencies, run: StartedRun, task: tuple[str, int], notice: Notice, *, leaves_open: str) -> bool:
    earlier = _marked(deps, run, task, leaves_open)
    if earlier is None:
        return False
    try:
        notify(deps, notice)
    except NotificationFailed:
        # nobody heard of it: the next call, or the run's end, tells
        with deps.state.transaction() as state:
            _keep(deps, state, run, earlier)
        raise
    _posted(deps, run, task[0])
    return True


def _posted(deps: Dependencies, run: StartedRun, task_id: str) -> None:
    with deps.state.transaction() as state:
        state.audit.take_turn()
        told = _told(state.runs.noted(run.dag_id, run.run_id, _NOTE))
        begun = {each: at for each, at in told[_BEGUN].items() if each != task_id}
        _keep(deps, state, run, {**told, _BEGUN: begun})


def tell_ending_once(deps: Dependencies, run: StartedRun, task: tuple[str, int], notice: Notice) -> bool:
    """As `tell_once`, of the task that records how the run ended: not posted where the failure that it reports was told.

    A notice that was begun and is not posted may never be: its process may be gone. Then this one is, rather twice than never.
    """
    try:
        with deps.state.transaction() as state:
            told = _told(state.runs.noted(run.dag_id, run.run_id, _NOTE))
            is_told = bool(told[_OPEN]) and told[_OPEN] not in told[_BEGUN]
            if is_told:
                _keep(deps, state, run, {**told, _OPEN: ""})
    except SourceUnavailable:
        is_told = False
    return False if is_told else _told_once(deps, run, task, notice, leaves_open="")


def correct(deps: Dependencies, run: StartedRun, notice: Notice) -> bool:
    """Post that a run ended well, where people were told of a failure in it; returns whether it was posted."""
    with deps.state.transaction() as state:
        told = _told(state.runs.noted(run.dag_id, run.run_id, _NOTE))
        is_wrong = bool(told[_IS_WRONG])
        if is_wrong:
            _keep(deps, state, run, {**told, _OPEN: "", _IS_WRONG: False})
    if is_wrong:
        notify(deps, notice)
    return is_wrong


def _marked(deps: Dependencies, run: StartedRun, task: tuple[str, int], leaves_open: str) -> dict[str, Any] | None:
    """Note a try as told; returns the note before, None where the try, or a later one, was told already."""
    task_id, try_number = task
    try:
        with deps.state.transaction() as state:
            # two calls for one try may come in two processes at the same moment
            state.audit.take_turn()
            told = _told(state.runs.noted(run.dag_id, run.run_id, _NOTE))
            now, newest = deps.wall_clock.now(), told[_TRIES].get(task_id, 0)
            if newest > try_number or (newest == try_number and not _is_given_up(told[_BEGUN].get(task_id), now)):
                return None
            tries, begun = {**told[_TRIES], task_id: try_number}, {**told[_BEGUN], task_id: now.isoformat()}
            _keep(deps, state, run, {_TRIES: tries, _OPEN: leaves_open, _IS_WRONG: True, _BEGUN: begun})
    except SourceUnavailable:
        # people come first
        return _told(None)
    return told


def _told(note: Mapping[str, Any] | None) -> dict[str, Any]:
    return {_TRIES: {}, _OPEN: "", _IS_WRONG: False, _BEGUN: {}, **(note or {})}


def _is_given_up(begun_at: str | None, now: datetime) -> bool:
    return begun_at is not None and now - datetime.fromisoformat(begun_at) >= UNDER_WAY


def _keep(deps: Dependencies, state: Any, run: StartedRun, told: dict[str, Any]) -> None:
    state.runs.note(run.dag_id, run.run_id, _NOTE, told, deps.wall_clock.now())
