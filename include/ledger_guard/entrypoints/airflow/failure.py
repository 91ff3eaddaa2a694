"""Notifies people that a task failed; `on_failure_callback` of every task except those that notify."""

from __future__ import annotations

import logging
from typing import Any

from ledger_guard.domain.drills import DAG_ID, MARK
from ledger_guard.domain.errors import GuardStateUnavailable, LedgerGuardError, SourceUnavailable
from ledger_guard.domain.notices import Notice
from ledger_guard.domain.runs import StartedRun
from ledger_guard.entrypoints.airflow.adapters import dependencies_that_tell, local_marker
from ledger_guard.entrypoints.airflow.runs import started
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.health_check.tell_blind import tell_blind
from ledger_guard.use_cases.notify.notify import notify

HEALTH_CHECK = "ledger_health_check"

log = logging.getLogger(__name__)


def tell_failure(context: Any) -> None:
    """Post which task failed, why, and the link to its log. A failed channel is logged and stops nothing.

    Without guard state every task of each health check fails: this is posted once an hour, as that the guard is blind.
    """
    ti, error = context["ti"], context.get("exception")
    try:
        deps = dependencies_that_tell()
        if ti.dag_id == HEALTH_CHECK and isinstance(error, GuardStateUnavailable):
            tell_blind(deps, local_marker(), error, f"{ti.dag_id}, task {ti.task_id}")
            return
        notice = Notice(
            title=f"{MARK if ti.dag_id == DAG_ID else ''}{ti.task_id.rsplit('.', maxsplit=1)[-1]} · failed",
            summary=f"{ti.dag_id} could not finish {ti.task_id}: {error or 'no reason given'}",
            facts=(("Run", ti.run_id), ("Try", str(ti.try_number))),
            links=(("Log", f"{deps.ui_url}/dags/{ti.dag_id}/runs/{ti.run_id}/tasks/{ti.task_id}"),),
            incident_id=_incident_of(deps, started(context["dag_run"])),
        )
        notify(deps, notice)
    except LedgerGuardError as error:
        log.warning("the failure of %s could not be posted: %s", ti.task_id, error)


def _incident_of(deps: Dependencies, run: StartedRun) -> str | None:
    """The incident whose thread gets the failure: for a run by hand the one the person named, else the one in guard state.

    Otherwise anyone who can edit a run's conf could post its failure in any incident's thread.
    """
    if not run.is_started_by_run:
        return run.conf.get("incident_id")
    try:
        with deps.state.transaction() as state:
            grant = state.runs.granted(run.dag_id, run.run_id)
    except SourceUnavailable:
        # people come first: it is posted outside any thread
        return None
    return grant.incident_id if grant else None
