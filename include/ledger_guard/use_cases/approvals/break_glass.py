"""break_glass: a person named in the policy acts alone when no one else can approve. Recorded, and announced to everyone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from ledger_guard.domain.approvals import Answer, Approval, ApprovalAnswer, ApprovalKind, ApprovalRequest
from ledger_guard.domain.attestations import answer_attested, is_unkeyed, question_attested
from ledger_guard.domain.errors import NotificationFailed, SafetyRefusal
from ledger_guard.domain.facts.approvals import GlassBroken
from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.notices import Notice
from ledger_guard.domain.shown_text import wrote
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.approvals.permission import incident_state
from ledger_guard.use_cases.notify.notices import approval_notice
from ledger_guard.use_cases.notify.notify import notify

#: the run's param with the reason; the person is who started the run
PARAM = "break_glass"
#: the task that records it, and the gate of its question
TASK_ID = "break_glass"


def wants_to_act_alone(params: Mapping[str, Any]) -> bool:
    """Whether the run was started to act alone."""
    return bool(str(params.get(PARAM) or "").strip())


def break_glass(
    deps: Dependencies,
    kind: ApprovalKind,
    question: Mapping[str, Any],
    *,
    by: str,
    reason: object,
    dag_id: str,
    run_id: str,
    link: str,
) -> Approval:
    """Record that `by` acts alone on `question` instead of an approval; returns the record.

    `by` is who started the run according to Airflow, never a form field. A run breaks the glass once. When cleared and run
    again it finds its first record, which permits only what was asked then, for as long as the policy said then.
    The writing task checks all of this again.

    Raises:
        SafetyRefusal: the policy does not name this person for this kind, or the reason is too short. The refusal is recorded.
    """
    with deps.state.transaction() as state:
        before = state.approvals.of_gate(dag_id, run_id, TASK_ID)
    if before is not None:
        return before
    why = reason.strip() if isinstance(reason, str) else ""
    refused = _why_not(deps, kind, by, why)
    now, glass = deps.wall_clock.now(), deps.policy.break_glass
    fact = GlassBroken(
        kind=kind.value,
        subject_id=question["subject_id"],
        subject_hash=question["subject_hash"],
        reason=why,
        run_id=run_id,
        proposal=question["proposal"],
        refused=refused,
    )
    record = partial(recorded, actor=by, at=now, incident_id=question["incident_id"])
    if refused:
        with deps.state.transaction() as state:
            state.audit.append(record(fact, subject=f"{kind.value}:{question['subject_id']}"))
        raise SafetyRefusal(f"break_glass: {kind.value} of {question['subject_id']}: refused: {refused}")
    with deps.state.transaction() as state:
        request = ApprovalRequest(
            approval_id=new_id(),
            kind=kind,
            subject_id=question["subject_id"],
            subject_hash=question["subject_hash"],
            incident_id=question["incident_id"],
            requested_by=by,
            approvers=(by,),
            minimum_reason_characters=glass.minimum_reason_characters,
            requested_at=now,
            expires_at=now + timedelta(minutes=glass.valid_minutes),
            dag_id=dag_id,
            run_id=run_id,
            task_id=TASK_ID,
            link=link,
            proposal=question["proposal"],
            incident_state=incident_state(state, question["incident_id"]),
            is_break_glass=True,
        )
        answer = ApprovalAnswer(request.approval_id, Answer.APPROVED, by, now, why)
        state.approvals.request(request)
        state.approvals.answer(answer)
        attested = (question_attested(request).row, answer_attested(answer).row)
        fact = replace(fact, attested=attested, unkeyed=is_unkeyed(state.audit))
        state.audit.append(record(fact, subject=f"approval:{request.approval_id}"))
    return Approval(request, answer)


def shout(deps: Dependencies, dag_id: str, run_id: str) -> None:
    """Announce that this run broke the glass, in the channel and in the incident's thread.

    Raises:
        NotificationFailed: at least one of the two posts failed; both were tried. Try again; never delay the write for it.
    """
    with deps.state.transaction() as state:
        approval = state.approvals.of_gate(dag_id, run_id, TASK_ID)
    if approval is None:
        # refused: this is in the audit log, and the failed task is reported
        return
    request, answer = approval.request, approval.answer
    why = f"{request.requested_by} {wrote(answer.reason if answer else '')}"
    notice = replace(
        approval_notice(deps, approval),
        title=f"BREAK GLASS · {request.requested_by} acts alone · {request.kind.value} · {request.subject_id}",
        summary=f"No one else approved this. {why}. {request.proposal}",
        mention=deps.policy.notification.escalation_mention,
    )
    in_thread: tuple[Notice, ...] = (notice,) if request.incident_id else ()
    failed = []
    for each in (replace(notice, incident_id=None), *in_thread):
        try:
            notify(deps, each)
        except NotificationFailed as error:
            failed.append(error)
    if failed:
        raise failed[0]


def _why_not(deps: Dependencies, kind: ApprovalKind, by: str, why: str) -> str:
    glass = deps.policy.break_glass
    allowed = deps.policy.may_act_alone(kind).at(deps.wall_clock.now())
    if by not in allowed:
        return f"{by} may not act alone here; allowed by the policy: {', '.join(allowed) or 'no one'}"
    if len(why) < glass.minimum_reason_characters:
        return f"the reason has {len(why)} characters; allowed: at least {glass.minimum_reason_characters}"
    return ""
