"""The state of other DAG runs, as a task may ask for it."""

from __future__ import annotations

from typing import Any

from airflow.sdk.exceptions import AirflowRuntimeError


def run_state(task_instance: Any, dag_id: str, run_id: str) -> str | None:
    """The run's state word (`queued`, `running`, `success`, `failed`), or None when there is no such run."""
    if task_instance.get_dr_count(dag_id=dag_id, run_ids=[run_id]) == 0:
        return None
    try:
        return str(getattr(state := task_instance.get_dagrun_state(dag_id=dag_id, run_id=run_id), "value", state))
    except AirflowRuntimeError:
        # deleted between the two questions
        return None


def requester(dag_run: Any, otherwise: str) -> str:
    """Who started this run, as Airflow authenticated them; a run's conf can't name somebody else."""
    return str(dag_run.triggering_user_name or otherwise)
