"""Permission: whether the answers of one run permit its write, by the question then and the policy now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import combinations

from ledger_guard.domain.approvals import CLOCK_TOLERANCE, Approval, ApprovalAnswer, ApprovalRequest, refusals
from ledger_guard.domain.authority import Authority, are_two_people, excluded
from ledger_guard.domain.delegations import Delegation
from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.identities import bare, same_person
from ledger_guard.domain.people import People

_ORDINALS = {1: "first approval", 2: "second approval"}


@dataclass(frozen=True)
class ApprovalRule:
    """The current policy's rule for one kind of action."""

    approvers: People
    #: so many different people, none of them the requester; a person and their deputy count once
    approvers_needed: int
    minimum_reason_characters: int
    valid_for: timedelta
    #: who may act alone; empty where the policy does not allow it for this kind
    break_glass: People = field(default_factory=People)
    break_glass_reason_characters: int = 0
    #: who answers instead of whom now
    delegations: tuple[Delegation, ...] = ()

    def authority(self, request: ApprovalRequest, made_by: str | None = None) -> Authority:
        """Who may answer this question."""
        return Authority(self.approvers, self.delegations, excluded(request.requested_by, made_by))


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
    found = [*_against_their_number(approvals, rule), *_against_one_right_twice(approvals, rule, subject)]
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


def not_on_turn(approval: Approval, rule: ApprovalRule) -> list[str]:
    """Why a person who may approve only in their turn may not now; empty when they may, or are no such person."""
    request, answer = approval.request, approval.answer
    person = answer.answered_by if answer is not None else None
    if answer is None or person not in rule.approvers.everyone:
        return []
    if rule.authority(request).rights(person, request.requested_at, answer.answered_at):
        return []
    on_turn = [f"{each} ({group.name})" for group, each in rule.approvers.on_turn(answer.answered_at)]
    allowed = ", ".join([*rule.approvers.names, *on_turn]) or "no one now"
    return [f"it was not the turn of {person}, neither when it was asked nor when it was answered; allowed: {allowed}"]


def _against_one_right_twice(approvals: Sequence[Approval], rule: ApprovalRule, subject: Subject) -> Iterator[str]:
    given = [
        (each.approved_by, _rights(each, rule, subject, each.answer))
        for each in approvals
        if each.approved_by and each.answer is not None
    ]
    for (first, of_first), (second, of_second) in combinations(given, 2):
        if of_first and of_second and not same_person(first, second) and not are_two_people(of_first, of_second):
            yield f"{first} and {second} answered by the right of one person, {of_first[0]}; allowed: two people's"


def _rights(approval: Approval, rule: ApprovalRule, subject: Subject, answer: ApprovalAnswer) -> tuple[str, ...]:
    authority = rule.authority(approval.request, subject.made_by)
    return authority.rights(answer.answered_by or "", approval.request.requested_at, answer.answered_at)


def _against_the_right(approval: Approval, rule: ApprovalRule, subject: Subject, answer: ApprovalAnswer) -> Iterator[str]:
    person, authority = answer.answered_by or "", rule.authority(approval.request, subject.made_by)
    if person not in approval.request.approvers or _rights(approval, rule, subject, answer):
        return
    waiting = not_on_turn(approval, rule)
    principals = authority.instead_of(person)
    if waiting:
        yield from waiting
    elif principals:
        yield (
            f"{person} answered instead of {', '.join(principals)}, who requested it, made the plan, may not approve it, or "
            "delegated after it was asked"
        )
    else:
        allowed = ", ".join(rule.approvers.everyone)
        yield f"{person} may no longer approve this: the policy was changed, or a delegation has ended; allowed: {allowed}"


def _against_one(approval: Approval, rule: ApprovalRule, subject: Subject, now: datetime) -> Iterator[str]:
    yield from refusals(approval, subject.subject_hash, now)
    yield from _against_the_incident(approval, subject)
    answer, request = approval.answer, approval.request
    if answer is None or answer.said_no or not answer.answered_by:
        return
    maker = bare(subject.made_by)
    if same_person(answer.answered_by, maker) and not same_person(answer.answered_by, request.requested_by):
        yield f"{subject.made_by} made the plan and can't approve it too"
    yield from _against_the_right(approval, rule, subject, answer)
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
    able = rule.break_glass.at(request.requested_at)
    if request.requested_by not in able:
        allowed = ", ".join(able) or "no one"
        yield f"{request.requested_by} may not break the glass for this; allowed by the policy now: {allowed}"
    if answer is not None and not answer.said_no:
        if len(answer.reason.strip()) < rule.break_glass_reason_characters:
            yield f"breaking the glass needs a reason of {rule.break_glass_reason_characters} characters"
        if now > request.expires_at + CLOCK_TOLERANCE:
            yield f"the glass was broken for a write until {request.expires_at.isoformat()}: start a new run"
