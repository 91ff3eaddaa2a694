"""watch_runs: the next task of any DAG reports paused DAGs, queued emergencies and questions without a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from ledger_guard.domain.errors import LedgerGuardError
from ledger_guard.ports import Dependencies
from ledger_guard.ports.platform import Scheduler
from ledger_guard.use_cases.approvals.orphaned_questions import close_orphans, tell_orphans
from ledger_guard.use_cases.health_check.watch import watch_and_tell
from ledger_guard.use_cases.incidents.held_up import see_dags, see_overdue, tell_held_up
from ledger_guard.use_cases.incidents.tell_not_begun import tell_not_begun

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
