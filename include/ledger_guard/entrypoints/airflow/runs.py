"""This DAG run and others, as a task may ask for them."""

from __future__ import annotations

from typing import Any

from airflow.sdk.exceptions import AirflowRuntimeError

from ledger_guard.domain.runs import StartedRun
from ledger_guard.use_cases.incidents.granted_runs import RunOnRecord


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
    from ledger_guard.wiring import open_guard  # noqa: PLC0415

    return RunOnRecord(open_guard(), started(dag_run))


def started(dag_run: Any) -> StartedRun:
    """This run, as Airflow tells it.

    Whom it was started by is whom Airflow authenticated; of a run that a task of another run started it is whoever started that
    one. Only runs that people start are `manual`, and the schedule's are `scheduled`; all others count as started by a run.
    """
    word = str(getattr(dag_run.run_type, "value", dag_run.run_type))
    return StartedRun(
        dag_id=dag_run.dag_id,
        run_id=dag_run.run_id,
        started_by=dag_run.triggering_user_name or None,
        is_started_by_run=word not in ("manual", "scheduled"),
        conf=dict(dag_run.conf or {}),
    )
