"""# guard_mode

## Purpose
Raises or lowers the mode of one row of the policy's matrix: how far that row may go without a human.

## Schedule
None. By hand from the form. `python -m ledger_guard mode lower` lowers without Airflow; raising is possible only here.

## Params
* `order`: `lower`, or `raise`.
* `row`: the matrix row.
* `to`: `shadow`, `propose` or `act`; at most the policy's mode of that row.
* `reason` (text of at least 10 characters).

## What it changes
Guard state (the audit log). Plans that are not begun yet are judged by the new mode.

## Safe to re-run?
Yes. A change to the mode that the row has already is refused and changes nothing.

## When it fails
`obey` names the reason. Anyone who may start runs may lower; raising needs an approver of backfills by the policy.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import Param, dag, task

from ledger_guard.domain.modes import Mode
from ledger_guard.entrypoints.airflow.errors import first_task
from ledger_guard.entrypoints.airflow.runs import this_run
from ledger_guard.entrypoints.airflow.settings import START_DATE, task_defaults
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.approvals.change_mode import lower_mode, raise_mode

POLICY = load_policy()


@dag(
    dag_id="guard_mode",
    schedule=None,
    start_date=START_DATE,
    catchup=False,
    max_active_runs=16,
    dagrun_timeout=timedelta(minutes=30),
    default_args=task_defaults(retries=0),
    params={
        "order": Param("lower", type="string", enum=["lower", "raise"], title="Lower, or raise"),
        "row": Param(type="string", enum=list(POLICY.modes), title="Matrix row"),
        "to": Param(type="string", enum=[each.value for each in Mode], title="New mode"),
        "reason": Param("", type="string", minLength=10, maxLength=4000, format="multiline", title="Why"),
    },
    doc_md=__doc__,
    tags=["ledger-guard", "mode"],
)
def guard_mode() -> None:
    @task
    def obey(params: dict | None = None, dag_run=None) -> str:
        """Record the change, in the name of the person who started this run."""
        with first_task():
            run, wanted = this_run(dag_run), params or {}
            change = wanted["row"], Mode(wanted["to"]), wanted["reason"], run.person
            if wanted["order"] == "raise":
                return raise_mode(run.deps, *change).sentence
            return lower_mode(run.deps, *change, is_proved=True).sentence

    obey()


guard_mode()
