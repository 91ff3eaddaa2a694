"""# guard_delegate

## Purpose
An approver lets another person whom the policy names answer instead of them, for a limited time, or ends that.

## Schedule
None. By hand from the form; the approver is who is logged in, never a name in the form.

## Params
* `order`: `delegate`, or `withdraw`.
* `to` (only to delegate): the user name of the other person.
* `hours` (only to delegate): at most the policy's `delegation.most_hours`.
* `reason` (text of at least 10 characters).

## What it changes
Guard state (the audit log). The other person is let in to questions asked from then on, until the time is over, it is
withdrawn, or the approver loses the right. Approver and deputy count as one person; a request of either stays closed to both
where the right is the approver's. A deputy can't delegate on. `withdraw` ends what the person delegated, else what was
delegated to them.

## Safe to re-run?
Yes. A second delegation by the same person is refused while the first one holds.

## When it fails
`obey` names the reason: not an approver by their own right, too long, an unknown person, or nothing to withdraw.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import Param, dag, task

from ledger_guard.entrypoints.airflow.errors import first_task
from ledger_guard.entrypoints.airflow.runs import this_run
from ledger_guard.entrypoints.airflow.settings import START_DATE, task_defaults
from ledger_guard.use_cases.approvals.delegate import delegate, withdraw


@dag(
    dag_id="guard_delegate",
    schedule=None,
    start_date=START_DATE,
    catchup=False,
    max_active_runs=1000,
    dagrun_timeout=timedelta(minutes=30),
    default_args=task_defaults(retries=0),
    params={
        "order": Param("delegate", type="string", enum=["delegate", "withdraw"], title="Delegate my approvals, or withdraw"),
        "to": Param("", type="string", maxLength=256, title="To whom", description="A user name that the policy names."),
        "hours": Param(8, type="number", exclusiveMinimum=0, maximum=24 * 31, title="For how many hours"),
        "reason": Param("", type="string", minLength=10, maxLength=4000, format="multiline", title="Why"),
    },
    doc_md=__doc__,
    tags=["ledger-guard", "approvals"],
)
def guard_delegate() -> None:
    @task
    def obey(params: dict | None = None, dag_run=None) -> list[str]:
        """Record the order, in the name of the person who started this run, and announce it."""
        with first_task():
            run, wanted = this_run(dag_run), params or {}
            if wanted["order"] == "withdraw":
                return [each.sentence for each in withdraw(run.deps, wanted["reason"], run.person)]
            return [delegate(run.deps, wanted["to"], wanted["hours"], wanted["reason"], run.person).sentence]

    obey()


guard_delegate()
