"""request_approval: put a question to named people, and remember exactly what was asked."""

from __future__ import annotations

from datetime import timedelta

from ledger_guard.domain.approvals import ApprovalKind, ApprovalRequest
from ledger_guard.domain.audit import AuditEvent
from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.identifiers import new_id
from ledger_guard.ports import Guard


def request_approval(
    guard: Guard,
    kind: ApprovalKind,
    subject_id: str,
    subject_hash: str,
    *,
    incident_id: str | None,
    requested_by: str,
    dag_id: str,
    run_id: str,
    task_id: str,
    link: str,
    proposal: str,
) -> ApprovalRequest:
    """Store the question that a gate is about to ask; who may answer, until when and how fully is the policy's.

    Asking again in the same run voids the older question.

    Raises:
        BadInputError: nobody asks, nothing is asked about, or the policy has no rule for `kind`.
        SafetyRefusal: no approver remains besides the requester: have somebody else ask.
    """
    rule = guard.policy.approvals.get(kind)
    if rule is None:
        raise BadInputError(f"approvals: the policy says nothing of {kind.value}; allowed: {_kinds(guard)}")
    for what, given in (("requester", requested_by), ("subject", subject_id), ("subject hash", subject_hash)):
        if not given.strip():
            raise BadInputError(f"approval of {kind.value}: the {what} is empty; allowed: a text")
    if not set(rule.approvers) - {requested_by}:
        raise SafetyRefusal(
            f"{kind.value} of {subject_id}: {requested_by} asks and is the only one who may approve it: have somebody else ask"
        )
    now = guard.wall_clock.now()
    request = ApprovalRequest(
        approval_id=new_id(),
        kind=kind,
        subject_id=subject_id,
        subject_hash=subject_hash,
        incident_id=incident_id,
        requested_by=requested_by,
        approvers=rule.approvers,
        minimum_reason_characters=rule.minimum_reason_characters,
        requested_at=now,
        expires_at=now + timedelta(minutes=rule.valid_minutes),
        dag_id=dag_id,
        run_id=run_id,
        task_id=task_id,
        link=link,
        proposal=proposal,
    )
    with guard.state.transaction() as state:
        state.approvals.request(request)
        state.audit.append(
            AuditEvent(
                verb="request_approval",
                actor=requested_by,
                subject=f"approval:{request.approval_id}",
                detail={
                    "kind": kind.value,
                    "subject_id": subject_id,
                    "subject_hash": subject_hash,
                    "approvers": list(rule.approvers),
                    "expires_at": request.expires_at.isoformat(),
                    "run_id": run_id,
                    "proposal": proposal,
                },
                at=now,
                incident_id=incident_id,
            )
        )
    return request


def _kinds(guard: Guard) -> str:
    return ", ".join(sorted(kind.value for kind in guard.policy.approvals))
