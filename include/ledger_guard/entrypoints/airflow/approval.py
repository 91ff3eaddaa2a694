"""The approval gate: Airflow asks; the gate records question and answer in guard state.

A task state or an XCom proves nothing (anyone who may edit task instances can set either), so the writing task reads only the
rows that this operator wrote. A gate marked success by hand has none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Context, Param, task
from airflow.sdk.exceptions import AirflowFailException

from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.shown_text import markdown
from ledger_guard.entrypoints.airflow.adapters import open_dependencies
from ledger_guard.entrypoints.airflow.errors import never_retried
from ledger_guard.entrypoints.airflow.identity import let_in, who_answered
from ledger_guard.entrypoints.airflow.runs import this_run
from ledger_guard.policy.schema import ApprovalPolicy
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.approvals.permission import why_no_answer
from ledger_guard.use_cases.approvals.record_answer import record_answer
from ledger_guard.use_cases.approvals.request_approval import gate_link, request_approval, tell_question

REASON_FIELD = "approver_reason"

#: (guard, the run's params, requester, subject) → the question
Ask = Callable[[Dependencies, Mapping[str, Any], str, str], Mapping[str, Any]]


#: Airflow's page fills its fields from its address, and anyone can send such a link
_FIELD = "Why, in at least {} characters. It is recorded as your reason. A link can fill this field: read it before you send."


class RecordedApprovalOperator(ApprovalOperator):  # type: ignore[misc]  # Airflow ships no types for it
    """An ApprovalOperator for the policy's approvers only; defaults to Reject and records the answer.

    `ask` builds the question inside the gate, from guard state and the run's own params. It gets the guard, the params, the
    requester, and the subject_id of the note named `about` that an earlier task wrote to guard state (empty without one). It
    returns subject_id, subject_hash, incident_id and proposal. None of these may come from another task's result: anyone who
    can edit an XCom could ask in another's name.
    `ordinal` is 2 for the second approver's gate, which follows the first.
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
        """Record the question, then wait for an answer."""
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
        # current policy, without requester and first approver: where Airflow can, it refuses everyone else already
        self.assigned_users = let_in(request.approvers)
        self.response_timeout = request.expires_at - request.requested_at
        # Airflow renders it as Markdown, and parts were written by people or come from data
        self.body = markdown(question["proposal"])
        # Airflow fills params from the run's conf, also this field: the requester could write the approver's reason
        self.params[REASON_FIELD] = None
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """Record the answer, then continue as ApprovalOperator does. An invalid answer fails the gate, even a Reject."""
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
                raise AirflowFailException("the question is no longer in guard state: clear this task to ask again")
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
        # before Airflow continues: on any Reject, valid or not, it skips the next task at once
        problems = why_no_answer(deps, approval)
        if approval.answer is not None and problems:
            given, why = approval.answer.answer.value, "; ".join([*filter(None, [doubt]), *problems])
            raise AirflowFailException(f"{given}, but it does not count: {why}; clear this task to ask again")
        return super().execute_complete(context, event)


def second_gate_of(task_id: str) -> str:
    """Task id of the second approver's gate after this one."""
    return task_id.replace("request_", "request_second_", 1)


def approval_gates(
    task_id: str, kind: ApprovalKind, ask: Ask, approval: ApprovalPolicy, **kwargs: Any
) -> list[RecordedApprovalOperator]:
    """One gate, or two in series if the policy asks for two people; the second has its own notice."""
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
        """Notify people that a second approver is needed, after the first approved. Fails alone when the channel is down."""
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
    """Who answered, or why this is not known."""
    if user is None:
        return None, ""
    try:
        return who_answered(user), ""
    except SafetyRefusal as error:
        return None, str(error)


def _aware(moment: datetime | str) -> datetime:
    found = datetime.fromisoformat(moment.replace("Z", "+00:00")) if isinstance(moment, str) else moment
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)
