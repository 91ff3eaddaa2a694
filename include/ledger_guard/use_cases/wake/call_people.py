"""call_people: call whoever is due for each matter, and end the calls of what is over."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from ledger_guard.domain.errors import LedgerGuardError, PagingFailed
from ledger_guard.domain.facts.codec import Fact, recorded, told
from ledger_guard.domain.facts.wake import CallEnded, CallFailed, PeopleCalled
from ledger_guard.domain.notices import Notice
from ledger_guard.domain.runs import GUARD_ITSELF
from ledger_guard.domain.wake import Calls, Matter, Silence, Step, calls_on_record, counts, due, silences_on_record, subject_of
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.use_cases.notify.notify import notify, tell
from ledger_guard.use_cases.wake.matters import matters_now
from ledger_guard.use_cases.wake.refused import refused

log = logging.getLogger(__name__)


def call_people(deps: Dependencies) -> list[str]:
    """Call everybody who is due, each pager once for a matter and stage; returns a sentence for each call and end.

    To be run whenever something changed and with every health check: what is on record decides, so running it again changes
    nothing. A pager that fails never holds up another one: its step counts as taken and the next one is called at once.

    Raises:
        PagingFailed: nobody could be reached for a matter. Every pager was tried; the next check tries again.
        SourceUnavailable: guard state does not answer. Nobody was called.
    """
    if not deps.policy.wake.pagers:
        return []
    now = deps.wall_clock.now()
    with deps.state.transaction() as state:
        matters = matters_now(deps, state)
        silences = (*deps.policy.wake.planned_silences(now), *silences_on_record(state.audit, now))
    said, unreached = [], []
    for matter in matters:
        called, failed, is_new = _call_for(deps, matter, silences)
        said += called
        if failed and not called:
            unreached.append(f"{matter.title}: nobody could be reached ({'; '.join(failed)})")
            if is_new:
                _tell_unreached(deps, matter, unreached[-1])
    said += _end_what_is_over(deps, {matter.key for matter in matters})
    if unreached:
        raise PagingFailed("; ".join(unreached))
    return said


def try_to_call(deps: Dependencies) -> str:
    """As `call_people`, for whoever has something else to do, too: why nobody was reached, or nothing. Raises nothing."""
    try:
        call_people(deps)
    except LedgerGuardError as error:
        log.warning("people were not called: %s", error)
        return str(error)
    except Exception as error:
        log.exception("people were not called")
        return f"people were not called: {type(error).__name__}"
    return ""


def _tell_unreached(deps: Dependencies, matter: Matter, why: str) -> None:
    """Post it where people may read it by chance: the task that calls fails by itself, without a word."""
    tell(
        lambda: notify(
            deps, Notice(title="wake · nobody reached", summary=why, links=matter.links, incident_id=matter.incident_id)
        )
    )


def _call_for(deps: Dependencies, matter: Matter, silences: Iterable[Silence]) -> tuple[list[str], list[str], bool]:
    """Sentences of the calls made, and of those that failed; whether one failed that had not failed before."""
    now = deps.wall_clock.now()
    if any(silence.covers(matter, now) for silence in silences):
        return [], [], False
    route = deps.policy.wake.route_for(matter, now)
    called: list[str] = []
    failed: dict[str, str] = {}
    tried: set[str] = set()
    is_new = False
    # each round calls who is due after what failed before: the next step is taken at once
    while route is not None and (pager := _claimed(deps, matter, route.steps, tried)) is not None:
        name, calls = pager
        tried.add(name)
        if why := _opened(deps, name, _with_failures(matter, {**calls.failed, **failed}), again=name in calls.open_at):
            is_new = is_new or name not in calls.failed
            failed[name] = why
            _record(deps, matter, CallFailed(pager=name, stage=matter.stage, error=why))
            log.warning("%s was not called: %s", name, why)
        else:
            _record(deps, matter, PeopleCalled(pager=name, stage=matter.stage, is_done=True))
            called.append(f"{name} was called: {matter.title}")
    return called, [f"{name}: {why}" for name, why in failed.items()], is_new


def _opened(deps: Dependencies, pager: str, matter: Matter, *, again: bool) -> str:
    return refused(lambda: deps.pagers[pager].open(matter, again=again))


def _claimed(deps: Dependencies, matter: Matter, steps: tuple[Step, ...], tried: set[str]) -> tuple[str, Calls] | None:
    """The next pager to call, put on record as being called, so that no second process calls it too; None: all done."""
    now = deps.wall_clock.now()
    with deps.state.transaction() as state:
        calls = calls_on_record(state.audit, matter, now)
        pager = next((each for each in due(steps, calls, now) if each not in tried), None)
        if pager is None:
            return None
        _append(deps, state, matter, PeopleCalled(pager=pager, stage=matter.stage, is_done=False))
    return pager, calls


def _with_failures(matter: Matter, failed: dict[str, str]) -> Matter:
    """The matter, with who could not be reached: the next one tells it."""
    if not failed:
        return matter
    missed = "; ".join(f"{name} ({why})" for name, why in failed.items())
    return Matter(**{**vars(matter), "text": f"Could not be reached: {missed}. {matter.text}"})


def _end_what_is_over(deps: Dependencies, keys: set[str]) -> list[str]:
    said = []
    for key, pagers, incident_id in _open_calls(deps):
        if key in keys:
            continue
        ended = [name for name in sorted(pagers) if _ended(deps, name, key)]
        if ended:
            fact = CallEnded(pagers=tuple(ended), why="over")
            with deps.state.transaction() as state:
                _append_about(deps, state, key, incident_id, fact)
            said.append(f"{', '.join(ended)}: {key} is over")
    return said


def _ended(deps: Dependencies, pager: str, key: str) -> bool:
    """Whether the pager took it, or is no longer in the policy; the next check tries again where not."""
    if pager not in deps.pagers:
        return True
    why = "The incident is resolved, the question was answered or has expired, or the guard sees again."
    untold = refused(lambda: deps.pagers[pager].end(key, "Ledger Guard: over", why))
    if untold:
        log.warning("%s was not told that %s is over: %s", pager, key, untold)
    return not untold


def _open_calls(deps: Dependencies) -> list[tuple[str, frozenset[str], str | None]]:
    """Keys of matters that some pager has open, with these pagers and the incident."""
    found: dict[str, set[str]] = {}
    incidents: dict[str, str | None] = {}
    with deps.state.transaction() as state:
        for entry in state.audit.of_kind("call", "wake"):
            if not counts(state.audit, entry):
                continue
            key = entry.event.subject.removeprefix("call:")
            incidents[key] = entry.event.incident_id
            if (placed := told(entry.event, PeopleCalled)) and placed.is_done:
                found.setdefault(key, set()).add(placed.pager)
            elif ended := told(entry.event, CallEnded):
                found.setdefault(key, set()).difference_update(ended.pagers)
    return [(key, frozenset(pagers), incidents[key]) for key, pagers in found.items() if pagers]


def _record(deps: Dependencies, matter: Matter, fact: Fact) -> None:
    with deps.state.transaction() as state:
        _append(deps, state, matter, fact)


def _append(deps: Dependencies, state: UnitOfWork, matter: Matter, fact: Fact) -> None:
    _append_about(deps, state, matter.key, matter.incident_id, fact)


def _append_about(deps: Dependencies, state: UnitOfWork, key: str, incident_id: str | None, fact: Fact) -> None:
    event = recorded(fact, actor=GUARD_ITSELF, subject=subject_of(key), at=deps.wall_clock.now(), incident_id=incident_id)
    state.audit.append(event)
