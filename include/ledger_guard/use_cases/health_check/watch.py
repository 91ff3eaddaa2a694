"""watch: the guard says so itself when it gives no verdicts, or none that mean anything, and when runs or answers are held up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from ledger_guard.domain.errors import LedgerGuardError
from ledger_guard.domain.facts.codec import recorded, told
from ledger_guard.domain.facts.incidents import MissingVerdictsTold
from ledger_guard.domain.notices import Notice
from ledger_guard.ports import Dependencies
from ledger_guard.ports.platform import Scheduler
from ledger_guard.use_cases.approvals.held_up import see_dags, see_overdue, tell_held_up, tell_not_begun
from ledger_guard.use_cases.approvals.orphaned_questions import close_orphans, tell_orphans
from ledger_guard.use_cases.health_check.oddities import tell_dark
from ledger_guard.use_cases.health_check.verify_again import verify_again
from ledger_guard.use_cases.notify.notify import notify
from ledger_guard.use_cases.wake.blindness import blind_sentences

#: the same alert is not repeated within this time (wall-clock)
REPEAT_AFTER = timedelta(hours=1)
#: how many audit entries are searched for the last alert
_AUDIT_REACH = 500


def watch(deps: Dependencies) -> list[str]:
    """One sentence for each trigger with no verdicts, late verdicts, or only unreadable windows.

    Empty when all is well. Raises SourceUnavailable when guard state does not answer.
    """
    with deps.state.transaction() as state:
        return blind_sentences(deps, state)


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
