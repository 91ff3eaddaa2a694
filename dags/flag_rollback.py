"""# flag_rollback

## Purpose
Switches one flag to its safe value (off), globally or for one tenant, when a named human other than the requester agrees.

## Schedule
None. Started by a remediation, one run per flag and incident, or by hand from the form.

## Params
* `flag`: a flag of the policy.
* `tenant_id`: one tenant, or `*` for everywhere.
* `incident_id` (UUID): the incident that this rolls back for.
* `reason` (text).
* `break_glass` (text of at least 30 characters): only where the policy names people who may act alone; who starts the run
  then rolls back without a second person. On record, and told to everybody.

## What it changes
The flag store; guard state (approval, change, and a freeze: nothing new may be enabled until a root cause is on record).

## Safe to re-run?
Yes. An approval is used once; a cleared gate asks again. A run breaks the glass once.

## When it fails
`roll_back` refuses when there is no approval that counts, or when the flag, the incident or its severity changed since:
nothing was written; start a new run. `confirm` fails when the store, an instance or the canary shows another value; without
probes in the policy the change ends as written and *unconfirmed*. A restart that failed fails `roll_back`: clear it, it goes
on. Silence means Reject.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import Param, TriggerRule, dag, task
from airflow.sdk.exceptions import AirflowFailException

from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.incidents import ActionStatus
from ledger_guard.entrypoints.airflow.adapters import open_dependencies
from ledger_guard.entrypoints.airflow.approval import approval_gates
from ledger_guard.entrypoints.airflow.break_glass import break_glass_params, shout
from ledger_guard.entrypoints.airflow.errors import first_task, never_retried
from ledger_guard.entrypoints.airflow.runs import this_run
from ledger_guard.entrypoints.airflow.settings import START_DATE, task_defaults
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.approvals.request_approval import gate_link, tell_question
from ledger_guard.use_cases.flags import flag_run

POLICY = load_policy()
KIND = ApprovalKind.FLAG_ROLLBACK
APPROVAL = POLICY.approvals[KIND]
#: whether the policy lets anybody act alone; the form has a field for it then, and the graph a way
MAY_ACT_ALONE = bool(POLICY.break_glass.users_for(KIND))


@dag(
    dag_id="flag_rollback",
    schedule=None,
    start_date=START_DATE,
    catchup=False,
    # a run that waits for an answer holds no worker: an emergency must never queue behind questions that nobody answers
    max_active_runs=1000,
    dagrun_timeout=timedelta(minutes=APPROVAL.longest_wait_minutes + 120),
    default_args=task_defaults(retries=1),
    params={
        "flag": Param(type="string", enum=sorted(POLICY.flags), title="Flag to roll back"),
        "tenant_id": Param(
            "*", type="string", pattern=r"^(\*|[A-Za-z0-9][A-Za-z0-9._-]{0,127})$", title="Tenant, or * for everywhere"
        ),
        "incident_id": Param(type="string", format="uuid", title="Incident"),
        "reason": Param("", type="string", maxLength=500, title="Why"),
        **break_glass_params(POLICY.break_glass, may_act_alone=MAY_ACT_ALONE),
    },
    doc_md=__doc__,
    tags=["ledger-guard", "flags"],
)
def flag_rollback() -> None:
    @task
    def review(params: dict | None = None, dag_run=None) -> None:
        """Read the flag and the evidence: what exactly would be approved."""
        with first_task():
            run = this_run(dag_run)
            run.leave("question", flag_run.review_roll_back_run(run.deps, params or {}, run.requester))

    @task.branch
    def decide(params: dict | None = None, dag_run=None) -> list[str]:
        """Ask people; or act alone; or nothing, when the flag is in its safe state already."""
        return flag_run.next_tasks(this_run(dag_run).note("question"), params or {}, may_act_alone=MAY_ACT_ALONE)

    @task(retries=1, on_failure_callback=None)
    def notify(dag_run=None) -> None:
        """Tell people that their answer is awaited, with the link to the page. Fails alone when the channel is down."""
        run = this_run(dag_run)
        link = gate_link(run.deps, dag_run.dag_id, dag_run.run_id, "request_approval")
        tell_question(run.deps, KIND, run.note("question"), link)

    @task(retries=2)
    def break_glass(params: dict | None = None, dag_run=None) -> str:
        """Put on record that who started the run acts alone; refused unless the policy names them."""
        with never_retried():
            run = this_run(dag_run)
            return flag_run.break_glass_run(run.deps, params or {}, run.person, dag_run.dag_id, dag_run.run_id)

    @task(retries=0)
    def verify_approval(dag_run=None) -> str:
        """Read the recorded answer; a gate that was marked by hand left none."""
        with never_retried():
            run = this_run(dag_run)
            return flag_run.check_approval(run.deps, KIND, run.note("question"), dag_run.run_id)

    @task(retries=0, trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS)
    def roll_back(params: dict | None = None, dag_run=None) -> str:
        """Check approval and evidence once more, then write: the flag off, a freeze opened."""
        with never_retried():
            run = this_run(dag_run)
            return flag_run.roll_back_run(run.deps, params or {}, dag_run.run_id, run.requester)

    @task
    def confirm(params: dict | None = None) -> str:
        """See whether it took effect: the store, every instance, a canary; fails when one shows otherwise."""
        with never_retried():
            return flag_run.confirm_run(open_dependencies(), params or {})

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def close(params: dict | None = None, dag_run=None) -> str:
        """Record on the incident how the run ended, from guard state; fails when it did not end as wished."""
        run = this_run(dag_run)
        status, outcome = flag_run.close_run(run, KIND, params or {}, run.note_if_any("question"))
        if status is ActionStatus.FAILED:
            raise AirflowFailException(outcome)
        return outcome

    reviewed = review()
    gates = approval_gates(
        "request_approval",
        KIND,
        flag_run.roll_back_question,
        APPROVAL,
        subject="Roll back {{ params.flag }} ({{ params.tenant_id }})?",
    )
    decided, rolled_back, closed = decide(), roll_back(), close()
    reviewed >> decided >> [gates[0], notify(), closed]
    gates[-1] >> verify_approval() >> rolled_back >> confirm() >> closed
    if MAY_ACT_ALONE:
        decided >> break_glass() >> [rolled_back, shout()]


flag_rollback()
