"""# flag_restore

## Purpose
Enables a flag (again), for everybody or for one tenant, and lifts the incident's own freeze with its root cause.

## Schedule
None. By hand from the form.

## Params
* `flag`, `tenant_id` (`*` for everywhere), `incident_id` (UUID of the incident whose rollback or freeze ends here; empty
  for a first enabling).
* `root_cause` (text of at least 20 characters), `root_cause_link` (address or ticket), `root_cause_owner` (who sees to it
  that it stays away). Not needed where an override lets a tenant be enabled in spite of a freeze; the freeze stays then.
* `validation`: `environment` (`test` or `staging`), `passed`, `reference` (where the proof is). A statement, and recorded as
  one; where the policy's `restore.probes` names an address for the flag, that is asked instead.

## What it changes
The flag store; guard state (approval, change, the lifted freeze, comparisons of wallets).

## Safe to re-run?
Yes. An approval is used once; a cleared gate asks again.

## When it fails
`review` names every missing item: an unresolved incident, too few quiet windows with evidence, wallets that are missing or
differ unexplained, a freeze by others, a rotation that was planned and not done, no root cause, owner or link, no validation.
Nothing was written. Silence means Reject. `confirm` fails when an instance or the canary shows that the flag does not do what
it should, such as a check that refuses rightly signed webhooks too. Where neither can tell, the flag stays *unconfirmed* and is
watched for `restore.watch_minutes`: the health check asks for a rollback when the signal rises again.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import Param, TriggerRule, dag, task
from airflow.sdk.exceptions import AirflowFailException

from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.incidents import ActionStatus
from ledger_guard.entrypoints.airflow.adapters import open_dependencies
from ledger_guard.entrypoints.airflow.approval import approval_gates
from ledger_guard.entrypoints.airflow.errors import first_task, never_retried
from ledger_guard.entrypoints.airflow.runs import this_run
from ledger_guard.entrypoints.airflow.settings import START_DATE, task_defaults
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.approvals.request_approval import gate_link, tell_question
from ledger_guard.use_cases.flags import flag_run

POLICY = load_policy()
KIND = ApprovalKind.FLAG_RESTORE
APPROVAL = POLICY.approvals[KIND]


@dag(
    dag_id="flag_restore",
    schedule=None,
    start_date=START_DATE,
    catchup=False,
    max_active_runs=8,
    dagrun_timeout=timedelta(minutes=APPROVAL.longest_wait_minutes + 120),
    default_args=task_defaults(retries=1),
    params={
        "flag": Param(type="string", enum=sorted(POLICY.flags), title="Flag to enable"),
        "tenant_id": Param(
            "*", type="string", pattern=r"^(\*|[A-Za-z0-9][A-Za-z0-9._-]{0,127})$", title="Tenant, or * for everywhere"
        ),
        "incident_id": Param(None, type=["null", "string"], format="uuid", title="Incident that ends here"),
        "root_cause": Param("", type="string", maxLength=4000, format="multiline", title="Root cause"),
        "root_cause_link": Param("", type="string", maxLength=500, title="Link to the analysis or ticket"),
        "root_cause_owner": Param("", type="string", maxLength=200, title="Owner of the root cause"),
        "validation": Param(
            {"environment": "test", "passed": False, "reference": ""},
            type="object",
            properties={
                "environment": {"enum": ["test", "staging"]},
                "passed": {"type": "boolean"},
                "reference": {"type": "string", "maxLength": 500},
            },
            required=["environment", "passed", "reference"],
            additionalProperties=False,
            title="Validation in the test environment",
        ),
    },
    doc_md=__doc__,
    tags=["ledger-guard", "flags"],
)
def flag_restore() -> None:
    @task(retries=0)
    def review(params: dict | None = None, dag_run=None) -> None:
        """Compare wallets where that was long ago, then go through the checklist; every missing item ends the run."""
        with first_task():
            run = this_run(dag_run)
            run.leave("question", flag_run.review_restore_run(run.deps, params or {}, run.requester))

    @task(retries=1, on_failure_callback=None)
    def notify(dag_run=None) -> None:
        """Tell people that their answer is awaited, with the link to the page. Fails alone when the channel is down."""
        run = this_run(dag_run)
        link = gate_link(run.deps, dag_run.dag_id, dag_run.run_id, "request_approval")
        tell_question(run.deps, KIND, run.note("question"), link)

    @task(retries=0)
    def verify_approval(dag_run=None) -> str:
        """Read the recorded answer; a gate that was marked by hand left none."""
        with never_retried():
            run = this_run(dag_run)
            return flag_run.check_approval(run.deps, KIND, run.note("question"), dag_run.run_id)

    @task(retries=0)
    def restore(params: dict | None = None, dag_run=None) -> str:
        """Go through the checklist and the approval once more, then write: the freeze lifted, the flag on."""
        with never_retried():
            run = this_run(dag_run)
            return flag_run.restore_run(run.deps, params or {}, dag_run.run_id, run.requester)

    @task
    def confirm(params: dict | None = None) -> str:
        """See whether it took effect: the store, every instance, a canary; fails when one shows otherwise."""
        with never_retried():
            return flag_run.confirm_run(open_dependencies(), params or {})

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def close(params: dict | None = None, dag_run=None) -> str:
        """Say how the run ended, from guard state; fails when it did not end as wished."""
        run = this_run(dag_run)
        status, outcome = flag_run.close_run(run, KIND, params or {}, run.note_if_any("question"))
        if status is ActionStatus.FAILED:
            raise AirflowFailException(outcome)
        return outcome

    reviewed = review()
    gates = approval_gates(
        "request_approval",
        KIND,
        flag_run.restore_question,
        APPROVAL,
        subject="Enable {{ params.flag }} ({{ params.tenant_id }})?",
    )
    reviewed >> [gates[0], notify()]
    gates[-1] >> verify_approval() >> restore() >> confirm() >> close()


flag_restore()
