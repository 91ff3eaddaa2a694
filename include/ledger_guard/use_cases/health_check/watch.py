"""watch: the guard says so itself when it has produced no verdicts, or none that mean anything."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from ledger_guard.domain.facts.codec import recorded, told
from ledger_guard.domain.facts.incidents import MissingVerdictsTold
from ledger_guard.domain.notices import Notice
from ledger_guard.domain.signals import Trigger, WindowState
from ledger_guard.domain.windows import iso
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.use_cases.notify.notify import notify

#: after so many windows without a verdict the guard speaks up
SILENT_WINDOWS = 2
#: the same alert is not told again before this has passed (people's time)
REPEAT_AFTER = timedelta(hours=1)
#: how many audit entries are searched for the last alert
_AUDIT_REACH = 500


def watch(deps: Dependencies) -> list[str]:
    """One sentence for each trigger that gets no verdicts, verdicts that lag behind, or only unreadable windows.

    Empty when the guard sees. Raises SourceUnavailable when guard state is away: then it sees nothing at all.
    """
    with deps.state.transaction() as state:
        return [sentence for trigger in deps.policy.triggers for sentence in _guard_alerts(deps, state, trigger)]


def watch_and_tell(deps: Dependencies) -> list[str]:
    """Watch, and tell the operations channel; the same alert at most once an hour.

    Raises:
        NotificationFailed: the channel did not take it. Let the telling task fail and nothing else.
        SourceUnavailable: guard state does not answer.
    """
    sentences = watch(deps)
    if not sentences or _was_told(deps, sentences):
        return sentences
    notify(deps, Notice(title="watch · the guard does not see", summary=" ".join(sentences)))
    with deps.state.transaction() as state:
        fact = MissingVerdictsTold(triggers=tuple(_triggers(sentences)), sentences=tuple(sentences))
        state.audit.append(recorded(fact, actor="ledger_guard", subject="guard", at=deps.wall_clock.now()))
    return sentences


def _guard_alerts(deps: Dependencies, state: UnitOfWork, trigger: Trigger) -> Iterator[str]:
    now, length = deps.clock.now(), timedelta(minutes=deps.policy.window_minutes)
    judged_at, judged_through = state.verdicts.last_judged_at(trigger), state.verdicts.judged_through(trigger)
    if judged_at is None or judged_through is None:
        sequence, _ = state.audit.head()
        # the very first check of a new guard is no silence; from the second on it is
        if sequence:
            yield f"{trigger.value}: no verdict has been produced yet."
        return
    patience = timedelta(seconds=deps.policy.sensing.allowed_lateness_seconds + deps.policy.sensing.give_up_after_seconds)
    if now - judged_at > SILENT_WINDOWS * length:
        yield f"{trigger.value}: no verdict has been produced since {iso(judged_at)}."
    elif now - judged_through > patience + (SILENT_WINDOWS + 1) * length:
        yield f"{trigger.value}: the verdicts reach only to {iso(judged_through)}; the clock says {iso(now)}."
    if reason := _blindness(state, trigger, judged_through, length):
        yield f"{trigger.value}: the guard is blind: its last {SILENT_WINDOWS} windows could not be read ({reason})."


def _blindness(state: UnitOfWork, trigger: Trigger, judged_through: datetime, length: timedelta) -> str:
    """Why the newest judged window could not be read, if all of the last ones could not; else empty."""
    windows = state.readings.windows(trigger, judged_through - SILENT_WINDOWS * length, judged_through)
    if len(windows) < SILENT_WINDOWS or any(sensed.state is not WindowState.NO_DATA for sensed in windows):
        return ""
    return windows[-1].reason


def _triggers(sentences: list[str]) -> list[str]:
    return sorted({sentence.split(":")[0] for sentence in sentences})


def _was_told(deps: Dependencies, sentences: list[str]) -> bool:
    """Whether people were told of these triggers within the hour."""
    since = deps.wall_clock.now() - REPEAT_AFTER
    with deps.state.transaction() as state:
        for entry in state.audit.latest(_AUDIT_REACH):
            if entry.event.at < since:
                return False
            if entry.event.verb == "watch":
                last = told(entry.event, MissingVerdictsTold)
                return last is not None and set(_triggers(sentences)) <= set(last.triggers)
    return False
