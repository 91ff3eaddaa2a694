"""Approvals: the recorded answer of a named human, and whether that one answer counts.

Whether the answers of a run together permit a write: domain/permission.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from ledger_guard.domain.identities import same_person
from ledger_guard.domain.shown_text import wrote

#: allowed difference between the clocks of the API server (which dates answers) and of the workers
CLOCK_TOLERANCE = timedelta(minutes=2)


class ApprovalKind(str, Enum):
    """What is being approved."""

    BACKFILL_FORCE = "backfill_force"
    BACKFILL_UNDO = "backfill_undo"
    FLAG_ROLLBACK = "flag_rollback"
    FLAG_RESTORE = "flag_restore"
    #: a drill asks so; no task that writes looks for such an answer
    DRILL = "drill"


#: kinds whose answer permits a write
WRITES: tuple[ApprovalKind, ...] = tuple(kind for kind in ApprovalKind if kind is not ApprovalKind.DRILL)


class Answer(str, Enum):
    """The answer to a question."""

    APPROVED = "approved"
    REJECTED = "rejected"
    #: no answer in time: counts as Reject
    TIMED_OUT = "timed_out"


@dataclass(frozen=True)
class ApprovalRequest:
    """A question that a gate asked people."""

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
    #: one line for people: what an approval does
    proposal: str = ""
    #: number of approvers needed by the policy then, and for which of them this question is: 1 or 2
    approvers_needed: int = 1
    ordinal: int = 1
    #: the incident's state when this was asked, as `Incident.described`; empty without an incident
    incident_state: str = ""
    #: break glass: a person named in the policy acted alone, and answered their own question
    is_break_glass: bool = False

    @property
    def is_drill(self) -> bool:
        """Whether a drill asks it: it holds nothing up, and permits nothing."""
        return self.kind is ApprovalKind.DRILL


@dataclass(frozen=True)
class ApprovalAnswer:
    """The answer as the gate recorded it when it came."""

    approval_id: str
    answer: Answer
    #: the person; None when timed out or not identified
    answered_by: str | None
    answered_at: datetime
    reason: str

    @property
    def said_no(self) -> str | None:
        """A rejection or timeout in words; None when approved."""
        if self.answer is Answer.REJECTED:
            return f"rejected by {self.answered_by or 'someone unknown'}, who {wrote(self.reason)}"
        if self.answer is Answer.TIMED_OUT:
            return "no one answered in time, which counts as Reject"
        return None


@dataclass(frozen=True)
class Approval:
    """A request with its answer, if there is one."""

    request: ApprovalRequest
    answer: ApprovalAnswer | None = None
    #: when people were reminded that it expires soon; None: not yet
    escalated_at: datetime | None = None
    #: when its run was found to have ended unanswered: it can't be answered any more; None while the run is active
    orphaned_at: datetime | None = None

    @property
    def approved_by(self) -> str | None:
        """The approver; None without an approval."""
        return self.answer.answered_by if self.answer is not None and self.answer.answer is Answer.APPROVED else None


def refusals(approval: Approval, subject_hash: str, now: datetime) -> list[str]:
    """Why this answer does not count for the subject with this hash; empty when it does.

    It counts when a named person who may approve and is not the requester answered Approve, in time, with a reason, for exactly
    this plan or flag state. Only in a break-glass run does the requester answer their own question.
    """
    request, answer = approval.request, approval.answer
    if answer is None:
        return ["the approval has not been answered"]
    if answer.said_no:
        return [answer.said_no]
    return [
        *_against_the_person(request, answer),
        *_against_the_time(request, answer, now),
        *_against_the_words(request, answer, subject_hash),
    ]


def why_it_does_not_count(approval: Approval, now: datetime) -> list[str]:
    """Why the answer is invalid (also a Reject by someone who may not answer); empty when it is valid, also for a timeout."""
    answer = approval.answer
    if answer is None or answer.answer is Answer.TIMED_OUT:
        return []
    if answer.answer is Answer.REJECTED:
        return list(_against_the_person(approval.request, answer))
    return refusals(approval, approval.request.subject_hash, now)


def _against_the_person(request: ApprovalRequest, answer: ApprovalAnswer) -> Iterator[str]:
    if not answer.answered_by:
        yield "the answer names no person"
        return
    if answer.answered_by not in request.approvers:
        yield f"{answer.answered_by} may not approve this; allowed: {', '.join(request.approvers)}"
    if request.is_break_glass and answer.answered_by != request.requested_by:
        yield f"{answer.answered_by} answered a break-glass question of {request.requested_by}"
    elif not request.is_break_glass and same_person(answer.answered_by, request.requested_by):
        yield f"{_both(answer.answered_by, request.requested_by)} requested it and can't approve it too"


def _both(answered_by: str, requested_by: str) -> str:
    return answered_by if answered_by == requested_by else f"{answered_by} may be {requested_by}, who"


def _against_the_time(request: ApprovalRequest, answer: ApprovalAnswer, now: datetime) -> Iterator[str]:
    if answer.answered_at > request.expires_at:
        yield f"the answer came after {request.expires_at.isoformat()}"
    if answer.answered_at < request.requested_at - CLOCK_TOLERANCE:
        yield f"the answer is dated {answer.answered_at.isoformat()}, before the question: a clock was moved"
    if answer.answered_at > now + CLOCK_TOLERANCE:
        yield f"the answer is dated {answer.answered_at.isoformat()}, but it is {now.isoformat()}: a clock was moved"


def _against_the_words(request: ApprovalRequest, answer: ApprovalAnswer, subject_hash: str) -> Iterator[str]:
    if len(answer.reason.strip()) < request.minimum_reason_characters:
        yield f"the reason has fewer than {request.minimum_reason_characters} characters"
    if request.subject_hash != subject_hash:
        yield "it was given for another state of the plan or flag: the approved state has changed since"
