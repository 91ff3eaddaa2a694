"""What the current policy and guard state say about a write that needs approval."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from ledger_guard.domain.approvals import Approval, ApprovalKind
from ledger_guard.domain.attestations import approval_faults
from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.permission import ApprovalRule, Subject
from ledger_guard.policy.schema import Policy
from ledger_guard.ports.guard_state import UnitOfWork


def rule_now(policy: Policy, kind: ApprovalKind) -> ApprovalRule:
    """The current policy's rule for this kind; raises BadInputError when there is none."""
    found = policy.approvals.get(kind)
    if found is None:
        known = ", ".join(sorted(each.value for each in policy.approvals))
        raise BadInputError(f"approvals: the policy has no rule for {kind.value}; allowed: {known}")
    glass = policy.break_glass
    return ApprovalRule(
        approvers=found.approvers,
        approvers_needed=found.approvers_needed,
        minimum_reason_characters=found.minimum_reason_characters,
        valid_for=timedelta(minutes=found.valid_minutes),
        break_glass_users=glass.users_for(kind),
        break_glass_reason_characters=glass.minimum_reason_characters,
    )


def incident_state(state: UnitOfWork, incident_id: str | None) -> str:
    """The incident's current state, as compared with the approval; empty without an incident."""
    return state.incidents.get(incident_id).described if incident_id else ""


def subject_now(state: UnitOfWork, subject_hash: str, approvals: Sequence[Approval], *, made_by: str | None = None) -> Subject:
    """What is about to be written, with the current state of its incident."""
    incident_id = approvals[0].request.incident_id if approvals else None
    return Subject(subject_hash, incident_state(state, incident_id), made_by)


def require_attested_approvals(state: UnitOfWork, approvals: Sequence[Approval], what: str) -> None:
    """Raise SafetyRefusal, naming rows and columns, unless marked audit entries attest these questions and answers."""
    faults = approval_faults(state.audit, approvals)
    if faults:
        raise SafetyRefusal(f"{what}: refused: {'; '.join(faults)}")


def first_no(approvals: Sequence[Approval]) -> str | None:
    """A rejection or timeout in words; None when there was neither."""
    return next((each.answer.said_no for each in approvals if each.answer is not None and each.answer.said_no), None)
