"""watch: the guard says so itself when it gives no verdicts, or none that mean anything, and when runs or answers are held up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from ledger_guard.domain.errors import LedgerGuardError
from ledger_guard.domain.facts.codec import recorded, told
from ledger_guard.domain.facts.incidents import MissingVerdictsTold
from ledger_guard.domain.notices import Notice
from ledger_guard.domain.signals import Trigger, WindowState
from ledger_guard.domain.windows import iso
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.ports.platform import Scheduler
from ledger_guard.use_cases.approvals.held_up import see_dags, see_overdue, tell_held_up, tell_not_begun
from ledger_guard.use_cases.approvals.orphaned_questions import close_orphans, tell_orphans
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


#: however many tasks begin at once, one of them looks, and no more often than this
LOOK_EVERY = timedelta(minutes=1)

#: says what it told, each thing a text
_Part = Callable[[], object]


def watch_runs(deps: Dependencies, scheduler: Scheduler, *, and_verdicts: bool = False) -> None:
    """Look at DAGs, runs and questions, and tell what is new; nothing where another task looked within the minute.

    `and_verdicts`: also whether the health check still gives verdicts, for whoever is not the health check.

    Raises:
        LedgerGuardError: the channel did not take something, or Airflow or guard state did not answer. Everything else was
            done; what was not told is told by the next look. No repair may wait for it: let the caller go on.
    """
    with deps.state.transaction() as state:
        if not state.guard_alerts.begin_look(deps.wall_clock.now(), LOOK_EVERY):
            return
    parts: list[_Part] = [
        lambda: see_dags(deps, scheduler),
        lambda: close_orphans(deps, scheduler),
        lambda: see_overdue(deps),
        lambda: tell_held_up(deps),
        lambda: tell_orphans(deps),
        lambda: tell_not_begun(deps),
    ]
    _each([*parts, lambda: watch_and_tell(deps)] if and_verdicts else parts)


def tell_from_outside(deps: Dependencies) -> None:
    """Tell what guard state alone shows and nobody was told of yet: for a watcher that runs apart from Airflow.

    Raises LedgerGuardError as `watch_runs` does.
    """
    _each(
        [
            lambda: see_overdue(deps),
            lambda: tell_held_up(deps),
            lambda: tell_orphans(deps),
            lambda: tell_not_begun(deps),
            lambda: watch_and_tell(deps),
        ]
    )


def _each(parts: Sequence[_Part]) -> None:
    """One that fails keeps none of the others."""
    failures: list[LedgerGuardError] = []
    for part in parts:
        try:
            part()
        except LedgerGuardError as error:
            failures.append(error)
    if len(failures) == 1:
        raise failures[0]
    if failures:
        raise LedgerGuardError("; ".join(dict.fromkeys(str(error) for error in failures)))
