"""Approvals: the recorded answer of a named human, and the one rule that says whether it counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from ledger_guard.domain.errors import SafetyRefusal


class ApprovalKind(str, Enum):
    """What is being approved."""

    BACKFILL_FORCE = "backfill_force"
    BACKFILL_UNDO = "backfill_undo"
    FLAG_ROLLBACK = "flag_rollback"
    FLAG_RESTORE = "flag_restore"


class Answer(str, Enum):
    """What became of the question."""

    APPROVED = "approved"
    REJECTED = "rejected"
    #: nobody answered in time; silence means no
    TIMED_OUT = "timed_out"


@dataclass(frozen=True)
class ApprovalRequest:
    """A question that a gate has put to people."""

    approval_id: str
    kind: ApprovalKind
    #: the plan id, or `flag@tenant` / `flag@*`
    subject_id: str
    #: hash of exactly what is approved: the plan's hash, or that of the flag's state and evidence
    subject_hash: str
    incident_id: str | None
    requested_by: str
    approvers: tuple[str, ...]
    minimum_reason_characters: int
    requested_at: datetime
    expires_at: datetime
    #: where to answer: DAG id, run id and task id of the gate, and the page's address
    dag_id: str
    run_id: str
    task_id: str
    link: str = ""
    #: one line for people: what happens when approved
    proposal: str = ""


@dataclass(frozen=True)
class ApprovalAnswer:
    """The answer as the gate itself recorded it when it came."""

    approval_id: str
    answer: Answer
    #: the person; None when timed out
    answered_by: str | None
    answered_at: datetime
    reason: str

    @property
    def said_no(self) -> str | None:
        """How people said no, in words; None when they said yes."""
        if self.answer is Answer.REJECTED:
            return f"rejected by {self.answered_by}: {self.reason or 'no reason given'}"
        if self.answer is Answer.TIMED_OUT:
            return "nobody answered in time, which means no"
        return None


@dataclass(frozen=True)
class Approval:
    """A request with its answer, if there is one."""

    request: ApprovalRequest
    answer: ApprovalAnswer | None = None


def refusals(approval: Approval | None, subject_hash: str) -> list[str]:
    """Why this approval does not permit a write on the subject with this hash; empty when it does.

    The rule of DESIGN: the named person, who may approve, is not who requested, said Approve, in time, with a reason,
    for this very plan or flag state.
    """
    if approval is None:
        return ["no approval was asked for"]
    request, answer = approval.request, approval.answer
    if answer is None:
        return ["the approval has not been answered"]
    if answer.said_no:
        return [answer.said_no]
    found = []
    if not answer.answered_by:
        found.append("the answer names no person")
    elif answer.answered_by not in request.approvers:
        found.append(f"{answer.answered_by} may not approve this; allowed: {', '.join(request.approvers)}")
    if answer.answered_by == request.requested_by:
        found.append(f"{answer.answered_by} asked for it and can't approve it too")
    if answer.answered_at > request.expires_at:
        found.append(f"the answer came after {request.expires_at.isoformat()}")
    if len(answer.reason.strip()) < request.minimum_reason_characters:
        found.append(f"the reason has fewer than {request.minimum_reason_characters} characters")
    if request.subject_hash != subject_hash:
        found.append("it was given for another state of the plan or flag: what was approved has changed since")
    return found


def require_approval(approval: Approval | None, subject_hash: str, what: str) -> Approval:
    """Return the approval when it permits the write; raises SafetyRefusal with every reason when it does not."""
    found = refusals(approval, subject_hash)
    if approval is None or found:
        raise SafetyRefusal(f"{what}: refused: {'; '.join(found)}")
    return approval
