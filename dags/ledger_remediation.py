"""# ledger_remediation

## Purpose
Works on one incident: does what the policy's matrix row names, except repairs that triage advises against; waits for the runs
it started, checks whether the signal recovered, and writes the incident report. While the row is in shadow it only reads,
makes dry-runs, and records what it would have done.

## Schedule
None. Started by the health check, or by hand from the form.

## Params
* `incident_id` (UUID or empty): the incident to work on. When empty, describe the case with the other fields:
* `trigger` (a word of the policy's `triggers`), `severity` (`mild`, `severe`), `scope` (`isolated`, `widespread`),
  `tenants` (list of tenant ids), `reason` (text). Such a case is recorded beside the sensed evidence and does not change it.

## What it changes
Guard state (incident, actions, freezes, rotation plans). It starts `tenant_backfill` runs, one per tenant, and a
`flag_rollback` run; those write to the platform behind their own gates.

## Safe to re-run?
Yes: what is in progress is not started twice.

## When it fails
Each started run reports its own failure. `report` fails when the signal did not recover within the policy's time after a
repair: see the runbook of the trigger in `docs/runbooks/`.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Param, PokeReturnValue, TriggerRule, dag, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from ledger_guard.domain.facts.codec import from_json, json_of
from ledger_guard.entrypoints.airflow.errors import first_task, never_retried
from ledger_guard.entrypoints.airflow.runs import run_state, this_run
from ledger_guard.entrypoints.airflow.settings import POKE_SECONDS, START_DATE, task_defaults
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.approvals.granted_runs import RunOnRecord
from ledger_guard.use_cases.remediation import remediate as remediating
from ledger_guard.use_cases.remediation import remediation_steps as steps
from ledger_guard.use_cases.remediation.recovery import Case, Recovery, recovery

POLICY = load_policy()
#: the part of the form that describes a case without an incident
BY_HAND = "Without an incident"
#: approvals and recoveries take minutes to hours: checking more often would only keep workers busy
LOOK_SECONDS = 4 * POKE_SECONDS
ONE_OF_MANY = TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS
ENDED = TriggerRule.ALL_DONE


@dag(
    dag_id="ledger_remediation",
    schedule=None,
    start_date=START_DATE,
    catchup=False,
    max_active_runs=16,
    dagrun_timeout=timedelta(minutes=POLICY.mitigation.wait_minutes + POLICY.mitigation.recover_within_minutes + 60),
    default_args=task_defaults(retries=2),
    params={
        "incident_id": Param(None, type=["null", "string"], format="uuid", title="Incident"),
        "trigger": Param(
            None,
            type=["null", "string"],
            enum=[None, *(each.value for each in POLICY.triggers)],
            title="Trigger",
            section=BY_HAND,
        ),
        "severity": Param(None, type=["null", "string"], enum=[None, "mild", "severe"], title="Severity", section=BY_HAND),
        "scope": Param(None, type=["null", "string"], enum=[None, "isolated", "widespread"], title="Scope", section=BY_HAND),
        "tenants": Param([], type="array", items={"type": "string"}, title="Tenants", section=BY_HAND),
        "reason": Param("", type="string", maxLength=500, title="Why", section=BY_HAND),
    },
    doc_md=__doc__,
    tags=["ledger-guard", "remediate"],
)
def ledger_remediation() -> None:
    @task
    def open_case(params: dict | None = None, dag_run=None) -> None:
        """Open the case and look up its actions in the policy."""
        with first_task():
            run = this_run(dag_run)
            case = remediating.open_case(run.deps, params or {}, run.requester, dag_run.run_id)
            run.leave("case", json_of(case))

    @task.branch
    def decide(dag_run=None) -> list[str]:
        """Choose the tasks of the named actions."""
        return [steps.task_of(word) for word in case_of(this_run(dag_run)).actions]

    def step(word: str):
        """The task of one action that this run does itself."""

        @task(task_id=word, multiple_outputs=False, doc_md=steps.STEPS[word].__doc__)
        def execute_plan(dag_run=None) -> object:
            with never_retried():
                run = this_run(dag_run)
                return steps.do_step(run.deps, case_of(run), word)

        return execute_plan

    @task(trigger_rule=ONE_OF_MANY)
    def list_backfills(dag_run=None) -> list[dict]:
        """One tenant_backfill run per tenant, full or dry-run only. After triage, which must see the state before it."""
        with never_retried():
            run = this_run(dag_run)
            kind = steps.backfill_kind(case_of(run).actions)
            if kind is None:
                # a branch does not skip tasks downstream of a task that it follows
                raise AirflowSkipException("the policy names neither a backfill nor its dry-run")
            return steps.runs_to_start(run.deps, case_of(run), kind)

    @task(trigger_rule=ENDED)
    def list_rollbacks(dag_run=None) -> list[dict]:
        """Runs of flag_rollback for this trigger's flag, unless triage advises against it; a failed triage does not."""
        with never_retried():
            run = this_run(dag_run)
            if run.note_if_any("case") is None or "roll_back" not in case_of(run).actions:
                raise AirflowSkipException("the policy names no rollback")
            return steps.runs_to_start(run.deps, case_of(run), "roll_back")

    @task.sensor(poke_interval=LOOK_SECONDS, timeout=POLICY.mitigation.wait_minutes * 60, mode="reschedule", trigger_rule=ENDED)
    def wait(ti=None, dag_run=None) -> PokeReturnValue:
        """Wait, without holding a slot, until everything that was started has ended."""
        run = this_run(dag_run)
        if run.note_if_any("case") is None:
            raise AirflowFailException("no case was opened; see open_case")
        ended = remediating.settle_runs(run.deps, case_of(run), lambda dag_id, run_id: run_state(ti, dag_id, run_id))
        return PokeReturnValue(is_done=ended)

    @task.sensor(poke_interval=LOOK_SECONDS, timeout=(POLICY.mitigation.recover_within_minutes + 30) * 60, mode="reschedule")
    def verify(dag_run=None) -> PokeReturnValue:
        """Check whether the signal recovered: the health check's verdicts decide, missing data never does."""
        run = this_run(dag_run)
        found = recovery(run.deps, case_of(run))
        run.leave("recovery", {"found": found.value})
        return PokeReturnValue(is_done=found is not Recovery.WAITING)

    @task(retries=0)
    def report(dag_run=None) -> str:
        """Write the incident report; fails when the signal did not recover after a repair."""
        run = this_run(dag_run)
        case, found = case_of(run), run.note("recovery")["found"]
        text = steps.report_case(run.deps, case, found)
        if found == Recovery.NOT_RECOVERED.value:
            raise AirflowFailException(steps.ending(run.deps, case, Recovery.NOT_RECOVERED))
        return text

    @task(retries=1, on_failure_callback=None)
    def notify(dag_run=None) -> None:
        """Post the outcome in the incident's thread. Fails alone when the channel is down."""
        run = this_run(dag_run)
        steps.tell_case(run.deps, case_of(run), run.note("recovery")["found"])

    opened = open_case()
    done = {word: step(word)() for word in steps.STEPS}
    backfills, rollbacks = list_backfills(), list_rollbacks()
    opened >> decide() >> [*done.values(), backfills, rollbacks]
    done["triage"] >> backfills
    [done["triage"], done["check_secrets"]] >> rollbacks
    starts = [
        TriggerDagRunOperator.partial(
            task_id=task_id, trigger_dag_id=dag_id, logical_date=None, skip_when_already_exists=True
        ).expand_kwargs(runs)
        for task_id, dag_id, runs in (
            ("start_backfills", "tenant_backfill", backfills),
            ("start_rollback", "flag_rollback", rollbacks),
        )
    ]
    [*done.values(), *starts] >> wait() >> verify() >> [report(), notify()]


def case_of(run: RunOnRecord) -> Case:
    """The case that this run opened, from guard state."""
    return from_json(run.note("case"), Case)


ledger_remediation()
