"""A DAG with the health check's tasks, whose tasks do nothing: what Airflow itself costs for this shape."""

# ruff: noqa: TID251  it is copied into a folder of DAGs
# mypy: ignore-errors

from __future__ import annotations

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Param, PokeReturnValue, TriggerRule, dag, task, task_group
from airflow.sdk.exceptions import AirflowSkipException  # noqa: F401  imported as the health check does

SIGNALS = ("T1", "T2", "T3")


@dag(dag_id="same_shape", schedule=None, catchup=False, params={"triggers": Param([*SIGNALS], type="array")})
def same_shape() -> None:
    @task(multiple_outputs=False)
    def watch():
        return {}

    @task(multiple_outputs=False)
    def keep_record():
        return {}

    @task
    def watch_runs():
        return []

    watch()
    keep_record()

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def watch_restored():
        return []

    judged, rollbacks = [check(trigger) for trigger in SIGNALS], watch_restored()
    judged >> rollbacks
    for task_id, dag_id, runs in (("start_drills", "guard_drill", watch_runs()), ("ask_back", "flag_rollback", rollbacks)):
        TriggerDagRunOperator.partial(
            task_id=task_id, trigger_dag_id=dag_id, logical_date=None, skip_when_already_exists=True
        ).expand_kwargs(runs)


def check(trigger):
    @task_group(group_id=trigger)
    def chain():
        @task.sensor(poke_interval=2, timeout=300, mode="reschedule")
        def sense():
            return PokeReturnValue(is_done=True, xcom_value={})

        @task(multiple_outputs=False)
        def classify():
            return {}

        @task.branch
        def decide():
            return [f"{trigger}.nothing"]

        @task
        def notify():
            return None

        remediate = TriggerDagRunOperator(task_id="remediate", trigger_dag_id="ledger_remediation", logical_date=None)
        judged = classify()
        sense() >> judged >> decide() >> [EmptyOperator(task_id="nothing"), notify(), remediate]
        return judged

    return chain()


same_shape()
