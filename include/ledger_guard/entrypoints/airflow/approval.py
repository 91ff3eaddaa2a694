"""The approval gate: Airflow asks, and the gate itself records the question and the answer in guard state.

A task state or an XCom proves nothing (anybody who may edit task instances can set either), so the writing task reads
only the rows that this operator wrote: a gate marked success by hand leaves none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Context, Param, task
from airflow.sdk.exceptions import AirflowFailException

from ledger_guard.domain.approvals import ApprovalKind, why_it_does_not_count
from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.shown_text import markdown
from ledger_guard.entrypoints.airflow.adapters import open_dependencies
from ledger_guard.entrypoints.airflow.errors import never_retried
from ledger_guard.entrypoints.airflow.identity import let_in, who_answered
from ledger_guard.entrypoints.airflow.runs import this_run
from ledger_guard.policy.schema import ApprovalPolicy
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.approvals.record_answer import record_answer
from ledger_guard.use_cases.approvals.request_approval import gate_link, request_approval, tell_question

REASON_FIELD = "approver_reason"

#: guard, the run's params, who started the run, what about → the question
Ask = Callable[[Dependencies, Mapping[str, Any], str, str], Mapping[str, Any]]


#: Airflow's page fills its fields from the address that it was opened with, and anybody can send such a link
_FIELD = "Why, in at least {} characters; it goes on record as yours. A link can fill this in: read what you send."


class RecordedApprovalOperator(ApprovalOperator):  # type: ignore[misc]  # Airflow ships no types for it
    """An ApprovalOperator that answers only to the policy's approvers, defaults to Reject, and records what was said.

    `ask` puts the question together inside the gate, from guard state and the run's own params: given the guard, the
    params, who asks, and the subject_id of the note that an earlier task left in guard state under the name `about` (empty
    without one). It returns subject_id, subject_hash, incident_id and proposal. Another task's result is no source for any of
    these: whoever may edit an XCom could ask in another's name.
    `ordinal` is 2 for the gate of a second person, which stands behind the first.
    """

    def __init__(
        self, *, kind: ApprovalKind, ask: Ask, approval: ApprovalPolicy, about: str = "", ordinal: int = 1, **kwargs: Any
    ) -> None:
        # the DAG's own params, which Airflow puts here and adds again below; the gate's form has one field
        kwargs.pop("params", None)
        super().__init__(
            assigned_users=let_in(approval.approvers),
            response_timeout=timedelta(minutes=approval.valid_minutes),
            defaults=ApprovalOperator.REJECT,
            # null is allowed because Airflow checks the value before it parks; the length is checked when recorded
            params={
                REASON_FIELD: Param(
                    None,
                    type=["null", "string"],
                    title="Reason",
                    description=_FIELD.format(approval.minimum_reason_characters),
                )
            },
            # a retry would ask people a second time
            retries=0,
            **kwargs,
        )
        self.kind = kind
        self.ask = ask
        self.about = about
        self.ordinal = ordinal

    def execute(self, context: Context) -> Any:
        """Record the question, then park until somebody answers."""
        ti = context["ti"]
        with never_retried():
            run = this_run(context["dag_run"])
            deps, by = run.deps, run.requester
            about = str(run.note(self.about)["subject_id"]) if self.about else ""
            question = self.ask(deps, dict(context["params"]), by, about)
            request = request_approval(
                deps,
                self.kind,
                question["subject_id"],
                question["subject_hash"],
                incident_id=question["incident_id"],
                requested_by=by,
                dag_id=ti.dag_id,
                run_id=ti.run_id,
                task_id=ti.task_id,
                link=gate_link(deps, ti.dag_id, ti.run_id, ti.task_id),
                proposal=question["proposal"],
                ordinal=self.ordinal,
            )
        # the policy of now, less the requester and who agreed first: where Airflow can, it turns everybody else away at the door
        self.assigned_users = let_in(request.approvers)
        self.response_timeout = request.expires_at - request.requested_at
        # Airflow shows it as Markdown, and people and data wrote parts of it
        self.body = markdown(question["proposal"])
        # Airflow fills params from the run's conf, this field too: the requester would write the approver's reason
        self.params[REASON_FIELD] = None
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """Record the answer, then go on as ApprovalOperator does. An answer that does not count fails the gate, a Reject too."""
        if "error" in event:
            return super().execute_complete(context, event)
        ti, user = context["ti"], event.get("responded_by_user")
        given = (event.get("params_input") or {}).get(REASON_FIELD)
        by, doubt = _who(user)
        with never_retried():
            deps = open_dependencies()
            with deps.state.transaction() as state:
                asked = state.approvals.of_gate(ti.dag_id, ti.run_id, ti.task_id)
            if asked is None:
                raise AirflowFailException("the question is not in guard state any more: clear this task to ask again")
            approval = record_answer(
                deps,
                asked.request.approval_id,
                chosen_options=list(event["chosen_options"]),
                reason=given if isinstance(given, str) else "",
                answered_by=by,
                answered_at=_aware(event["responded_at"]),
                timed_out=bool(event.get("timedout")) or user is None,
                doubt=doubt,
            )
        # before Airflow goes on: by a Reject it skips what follows at once, whosever it was
        problems = why_it_does_not_count(approval, deps.wall_clock.now())
        if approval.answer is not None and problems:
            said, why = approval.answer.answer.value, "; ".join([*filter(None, [doubt]), *problems])
            raise AirflowFailException(f"{said}, but it does not count: {why}; clear this task to ask again")
        return super().execute_complete(context, event)


def second_gate_of(task_id: str) -> str:
    """Task id of the gate that asks a second person behind this one."""
    return task_id.replace("request_", "request_second_", 1)


def approval_gates(
    task_id: str, kind: ApprovalKind, ask: Ask, approval: ApprovalPolicy, **kwargs: Any
) -> list[RecordedApprovalOperator]:
    """One gate; or two in series where the policy asks for two people, the second with a notice of its own."""
    gates = [RecordedApprovalOperator(task_id=task_id, kind=kind, ask=ask, approval=approval, **kwargs)]
    if approval.approvers_needed > 1:
        second_id = second_gate_of(task_id)
        second = RecordedApprovalOperator(task_id=second_id, kind=kind, ask=ask, approval=approval, ordinal=2, **kwargs)
        gates[0] >> [second, _second_notice(kind, task_id)]
        gates.append(second)
    return gates


def _second_notice(kind: ApprovalKind, task_id: str) -> Any:
    @task(task_id=task_id.replace("request_", "notify_second_", 1), retries=1, on_failure_callback=None)  # type: ignore[untyped-decorator]
    def notify_second(dag_run: Any = None) -> None:
        """Tell people that a second person is awaited, once the first has agreed. Fails alone when the channel is down."""
        deps = open_dependencies()
        with deps.state.transaction() as state:
            first = state.approvals.of_gate(dag_run.dag_id, dag_run.run_id, task_id)
        if first is not None:
            asked = first.request
            question = {"proposal": asked.proposal, "requested_by": asked.requested_by, "incident_id": asked.incident_id}
            link = gate_link(deps, dag_run.dag_id, dag_run.run_id, second_gate_of(task_id))
            tell_question(deps, kind, question, link, ordinal=2)

    return notify_second()


def _who(user: Mapping[str, Any] | None) -> tuple[str | None, str]:
    """Who answered, and else why it can't be told."""
    if user is None:
        return None, ""
    try:
        return who_answered(user), ""
    except SafetyRefusal as error:
        return None, str(error)


def _aware(moment: datetime | str) -> datetime:
    found = datetime.fromisoformat(moment.replace("Z", "+00:00")) if isinstance(moment, str) else moment
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)
