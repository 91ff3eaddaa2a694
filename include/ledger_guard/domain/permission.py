"""Permission: whether the answers of one run permit its write, by the question then and the policy now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations

from ledger_guard.domain.approvals import CLOCK_TOLERANCE, Approval, ApprovalAnswer, refusals
from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.identities import same_person

_ORDINALS = {1: "first approval", 2: "second approval"}


@dataclass(frozen=True)
class ApprovalRule:
    """The current policy's rule for one kind of action."""

    approvers: tuple[str, ...]
    #: so many different people, none of them the requester
    approvers_needed: int
    minimum_reason_characters: int
    valid_for: timedelta
    #: who may act alone; empty where the policy does not allow it for this kind
    break_glass_users: tuple[str, ...] = ()
    break_glass_reason_characters: int = 0


@dataclass(frozen=True)
class Subject:
    """The intended write in its current state."""

    subject_hash: str
    #: the incident's current state, as `Incident.described`; empty without an incident
    incident_state: str = ""
    #: who made the plan, if it is one; usually the requester
    made_by: str | None = None


@dataclass(frozen=True)
class Permission:
    """Answers that together permit a write, in the order of the questions; at least one."""

    approvals: tuple[Approval, ...]

    @property
    def answers(self) -> tuple[ApprovalAnswer, ...]:
        """What was said."""
        return tuple(approval.answer for approval in self.approvals if approval.answer is not None)

    @property
    def approval_id(self) -> str:
        """The id that the write is recorded under: the first question's."""
        return self.approvals[0].request.approval_id

    @property
    def approved_by(self) -> str:
        """Everybody who agreed: `anna`, or `anna, boris`."""
        return ", ".join(answer.answered_by or "" for answer in self.answers)

    @property
    def reason(self) -> str:
        """Everybody's reasons, parted by `; `."""
        return "; ".join(answer.reason.strip() for answer in self.answers)

    @property
    def is_break_glass(self) -> bool:
        """Whether one person acted alone."""
        return self.approvals[0].request.is_break_glass


def permission_refusals(approvals: Sequence[Approval], rule: ApprovalRule, subject: Subject, now: datetime) -> list[str]:
    """Why these answers of one run do not permit the write; empty when they do.

    The rule at the time of the question and the current one must both hold: never only the milder one.
    """
    if not approvals:
        return ["no approval was requested"]
    if any(approval.request.is_break_glass for approval in approvals):
        return list(_against_acting_alone(approvals, rule, subject, now))
    found = [*_against_their_number(approvals, rule)]
    for approval in approvals:
        place = f"{_ORDINALS[approval.request.ordinal]}: " if len(approvals) > 1 else ""
        found += [f"{place}{each}" for each in _against_one(approval, rule, subject, now)]
    return found


def require_permission(
    approvals: Sequence[Approval], rule: ApprovalRule, subject: Subject, now: datetime, what: str
) -> Permission:
    """Return the permission; raises SafetyRefusal with every reason when the answers do not permit the write."""
    found = permission_refusals(approvals, rule, subject, now)
    if found:
        raise SafetyRefusal(f"{what}: refused: {'; '.join(found)}")
    return Permission(tuple(approvals))


def _against_their_number(approvals: Sequence[Approval], rule: ApprovalRule) -> Iterator[str]:
    asked = max(approval.request.approvers_needed for approval in approvals)
    needed = max(asked, rule.approvers_needed)
    if rule.approvers_needed > asked:
        yield f"the policy now needs {rule.approvers_needed} approvers, but {asked} when it was asked: it was changed"
    elif len(approvals) < needed:
        yield f"{needed} approvals are needed, {len(approvals)} was requested"
    people = [approval.approved_by for approval in approvals if approval.approved_by]
    if any(same_person(first, second) for first, second in combinations(people, 2)):
        yield f"{people[0]} gave both approvals; allowed: {needed} different people"


def _against_one(approval: Approval, rule: ApprovalRule, subject: Subject, now: datetime) -> Iterator[str]:
    yield from refusals(approval, subject.subject_hash, now)
    yield from _against_the_incident(approval, subject)
    answer, request = approval.answer, approval.request
    if answer is None or answer.said_no or not answer.answered_by:
        return
    if same_person(answer.answered_by, subject.made_by) and not same_person(answer.answered_by, request.requested_by):
        yield f"{subject.made_by} made the plan and can't approve it too"
    if answer.answered_by in request.approvers and answer.answered_by not in rule.approvers:
        yield f"{answer.answered_by} may no longer approve this: the policy was changed; allowed: {', '.join(rule.approvers)}"
    if request.minimum_reason_characters <= len(answer.reason.strip()) < rule.minimum_reason_characters:
        yield f"the policy now needs a reason of {rule.minimum_reason_characters} characters: it was changed"
    yield from _against_its_age(answer, request.expires_at - request.requested_at, rule.valid_for, now)


def _against_the_incident(approval: Approval, subject: Subject) -> Iterator[str]:
    then = approval.request.incident_state
    if then and then != subject.incident_state:
        yield f"the incident was {then} when it was asked, and is now {subject.incident_state or 'gone'}"


def _against_its_age(answer: ApprovalAnswer, asked_for: timedelta, valid_for: timedelta, now: datetime) -> Iterator[str]:
    good_for = min(asked_for, valid_for)
    if now > answer.answered_at + good_for + CLOCK_TOLERANCE:
        minutes = good_for / timedelta(minutes=1)
        yield f"the approval is from {answer.answered_at.isoformat()} and was valid for {minutes:.0f} minutes: ask again"


def _against_acting_alone(approvals: Sequence[Approval], rule: ApprovalRule, subject: Subject, now: datetime) -> Iterator[str]:
    if len(approvals) > 1:
        yield "a break-glass run collects no other approvals"
    request, answer = approvals[0].request, approvals[0].answer
    yield from refusals(approvals[0], subject.subject_hash, now)
    yield from _against_the_incident(approvals[0], subject)
    if request.requested_by not in rule.break_glass_users:
        allowed = ", ".join(rule.break_glass_users) or "no one"
        yield f"{request.requested_by} may not break the glass for this; allowed by the policy now: {allowed}"
    if answer is not None and not answer.said_no:
        if len(answer.reason.strip()) < rule.break_glass_reason_characters:
            yield f"breaking the glass needs a reason of {rule.break_glass_reason_characters} characters"
        if now > request.expires_at + CLOCK_TOLERANCE:
            yield f"the glass was broken for a write until {request.expires_at.isoformat()}: start a new run"
