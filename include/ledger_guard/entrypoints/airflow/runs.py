"""This DAG run and others, as a task may ask for them."""

from __future__ import annotations

from typing import Any

from airflow.sdk.exceptions import AirflowRuntimeError

from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.runs import StartedRun
from ledger_guard.domain.writer_leases import WriterClaim, claim_of
from ledger_guard.entrypoints.airflow.adapters import open_dependencies
from ledger_guard.entrypoints.airflow.identity import who_started
from ledger_guard.use_cases.approvals.granted_runs import RunOnRecord


def run_state(task_instance: Any, dag_id: str, run_id: str) -> str | None:
    """The run's state word (`queued`, `running`, `success`, `failed`), or None when there is no such run."""
    if task_instance.get_dr_count(dag_id=dag_id, run_ids=[run_id]) == 0:
        return None
    try:
        return str(getattr(state := task_instance.get_dagrun_state(dag_id=dag_id, run_id=run_id), "value", state))
    except AirflowRuntimeError:
        # deleted between the two questions
        return None


def this_run(dag_run: Any) -> RunOnRecord:
    """This run, with guard state. For tasks: adapters are built inside."""
    return RunOnRecord(open_dependencies(), started(dag_run))


def writer_claim(task_instance: Any, dag_run: Any) -> WriterClaim:
    """Who writes: this run and its try. A retry, and a cleared task, is a later try of the same run."""
    made = str(getattr(dag_run, "run_after", None) or "")
    return claim_of(task_instance.dag_id, task_instance.run_id, task_instance.try_number, made)


def started(dag_run: Any) -> StartedRun:
    """This run, as Airflow describes it.

    Runs started by people are `manual`, those of the schedule `scheduled`; all others count as started by a run. For these,
    Airflow names the person who started the first run, which proves nothing.
    """
    word = str(getattr(dag_run.run_type, "value", dag_run.run_type))
    by, doubt = _person(dag_run) if word == "manual" else (None, "")
    return StartedRun(
        dag_id=dag_run.dag_id,
        run_id=dag_run.run_id,
        started_by=by,
        is_started_by_run=word not in ("manual", "scheduled"),
        conf=dict(dag_run.conf or {}),
        is_scheduled=word == "scheduled",
        doubt=doubt,
    )


def _person(dag_run: Any) -> tuple[str | None, str]:
    """Who started the run, or why this is not known."""
    try:
        return who_started(dag_run.triggering_user_name), ""
    except SafetyRefusal as error:
        return None, str(error)
