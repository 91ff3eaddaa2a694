"""# flag_override

## Purpose
Allows one tenant to be enabled despite a freeze, for a limited time. It lifts no freeze and enables nothing by itself.

## Schedule
None. By hand from the form; who grants it is who is logged in, never a name in the form.

## Params
* `flag`, `tenant_id`: one flag and one tenant.
* `hours`: at most the policy's `freeze.override_at_most_hours`.
* `reason` (text of at least 10 characters).

## What it changes
Guard state. Meanwhile an approved run of `flag_restore` for this tenant may ignore the freeze, and nothing else.
`python -m ledger_guard rollout end-override` ends it early.

## Safe to re-run?
Yes. Each run grants its own override.

## When it fails
`grant` names the reason: the policy's `freeze.override_by` does not name the person, it is for too long, or no freeze covers
the tenant. Nothing was granted.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import Param, dag, task

from ledger_guard.entrypoints.airflow.errors import first_task
from ledger_guard.entrypoints.airflow.runs import this_run
from ledger_guard.entrypoints.airflow.settings import START_DATE, task_defaults
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.flags.override_freeze import override_freeze

POLICY = load_policy()


@dag(
    dag_id="flag_override",
    schedule=None,
    start_date=START_DATE,
    catchup=False,
    max_active_runs=1000,
    dagrun_timeout=timedelta(minutes=30),
    default_args=task_defaults(retries=0),
    params={
        "flag": Param(type="string", enum=sorted(POLICY.flags), title="Flag"),
        "tenant_id": Param(
            type="string", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$", title="The one tenant that may be enabled"
        ),
        "hours": Param(4, type="number", exclusiveMinimum=0, title="For how many hours"),
        "reason": Param("", type="string", minLength=10, maxLength=4000, format="multiline", title="Why"),
    },
    doc_md=__doc__,
    tags=["ledger-guard", "flags"],
)
def flag_override() -> None:
    @task
    def grant(params: dict | None = None, dag_run=None) -> str:
        """Grant the override in the name of the person who started this run."""
        with first_task():
            run, wanted = this_run(dag_run), params or {}
            given = (wanted["flag"], wanted["tenant_id"], wanted["hours"], wanted["reason"])
            return override_freeze(run.deps, *given, run.person).sentence

    grant()


flag_override()
