"""play_drill: sense and judge made-up readings of the canary tenant, in a guard of their own in memory.

The use cases, the policy and the notice are those of a real incident; no row of the real readings, verdicts, incidents or
baselines is read or written.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from ledger_guard.domain.drills import MARK, Drill, DrillOutcome, drill_of, subject_of
from ledger_guard.domain.errors import LedgerInvariantError
from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.facts.drills import DrillJudged, DrillTold
from ledger_guard.domain.notices import Notice
from ledger_guard.domain.runs import GUARD_ITSELF
from ledger_guard.domain.signals import Reading, Trigger
from ledger_guard.domain.windows import Window
from ledger_guard.policy.schema import Policy
from ledger_guard.ports import Dependencies
from ledger_guard.ports.drills import DrillRoom, OpenDrillRoom
from ledger_guard.use_cases.drills.end import end_drill
from ledger_guard.use_cases.health_check.classify import ClassifyOutcome, classify
from ledger_guard.use_cases.health_check.sense import sense
from ledger_guard.use_cases.notify.notify import incident_notice, notify

#: what the canary tenant attempts in a window, and how many of these usually fail
ATTEMPTS, USUAL_FAILURES = 10_000, 20
#: how much more than the policy's `severe_ratio` fails in the end
RISE = 3
RISEN_WINDOWS = 3
#: quiet time before it, beside the windows that a baseline needs: an hour is learned when the next is over
QUIET = timedelta(hours=6)


def play_drill(deps: Dependencies, drill_id: str, open_room: OpenDrillRoom) -> Notice:
    """Play the drill until its verdict, record it, and return the notice of it.

    Raises:
        LedgerInvariantError: a severe rise gave no alarm. The drill has ended as failed; find out why, with the same policy
            and `backtest`.
        BadInputError: no such drill, or the policy no longer knows its trigger.
    """
    with deps.state.transaction() as state:
        drill = drill_of(state.audit, drill_id)
    trigger = deps.policy.checked_trigger(drill.trigger)
    room, found = _judged(deps, trigger, drill, open_room)
    is_alarm = found.incident_id is not None and found.severity.is_alarm
    actions = deps.policy.row_for(trigger, found.severity, found.scope).actions if is_alarm else ()
    sentence = _sentence(room, trigger, found)
    fact = DrillJudged(
        severity=found.severity.value, scope=found.scope.value, is_alarm=is_alarm, sentence=sentence, actions=actions
    )
    with deps.state.transaction() as state:
        state.audit.append(recorded(fact, actor=GUARD_ITSELF, subject=subject_of(drill_id), at=deps.wall_clock.now()))
    if not is_alarm or found.incident_id is None:
        why = f"a severe rise was judged {found.severity.value}: {sentence}"
        end_drill(deps, drill_id, DrillOutcome.FAILED, why)
        raise LedgerInvariantError(f"drill {drill_id}: {why}")
    return _notice(replace(room.deps, ui_url=deps.ui_url), found.incident_id, drill, actions)


def tell_drill(deps: Dependencies, drill_id: str, notice: Notice, link: str) -> None:
    """Post the notice with the link to its question, and record that it was posted.

    Raises NotificationFailed when the channel failed; let only the notifying task fail.
    """
    marked = replace(notice, links=(("Answer the drill here", link), *notice.links))
    notify(deps, marked)
    with deps.state.transaction() as state:
        fact = DrillTold(title=marked.title)
        state.audit.append(recorded(fact, actor=GUARD_ITSELF, subject=subject_of(drill_id), at=deps.wall_clock.now()))


def _judged(deps: Dependencies, trigger: Trigger, drill: Drill, open_room: OpenDrillRoom) -> tuple[DrillRoom, ClassifyOutcome]:
    readings = list(_readings(deps.policy, trigger, drill, _newest_closed(deps)))
    room = open_room(deps.policy, readings[0].window.start)
    for reading in readings:
        room.deliver(reading)
        # one at a time: a comparison of balances has no past
        sense(room.deps, trigger)
    return room, classify(room.deps, trigger)


def _newest_closed(deps: Dependencies) -> Window:
    length = timedelta(minutes=deps.policy.window_minutes)
    return Window(Window.containing(deps.clock.now(), length).start - length, length)


def _readings(policy: Policy, trigger: Trigger, drill: Drill, newest: Window) -> Iterator[Reading]:
    detection = policy.detection_of(trigger)
    quiet = detection.baseline_minimum_windows + math.ceil(QUIET / newest.length)
    risen = min(ATTEMPTS, math.ceil(USUAL_FAILURES * detection.severe_ratio * RISE))
    for back in range(quiet + RISEN_WINDOWS - 1, -1, -1):
        failures = risen if back < RISEN_WINDOWS else USUAL_FAILURES
        window = Window(newest.start - back * newest.length, newest.length)
        yield Reading(trigger, drill.request.canary_id, window, failures, ATTEMPTS, failures)


def _sentence(room: DrillRoom, trigger: Trigger, found: ClassifyOutcome) -> str:
    """The newest window's verdict in words."""
    if found.window_start is None:
        return "no window was judged"
    length = timedelta(minutes=room.deps.policy.window_minutes)
    with room.deps.state.transaction() as state:
        verdicts = state.verdicts.between(trigger, found.window_start, found.window_start + length)
    return verdicts[-1].sentence if verdicts else "the newest window has no verdict"


def _notice(played: Dependencies, incident_id: str, drill: Drill, actions: tuple[str, ...]) -> Notice:
    """The notice of a real incident, marked. It belongs to no thread: there is no such incident."""
    found = incident_notice(played, incident_id, "classify")
    facts = tuple(("Would do", f"{', '.join(actions)}") if name == "Proposed" else (name, text) for name, text in found.facts)
    return replace(
        found,
        title=f"{MARK}{found.title}",
        summary=f"This is a drill with the made-up tenant {drill.request.canary_id}: nothing will be written. {found.summary}",
        facts=(("Drill", f"asked for by {drill.by}"), *facts),
        incident_id=None,
    )
