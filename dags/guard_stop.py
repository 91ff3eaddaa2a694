"""# guard_stop

## Purpose
Holds every write of the guard, or lets it write again. One switch for everything: wallets, flags, all tenants.

## Schedule
None. By hand from the form. While Airflow's scheduler is down, `python -m ledger_guard stop` does the same.

## Params
* `order`: `stop`, or `release`.
* `reason` (text of at least 10 characters).

## What it changes
Guard state (the audit log). From then on no write begins, and a running backfill ends after its batch. The guard goes on
reading, judging and telling; every message says that it is stopped. A release starts nothing again by itself.

## Safe to re-run?
Yes. A second stop, and a release of a guard that runs, are refused and change nothing.

## When it fails
`obey` names the reason. Anybody who may start runs may stop; a release needs a person whom the policy names as an approver
and who did not stop the guard. Without guard state nothing can be recorded, and nothing is written either.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import Param, dag, task

from ledger_guard.entrypoints.airflow.errors import first_task
from ledger_guard.entrypoints.airflow.runs import this_run
from ledger_guard.entrypoints.airflow.settings import START_DATE, task_defaults
from ledger_guard.use_cases.bounds.stop import release, stop

ORDERS = {"stop": stop, "release": release}


@dag(
    dag_id="guard_stop",
    schedule=None,
    start_date=START_DATE,
    catchup=False,
    max_active_runs=1000,
    dagrun_timeout=timedelta(minutes=30),
    default_args=task_defaults(retries=0),
    params={
        "order": Param("stop", type="string", enum=sorted(ORDERS, reverse=True), title="Stop every write, or release"),
        "reason": Param("", type="string", minLength=10, maxLength=4000, format="multiline", title="Why"),
    },
    doc_md=__doc__,
    tags=["ledger-guard", "stop"],
)
def guard_stop() -> None:
    @task
    def obey(params: dict | None = None, dag_run=None) -> str:
        """Put the order on record, in the name of whoever started this run, and tell everybody."""
        with first_task():
            run, wanted = this_run(dag_run), params or {}
            return ORDERS[wanted["order"]](run.deps, wanted["reason"], run.person, is_proved=True).sentence

    obey()


guard_stop()
