"""Every XCom that a DAG reads is on this list, with why editing it is harmless; a new one fails here."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.airflow

#: DAG, task, what it reads → why an edited value does no harm
HARMLESS = {
    ("ledger_health_check", f"{trigger}.remediate", field): "the run it starts asks guard state for leave, by run id and conf"
    for trigger in ("T1", "T2", "T3")
    for field in ("trigger_run_id", "conf")
} | {
    ("ledger_health_check", "ask_back", "expand"): "the run it starts asks guard state for leave, by run id and conf",
    ("ledger_health_check", "start_drills", "expand"): "the run it starts asks guard state for leave, by run id and conf",
    ("ledger_remediation", "start_backfills", "expand"): "the run it starts asks guard state for leave, by run id and conf",
    ("ledger_remediation", "start_rollback", "expand"): "the run it starts asks guard state for leave, by run id and conf",
}


def test_no_dag_reads_an_xcom_that_is_not_proved_harmless(dag_bag):
    found = {(dag.dag_id, task.task_id, field) for dag in dag_bag.dags.values() for task in dag.tasks for field in _reads(task)}
    assert found == set(HARMLESS)


def test_no_task_pulls_an_xcom_by_itself(dag_bag):
    """`xcom_pull` stands in templates only: there the list above sees it."""
    import inspect

    pulls = [
        (dag.dag_id, task.task_id)
        for dag in dag_bag.dags.values()
        for task in dag.tasks
        if (function := getattr(task, "python_callable", None)) is not None and "xcom_pull" in inspect.getsource(function)
    ]
    assert pulls == []


def _reads(task) -> list[str]:
    """The fields of a task that hold another task's result, or a template that pulls one."""
    from airflow.sdk.definitions.mappedoperator import MappedOperator

    if isinstance(task, MappedOperator):
        return ["expand"] if list(task.iter_mapped_dependencies()) else []
    return [field for field in task.template_fields if _holds_xcom(getattr(task, field, None))]


def _holds_xcom(value: object) -> bool:
    from airflow.sdk import XComArg

    if isinstance(value, XComArg):
        return True
    if isinstance(value, dict):
        return any(_holds_xcom(each) for each in value.values())
    if isinstance(value, list | tuple):
        return any(_holds_xcom(each) for each in value)
    return isinstance(value, str) and ("xcom" in value or "ti." in value)
