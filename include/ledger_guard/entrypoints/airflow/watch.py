"""What the first task of every DAG sees to besides its work: that paused DAGs, queued emergencies and dead questions are told."""

from __future__ import annotations

import logging

from airflow.sdk import get_current_context

from ledger_guard.entrypoints.airflow.adapters import open_dependencies
from ledger_guard.entrypoints.airflow.scheduler import TaskScheduler
from ledger_guard.use_cases.health_check.watch import watch_runs

log = logging.getLogger(__name__)


def watch_from_this_task() -> None:
    """Look, and tell what is new. Whatever goes wrong is logged and never fails the task."""
    try:
        watch_runs(open_dependencies(), TaskScheduler(get_current_context()["ti"]), and_verdicts=True)
    except Exception as error:  # noqa: BLE001  a repair never waits for what is told besides; the next task looks again
        log.warning("what holds runs up could not be looked at or told: %s: %s", type(error).__name__, error)
