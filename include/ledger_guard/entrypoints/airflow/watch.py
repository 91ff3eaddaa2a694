"""The extra duty of every DAG's first task: report paused DAGs, queued emergencies and orphaned questions."""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import get_current_context

from ledger_guard.entrypoints.airflow.adapters import open_dependencies
from ledger_guard.entrypoints.airflow.scheduler import TaskScheduler
from ledger_guard.use_cases.drills.take_up import take_up_drills
from ledger_guard.use_cases.health_check.watch import watch_runs

log = logging.getLogger(__name__)


def watch_runs_and_drills(task_instance: Any) -> list[dict[str, Any]]:
    """The health check's own look: report what blocks runs, then return the runs of drills that are to be started.

    Raises LedgerGuardError as `watch_runs` and `take_up_drills` do.
    """
    deps, scheduler = open_dependencies(), TaskScheduler(task_instance)
    watch_runs(deps, scheduler)
    return take_up_drills(deps, scheduler)


def watch_from_this_task() -> None:
    """Check, and report what is new. Any error is logged and never fails the task."""
    try:
        watch_runs(open_dependencies(), TaskScheduler(get_current_context()["ti"]), and_verdicts=True)
    except Exception as error:  # noqa: BLE001  a repair never waits for what is told besides; the next task looks again
        log.warning("the check for blocked runs failed: %s: %s", type(error).__name__, error)
