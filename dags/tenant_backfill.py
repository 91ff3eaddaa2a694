"""# tenant_backfill

## Purpose
Repairs the wallets of one tenant: always a dry-run first; then exactly that plan, without approval inside the policy's
guardrails and after a human's approval beyond them; then verification. Also undoes a forced plan.

## Schedule
None. Started by a remediation, one run per tenant, or by hand from the form.

## Params
* `tenant_id` (text): exactly one tenant; never empty, never a pattern.
* `operation`: `dry_run` (plan only), `backfill` (plan, review, force, verify; waits for an approval when the guardrails are
  exceeded), `undo` (restore the before-values of `plan_id`).
* `mode`: `force` (missing and differing rows) or `create-missing` (missing rows only).
* `plan_id` (UUID, for `undo` only), `incident_id` (UUID or empty), `reason` (text).
* `break_glass` (text of at least 30 characters): only where the policy names people who may act alone. The person who starts
  the run then writes without a second person. This is recorded and announced to everyone.

## What it changes
Wallet rows of one tenant in the platform, and nothing else there. Rows that the ledger explains are set aside. Guard
state keeps the plan, the before-images and the audit trail.

## Safe to re-run?
Yes. Each run makes its own plan; a forced plan is not applied twice. `force` and `undo` go on by themselves after a lost worker,
where they stopped; once their retries are used up, clear the task and what follows it. A task of the lost worker that lives on
ends before its next batch.

## When it fails
`force` refuses when the plan expired, was edited, or has no valid approval: nothing was written; start a new run.
See `docs/runbooks/T3_balance_mismatch.md`.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import Param, TriggerRule, dag, task
from airflow.sdk.exceptions import AirflowFailException

from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.incidents import ActionStatus
from ledger_guard.entrypoints.airflow.adapters import open_platform_script
from ledger_guard.entrypoints.airflow.approval import approval_gates
from ledger_guard.entrypoints.airflow.break_glass import break_glass_params, shout
from ledger_guard.entrypoints.airflow.errors import first_task, never_retried
from ledger_guard.entrypoints.airflow.failure import correct_failure, tell_failed_ending
from ledger_guard.entrypoints.airflow.runs import this_run, writer_claim
from ledger_guard.entrypoints.airflow.settings import START_DATE, goes_on_by_itself, task_defaults
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.approvals.request_approval import gate_link, tell_question
from ledger_guard.use_cases.backfill import backfill_ending, backfill_run

POLICY = load_policy()
#: the gate of each operation that writes
GATES = {
    "backfill": ("request_approval", ApprovalKind.BACKFILL_FORCE),
    "undo": ("request_undo_approval", ApprovalKind.BACKFILL_UNDO),
}
#: whether the policy lets anyone act alone: then the form has a field for it, and the graph a task
MAY_ACT_ALONE = any(POLICY.break_glass.users_for(kind) for _, kind in GATES.values())
ONE_OF_MANY = TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS
#: limit for each task that reads or writes a tenant's wallets, over all runs
AT_ONCE = 32
WRITES = {**goes_on_by_itself(), "trigger_rule": ONE_OF_MANY, "max_active_tis_per_dag": AT_ONCE}


@dag(
    dag_id="tenant_backfill",
    schedule=None,
    start_date=START_DATE,
    catchup=False,
    # a run that waits for an answer holds no worker: an emergency must never queue behind unanswered questions
    max_active_runs=1000,
    dagrun_timeout=timedelta(minutes=max(POLICY.approvals[kind].longest_wait_minutes for _, kind in GATES.values()) + 240),
    default_args=task_defaults(retries=2),
    params={
        "tenant_id": Param(type="string", minLength=1, maxLength=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", title="Tenant"),
        "operation": Param(
            "dry_run",
            enum=["dry_run", "backfill", "undo"],
            values_display={"dry_run": "Dry-run only", "backfill": "Backfill (writes)", "undo": "Undo a plan (writes)"},
            title="What to do",
        ),
        "mode": Param(
            "force",
            enum=["force", "create-missing"],
            values_display={"force": "Missing and differing rows", "create-missing": "Missing rows only"},
            title="Rows",
        ),
        "plan_id": Param(None, type=["null", "string"], format="uuid", title="Plan to undo", section="Undo"),
        "incident_id": Param(None, type=["null", "string"], format="uuid", title="Incident"),
        "reason": Param("", type="string", maxLength=500, title="Why"),
        **break_glass_params(POLICY.break_glass, may_act_alone=MAY_ACT_ALONE),
    },
    doc_md=__doc__,
    tags=["ledger-guard", "backfill"],
)
def tenant_backfill() -> None:
    @task(retries=1, max_active_tis_per_dag=AT_ONCE)
    def dry_run(params: dict | None = None, dag_run=None) -> None:
        """Compare and store the plan: the exact rows, before and after. Writes nothing to the platform."""
        with first_task():
            run = this_run(dag_run)
            run.leave("plan", backfill_run.plan_run(run.deps, params or {}, run.requester))

    @task.branch
    def review(params: dict | None = None, dag_run=None) -> list[str]:
        """Inside the guardrails force needs no approval; beyond them a human approves exactly this plan."""
        with never_retried():
            run = this_run(dag_run)
            return backfill_run.next_tasks(run.deps, run.note("plan"), params or {})

    @task(retries=1, on_failure_callback=None)
    def notify(dag_run=None) -> None:
        """Notify people that their answer is needed, with the link. Fails alone when the channel is down."""
        run = this_run(dag_run)
        plan = run.note("plan")
        gate, kind = GATES[plan["operation"]]
        tell_question(run.deps, kind, plan, gate_link(run.deps, dag_run.dag_id, dag_run.run_id, gate))

    @task.branch(retries=2)
    def break_glass(params: dict | None = None, dag_run=None) -> list[str]:
        """Record that the person who started the run acts alone; refused unless the policy names them."""
        with never_retried():
            run = this_run(dag_run)
            where, plan_id = (dag_run.dag_id, dag_run.run_id), run.note("plan")["plan_id"]
            return backfill_run.break_glass_run(run.deps, params or {}, plan_id, run.person, *where)

    @task(multiple_outputs=False, **WRITES)
    def force(params: dict | None = None, dag_run=None, ti=None) -> dict:
        """Apply exactly the plan. The approval is read again in here, from guard state."""
        with never_retried():
            run = this_run(dag_run)
            given = run.deps, params or {}, run.note("plan"), run.requester
            return backfill_run.force_run(*given, open_platform_script, writer_claim(ti, dag_run))

    @task(multiple_outputs=False, **WRITES)
    def undo(params: dict | None = None, dag_run=None, ti=None) -> dict:
        """Restore the before-values where rows still hold what force wrote. Needs its own approval, read in here."""
        with never_retried():
            run = this_run(dag_run)
            return backfill_run.undo_run(run.deps, params or {}, run.note("plan"), run.requester, writer_claim(ti, dag_run))

    @task(multiple_outputs=False, trigger_rule=ONE_OF_MANY, max_active_tis_per_dag=AT_ONCE)
    def verify(params: dict | None = None, dag_run=None) -> dict:
        """Compare again: remaining differences are named by cause."""
        with never_retried():
            run = this_run(dag_run)
            found = backfill_run.verify_run(run.deps, params or {}, run.note("plan"))
            run.leave("verified", found)
            return found

    @task(retries=1, trigger_rule=TriggerRule.ALL_DONE, on_failure_callback=tell_failed_ending)
    def close(params: dict | None = None, dag_run=None) -> str:
        """Record on the incident how the run ended, from guard state; fails when the goal was not reached."""
        run = this_run(dag_run)
        notes = run.note_if_any("plan"), run.note_if_any("verified")
        status, outcome = backfill_ending.close_run(run, params or {}, *notes)
        if status is ActionStatus.FAILED:
            raise AirflowFailException(outcome)
        if status is ActionStatus.DONE:
            correct_failure(run, outcome)
        return outcome

    reviewed, forced, undone, verified, closed = review(), force(), undo(), verify(), close()
    dry_run() >> reviewed >> [notify(), forced, undone, verified, closed]
    for operation, write in (("backfill", forced), ("undo", undone)):
        gate, kind = GATES[operation]
        words = f"{operation.capitalize()} of tenant {{{{ params.tenant_id }}}}: write to its wallets?"
        ask = backfill_run.backfill_question
        gates = approval_gates(gate, kind, ask, POLICY.approvals[kind], about="plan", subject=words)
        reviewed >> gates[0]
        # each gate directly before the write: a rejection skips only its direct successor
        for each in gates:
            each >> write
    if MAY_ACT_ALONE:
        reviewed >> break_glass() >> [forced, undone, shout()]
    [forced, undone] >> verified >> closed


tenant_backfill()
