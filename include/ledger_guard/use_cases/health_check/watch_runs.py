"""watch_runs: the next task of any DAG tells what is held up: paused DAGs, queued emergencies, questions without a run."""

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
