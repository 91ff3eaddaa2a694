"""# guard_drill

## Purpose
Plays an incident of a made-up tenant, to see whether people get the notice and answer: a severe rise is judged with the real
policy, posted, and approvers are asked. Everything that it posts begins with DRILL.

## Schedule
None. Started by the health check for `python -m ledger_guard drill start`, or by hand from the form.

## Params
* `trigger`: a trigger of the policy.

## What it changes
Guard state only: the audit log, one question with its answer, and notes of the run. Readings, verdicts, incidents, baselines and
budgets stay as they are, no flag is read, and nothing is written to the platform. A stopped guard does not prevent it.

## Safe to re-run?
Yes, while the drill has not ended. A cleared gate asks again.

## When it fails
`review`: the canary tenant exists on the platform, the policy names none, or a drill of this trigger has not ended. `classify`:
the rise gave no alarm. `request_approval`: the answer does not count. `close` names the reason, also when no one answered in
time. The run ends by itself; if it is killed, the next health check ends the drill.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import Param, TriggerRule, dag, task
from airflow.sdk.exceptions import AirflowFailException

from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.drills import DrillOutcome
from ledger_guard.domain.facts.codec import from_json, json_of
from ledger_guard.domain.notices import Notice
from ledger_guard.entrypoints.airflow.adapters import drill_room
from ledger_guard.entrypoints.airflow.approval import approval_gates
from ledger_guard.entrypoints.airflow.errors import first_task, never_retried
from ledger_guard.entrypoints.airflow.runs import this_run
from ledger_guard.entrypoints.airflow.settings import START_DATE, task_defaults
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.approvals.request_approval import gate_link
from ledger_guard.use_cases.drills import ask as asking
from ledger_guard.use_cases.drills import play as playing
from ledger_guard.use_cases.drills.request import begin_drill

POLICY = load_policy()
APPROVAL = POLICY.approval_of(ApprovalKind.DRILL)
SIGNALS = [trigger.value for trigger in POLICY.triggers]


@dag(
    dag_id="guard_drill",
    schedule=None,
    start_date=START_DATE,
    catchup=False,
    max_active_runs=8,
    dagrun_timeout=timedelta(minutes=APPROVAL.longest_wait_minutes + 30),
    default_args=task_defaults(retries=1),
    params={"trigger": Param(type="string", enum=SIGNALS, title="Signal")},
    doc_md=__doc__,
    tags=["ledger-guard", "drill"],
)
def guard_drill() -> None:
    @task(retries=0)
    def review(params: dict | None = None, dag_run=None) -> None:
        """Check that the canary tenant exists nowhere, and put the drill on record."""
        with first_task():
            begin_drill(this_run(dag_run), (params or {})["trigger"])

    @task
    def classify(dag_run=None) -> None:
        """Sense and judge a severe rise of the canary tenant, in a guard in memory; fails when it is no alarm."""
        with never_retried():
            run = this_run(dag_run)
            notice = playing.play_drill(run.deps, run.note("drill")["subject_id"], drill_room())
            run.leave("notice", json_of(notice))

    @task(retries=1, on_failure_callback=None)
    def notify(dag_run=None) -> None:
        """Post the notice, marked as a drill, with the link. Fails alone when the channel is down."""
        run = this_run(dag_run)
        link = gate_link(run.deps, dag_run.dag_id, dag_run.run_id, asking.GATE)
        playing.tell_drill(run.deps, run.note("drill")["subject_id"], from_json(run.note("notice"), Notice), link)

    @task(retries=0)
    def verify_approval(dag_run=None) -> str:
        """Read the recorded answer, as a task that writes would. Nothing follows."""
        with never_retried():
            run = this_run(dag_run)
            return asking.check_drill_answer(run.deps, run.note("drill")["subject_id"], dag_run.run_id)

    @task(trigger_rule=TriggerRule.ALL_DONE, on_failure_callback=None)
    def close(dag_run=None) -> str:
        """End the drill and post who answered, after how long; fails when it showed a fault, or no one answered."""
        with never_retried():
            ended = asking.close_drill(this_run(dag_run))
        if ended.outcome != DrillOutcome.ANSWERED.value:
            raise AirflowFailException(ended.sentence)
        return ended.sentence

    judged = classify()
    gates = approval_gates(
        asking.GATE,
        ApprovalKind.DRILL,
        asking.drill_question,
        APPROVAL,
        about="drill",
        subject="DRILL: would you let the guard act on {{ params.trigger }}? Nothing is written.",
    )
    review() >> judged >> [gates[0], notify()]
    gates[-1] >> verify_approval() >> close()


guard_drill()
