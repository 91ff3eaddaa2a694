"""Notifies people that a task failed; `on_failure_callback` of every task except those that notify."""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk.exceptions import AirflowFailException

from ledger_guard.domain.drills import DAG_ID, MARK
from ledger_guard.domain.errors import GuardStateUnavailable, LedgerGuardError, SourceUnavailable, WriterSuperseded
from ledger_guard.domain.notices import Notice
from ledger_guard.domain.runs import StartedRun
from ledger_guard.entrypoints.airflow.adapters import dependencies_that_tell, local_marker
from ledger_guard.entrypoints.airflow.runs import started
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.approvals.granted_runs import RunOnRecord
from ledger_guard.use_cases.backfill.halfway import stopped_writing
from ledger_guard.use_cases.health_check.tell_blind import tell_blind
from ledger_guard.use_cases.notify.task_failures import correct, tell_ending_once, tell_once

HEALTH_CHECK = "ledger_health_check"

log = logging.getLogger(__name__)

#: Airflow names no exception for a task that it gave up from outside
_NO_REASON = "its worker was lost or its process killed"


def tell_failure(context: Any) -> None:
    """Post which task failed, why, and the link to its log. A failed channel is logged and stops nothing.

    Without guard state every task of each health check fails: this is posted once an hour, as that the guard is blind.
    """
    _tell(context)


def tell_write_failure(context: Any) -> None:
    """As `tell_failure`, of a task that writes wallets: with how far it came, and what to do."""
    _tell(context, is_write=True)


def tell_write_retry(context: Any) -> None:
    """`on_retry_callback` of a task that writes wallets: how far it came, and that it goes on by itself."""
    _tell(context, is_write=True, goes_on=True)


def tell_failed_ending(context: Any) -> None:
    """`on_failure_callback` of the task that records how a run ended: what was told of a task before is not told twice."""
    _tell(context, is_ending=True)


def correct_failure(run: RunOnRecord, outcome: str) -> None:
    """Post that a run ended well of which people were told a failure before. A failed channel stops nothing."""
    try:
        deps, of = run.deps, run.run
        summary = f"{of.dag_id} went on and ended well: {outcome}"
        correct(deps, of, Notice(title="close · ended well", summary=summary, incident_id=_incident_of(deps, of)))
    except LedgerGuardError as error:
        log.warning("that %s ended well could not be posted: %s", run.run.run_id, error)


def _tell(context: Any, *, is_write: bool = False, goes_on: bool = False, is_ending: bool = False) -> None:
    ti, exception = context["ti"], context.get("exception")
    if _is_superseded_by_own_run(exception):
        log.warning("%s ended without a word: a later try of its run goes on", ti.task_id)
        return
    try:
        deps, run = dependencies_that_tell(), started(context["dag_run"])
        if ti.dag_id == HEALTH_CHECK and isinstance(exception, GuardStateUnavailable):
            tell_blind(deps, local_marker(), exception, f"{ti.dag_id}, task {ti.task_id}")
            return
        far = _how_far(deps, run, ti.task_id, exception, goes_on=goes_on) if is_write else ""
        task = ti.task_id.rsplit(".", maxsplit=1)[-1]
        notice = Notice(
            title=f"{MARK if ti.dag_id == DAG_ID else ''}{task} · {'tried again' if goes_on else 'failed'}",
            summary=f"{ti.dag_id} could not finish {ti.task_id}: {'; '.join(filter(None, (far, str(exception or _NO_REASON))))}",
            facts=(("Run", ti.run_id), ("Try", str(ti.try_number))),
            links=(("Log", f"{deps.ui_url}/dags/{ti.dag_id}/runs/{ti.run_id}/tasks/{ti.task_id}"),),
            incident_id=_incident_of(deps, run),
        )
        attempt = (_instance(context), ti.try_number)
        if is_ending:
            tell_ending_once(deps, run, attempt, notice)
        else:
            tell_once(deps, run, attempt, notice, goes_on=goes_on)
    except LedgerGuardError as error:
        log.warning("the failure of %s could not be posted: %s", ti.task_id, error)


def _is_superseded_by_own_run(exception: Any) -> bool:
    found = exception if isinstance(exception, WriterSuperseded) else getattr(exception, "__cause__", None)
    return isinstance(found, WriterSuperseded) and found.by_own_run


def _instance(context: Any) -> str:
    """The task of this very run: a run that was deleted and made again under its id begins its tries anew."""
    ti, made = context["ti"], getattr(context["dag_run"], "run_after", "")
    return f"{ti.task_id}[{getattr(ti, 'map_index', -1)}] {made}"


def _how_far(deps: Dependencies, run: StartedRun, task_id: str, exception: Any, *, goes_on: bool) -> str:
    """How far a write came and what happens now; a refusal says itself what to do."""
    try:
        far = stopped_writing(deps, run.dag_id, run.run_id, task_id)
    except LedgerGuardError:
        # people come first: it is posted without
        return ""
    if isinstance(exception, AirflowFailException):
        return far
    then = "goes on by itself" if goes_on else f"clear task {task_id} and what follows it to go on"
    return f"{far}; {then}" if far else then


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
