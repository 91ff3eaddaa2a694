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
from ledger_guard.use_cases.health_check.oddities import tell_dark
from ledger_guard.use_cases.health_check.verify_again import verify_again
from ledger_guard.use_cases.notify.notify import notify

#: the same alert is not repeated within this time (wall-clock)
REPEAT_AFTER = timedelta(hours=1)
#: how many audit entries are searched for the last alert
_AUDIT_REACH = 500


def watch(deps: Dependencies) -> list[str]:
    """One sentence for each trigger with no verdicts, late verdicts, or only unreadable windows.

    Empty when all is well. Raises SourceUnavailable when guard state does not answer.
    """
    with deps.state.transaction() as state:
        return [sentence for trigger in deps.policy.triggers for sentence in _guard_alerts(deps, state, trigger)]


def watch_and_tell(deps: Dependencies) -> list[str]:
    """Check, and notify the operations channel; the same alert at most once an hour.

    Raises:
        NotificationFailed: the channel failed. Let only the notifying task fail.
        SourceUnavailable: guard state does not answer.
    """
    sentences = watch(deps)
    if not sentences or _was_told(deps, sentences):
        return sentences
    notify(deps, Notice(title="watch · the guard is blind", summary=" ".join(sentences)))
    with deps.state.transaction() as state:
        fact = MissingVerdictsTold(triggers=tuple(_triggers(sentences)), sentences=tuple(sentences))
        state.audit.append(recorded(fact, actor="ledger_guard", subject="guard", at=deps.wall_clock.now()))
    return sentences


def _guard_alerts(deps: Dependencies, state: UnitOfWork, trigger: Trigger) -> Iterator[str]:
    now, length = deps.clock.now(), timedelta(minutes=deps.policy.window_minutes)
    judged_at, judged_through = state.verdicts.last_judged_at(trigger), state.verdicts.judged_through(trigger)
    if judged_at is None or judged_through is None:
        sequence, _ = state.audit.head()
        # a new guard has no verdict at its very first check; from the second on this is an alert
        if sequence:
            yield f"{trigger.value}: no verdict has been produced yet."
        return
    patience = timedelta(seconds=deps.policy.sensing.allowed_lateness_seconds + deps.policy.sensing.give_up_after_seconds)
    if now - judged_at > deps.policy.blind_windows * length:
        yield f"{trigger.value}: no verdict has been produced since {iso(judged_at)}."
    elif now - judged_through > patience + (deps.policy.blind_windows + 1) * length:
        yield f"{trigger.value}: verdicts end at {iso(judged_through)}; it is now {iso(now)}."
    if reason := _blindness(deps, state, trigger, judged_through):
        yield f"{trigger.value}: the guard is blind: its last {deps.policy.blind_windows} windows could not be read ({reason})."


def _blindness(deps: Dependencies, state: UnitOfWork, trigger: Trigger, judged_through: datetime) -> str:
    """Why the newest judged windows could not be read; empty when one could."""
    length = timedelta(minutes=deps.policy.window_minutes)
    windows = state.readings.windows(trigger, judged_through - deps.policy.blind_windows * length, judged_through)
    if len(windows) < deps.policy.blind_windows or any(sensed.state is not WindowState.NO_DATA for sensed in windows):
        return ""
    return windows[-1].reason


def _triggers(sentences: list[str]) -> list[str]:
    return sorted({sentence.split(":")[0] for sentence in sentences})


def _was_told(deps: Dependencies, sentences: list[str]) -> bool:
    """Whether these triggers were reported within the hour."""
    since = deps.wall_clock.now() - REPEAT_AFTER
    with deps.state.transaction() as state:
        for entry in state.audit.latest(_AUDIT_REACH):
            if entry.event.at < since:
                return False
            if entry.event.verb == "watch":
                last = told(entry.event, MissingVerdictsTold)
                return last is not None and set(_triggers(sentences)) <= set(last.triggers)
    return False


def watch_and_verify(deps: Dependencies) -> list[str]:
    """As `watch_and_tell`, then dark tenants, then `verify_again`: what the guard lacks, and repairs that did not hold.

    Raises LedgerGuardError when one of them failed; the others were done.
    """
    found: list[str] = []
    parts: list[_Part] = [
        lambda: found.extend(watch_and_tell(deps)),
        lambda: found.extend(tell_dark(deps)),
        lambda: found.extend(verify_again(deps)),
    ]
    _each(parts)
    return found


#: at most one check per this time, however many tasks start at once
LOOK_EVERY = timedelta(minutes=1)

#: returns the texts that it sent
_Part = Callable[[], object]


def watch_runs(deps: Dependencies, scheduler: Scheduler, *, and_verdicts: bool = False) -> None:
    """Check DAGs, runs and questions, and report what is new; does nothing if another task checked within the minute.

    `and_verdicts`: also check that the health check gives verdicts; for callers other than the health check.

    Raises:
        LedgerGuardError: a post failed, or Airflow or guard state did not answer. Everything else was done; the next check
        reports the rest. No repair may wait for this: let the caller continue.
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
    """Report new problems that guard state alone shows: for a watcher outside Airflow.

    Raises LedgerGuardError as `watch_runs` does.
    """
    _each(
        [
            lambda: see_overdue(deps),
            lambda: tell_held_up(deps),
            lambda: tell_orphans(deps),
            lambda: tell_not_begun(deps),
            lambda: watch_and_tell(deps),
            lambda: tell_dark(deps),
        ]
    )


def _each(parts: Sequence[_Part]) -> None:
    """Run all; one failure does not stop the others."""
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
