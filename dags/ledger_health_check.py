"""# ledger_health_check

## Purpose
Reads each signal of the policy (refused withdrawals, webhook signatures, balances, and any added ones), judges every tenant's
newest windows, and does what the policy says: nothing, notify people, or start a remediation.

## Schedule
Every 5 minutes; one run at a time; no catch-up (each run senses every closed window since the last run).

## Params
* `triggers` (words of the policy's `triggers`; default all): check only these, for a check by hand.

## What it changes
Guard state only: readings, verdicts, incidents, sent reminders, repairs compared again, flag changes that it noticed, questions
and drills whose run has ended, the policy's modes; and one line in the file of LEDGER_GUARD_AUDIT_HEADS_FILE, if set. It starts
`ledger_remediation`, and `guard_drill` for a drill that a person asked for. It starts `flag_rollback` for a flag that was enabled
unconfirmed and whose signal rose again, unless triage advises against a rollback. It never touches the platform.

## Safe to re-run?
Yes. Windows are stored once, verdicts are replaced, a remediation starts once per incident, severity and scope, and a rollback
is requested once per restore.

## When it fails
A source that is down gives `no_data`, not a failure. A failed task is reported in the operations channel; see
`docs/operations.md`. `watch` and `keep_record` do several things: one that fails stops no other, and the message names those that
failed. Runbooks: `docs/runbooks/`.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Param, PokeReturnValue, TriggerRule, XComArg, dag, task, task_group
from airflow.sdk.exceptions import AirflowSkipException

from ledger_guard.domain.facts.codec import from_json, json_of
from ledger_guard.domain.signals import Trigger
from ledger_guard.entrypoints.airflow.adapters import judge, open_dependencies, put_audit_head_on_record
from ledger_guard.entrypoints.airflow.errors import first_task, never_retried
from ledger_guard.entrypoints.airflow.parts import each_part
from ledger_guard.entrypoints.airflow.runs import this_run
from ledger_guard.entrypoints.airflow.settings import CHECK_SCHEDULE, POKE_SECONDS, START_DATE, task_defaults
from ledger_guard.entrypoints.airflow.watch import watch_runs_and_drills
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.approvals import modes
from ledger_guard.use_cases.approvals import remind_and_call as calling
from ledger_guard.use_cases.flags import flag_reminders
from ledger_guard.use_cases.flags import watch_restored as restored
from ledger_guard.use_cases.health_check import announce as announcing
from ledger_guard.use_cases.health_check import decide as deciding
from ledger_guard.use_cases.health_check import sense as sensing
from ledger_guard.use_cases.health_check import watch as watching
from ledger_guard.use_cases.health_check.classify_outcome import ClassifyOutcome

POLICY = load_policy()
SIGNALS = [trigger.value for trigger in POLICY.triggers]
SENSE_TIMEOUT_SECONDS = POLICY.sensing.allowed_lateness_seconds + POLICY.sensing.give_up_after_seconds + 300


@dag(
    dag_id="ledger_health_check",
    schedule=CHECK_SCHEDULE,
    start_date=START_DATE,
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(minutes=30),
    default_args=task_defaults(retries=2),
    params={"triggers": Param(SIGNALS, type="array", items={"type": "string", "enum": SIGNALS}, minItems=1, title="Signals")},
    doc_md=__doc__,
    tags=["ledger-guard", "watch"],
)
def ledger_health_check() -> None:
    @task(multiple_outputs=False, retries=1, on_failure_callback=None)
    def watch() -> dict:
        """Report what the guard lacks and what was done past it, and remind people. Fails alone when the channel is down."""
        deps = open_dependencies()
        return each_part(
            {
                "verdicts and repairs": lambda: watching.watch_and_verify(deps),
                "flags": lambda: flag_reminders.watch_and_remind(deps),
                "questions and calls": lambda: calling.remind_and_call(deps),
            }
        )

    @task(multiple_outputs=False, retries=1)
    def keep_record() -> dict:
        """Record new modes of the policy, and the audit log's head in a file outside its database; fails when it lost one."""
        return each_part({"modes": lambda: modes.see_modes(open_dependencies()), "audit head": put_audit_head_on_record})

    @task(retries=0, on_failure_callback=None)
    def watch_runs(ti=None) -> list[dict]:
        """Report paused DAGs, runs that did not start, questions whose run has ended; take up drills. Fails alone."""
        return watch_runs_and_drills(ti)

    watch()
    keep_record()

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def watch_restored() -> list[dict]:
        """Check whether a signal rose again after its flag was enabled unconfirmed; if so, ask people for a rollback."""
        with never_retried():
            return restored.watch_restored(open_dependencies())

    judged, rollbacks = [check(trigger) for trigger in POLICY.triggers], watch_restored()
    judged >> rollbacks
    for task_id, dag_id, runs in (("start_drills", "guard_drill", watch_runs()), ("ask_back", "flag_rollback", rollbacks)):
        TriggerDagRunOperator.partial(
            task_id=task_id, trigger_dag_id=dag_id, logical_date=None, skip_when_already_exists=True
        ).expand_kwargs(runs)


def check(trigger: Trigger) -> XComArg:
    """Sense → classify → decide → nothing, notify, or notify and remediate, for one signal; returns what classify found."""
    #: what classify found, in guard state
    note = f"{trigger.value} outcome"

    @task_group(group_id=trigger.value)
    def chain() -> XComArg:
        @task.sensor(poke_interval=POKE_SECONDS, timeout=SENSE_TIMEOUT_SECONDS, mode="reschedule")
        def sense(params: dict | None = None) -> PokeReturnValue:
            """Wait until the newest closed window is complete, then load every window since the last one."""
            with first_task(watches=False):
                if trigger.value not in (params or {})["triggers"]:
                    raise AirflowSkipException(f"{trigger.value} is not among the run's triggers")
                deps = open_dependencies()
                if not sensing.is_ready(deps, trigger):
                    return PokeReturnValue(is_done=False)
                return PokeReturnValue(is_done=True, xcom_value=json_of(sensing.sense(deps, trigger)))

        @task(multiple_outputs=False)
        def classify(dag_run=None) -> dict:
            """Judge all tenants; open, escalate, continue or resolve the incident."""
            with never_retried():
                run = this_run(dag_run)
                outcome = json_of(judge(run.deps, trigger))
                run.leave(note, outcome)
                return outcome

        @task.branch
        def decide(dag_run=None, ti=None) -> list[str]:
            """Look the case up in the policy's matrix; grant a remediation run if needed."""
            with never_retried():
                run = this_run(dag_run)
                decision = deciding.decide(run.deps, from_json(run.note(note), ClassifyOutcome))
            ti.xcom_push("remediation_run_id", decision.remediation_run_id)
            ti.xcom_push("incident_id", decision.incident_id)
            ways = {"nothing": ["nothing"], "notify": ["notify"], "remediate": ["notify", "remediate"]}
            return [f"{trigger.value}.{way}" for way in ways[decision.branch]]

        @task(retries=1, on_failure_callback=None)
        def notify(dag_run=None) -> None:
            """Notify people: tenants, evidence, proposed actions. Fails alone when the channel is down."""
            with never_retried():
                run = this_run(dag_run)
                announcing.announce(run.deps, from_json(run.note(note), ClassifyOutcome))

        remediate = TriggerDagRunOperator(
            task_id="remediate",
            trigger_dag_id="ledger_remediation",
            trigger_run_id=f"{{{{ ti.xcom_pull(task_ids='{trigger.value}.decide', key='remediation_run_id') }}}}",
            conf={"incident_id": f"{{{{ ti.xcom_pull(task_ids='{trigger.value}.decide', key='incident_id') }}}}"},
            logical_date=None,
            skip_when_already_exists=True,
        )
        judged = classify()
        sense() >> judged >> decide() >> [EmptyOperator(task_id="nothing"), notify(), remediate]
        return judged

    return chain()


ledger_health_check()
