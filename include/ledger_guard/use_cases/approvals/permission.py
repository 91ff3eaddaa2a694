"""What the current policy and guard state say about a write that needs approval; verify_approval records it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from ledger_guard.domain.approvals import Approval, ApprovalKind, why_it_does_not_count
from ledger_guard.domain.attestations import approval_faults
from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.facts.approvals import ApprovalVerified
from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.permission import ApprovalRule, Permission, Subject, not_on_turn, permission_refusals
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.use_cases.approvals.delegate import delegations_now


def rule_now(deps: Dependencies, state: UnitOfWork, kind: ApprovalKind) -> ApprovalRule:
    """The current policy's rule for this kind, with who answers instead of whom now; BadInputError when there is none."""
    policy = deps.policy
    found = policy.approval_of(kind)
    if found is None:
        known = ", ".join(sorted(each.value for each in policy.approvals))
        raise BadInputError(f"approvals: the policy has no rule for {kind.value}; allowed: {known}")
    glass = policy.break_glass
    return ApprovalRule(
        approvers=policy.approvers_of(kind),
        approvers_needed=found.approvers_needed,
        minimum_reason_characters=found.minimum_reason_characters,
        valid_for=timedelta(minutes=found.valid_minutes),
        break_glass=policy.may_act_alone(kind),
        break_glass_reason_characters=glass.minimum_reason_characters,
        delegations=delegations_now(deps, state),
    )


def incident_state(state: UnitOfWork, incident_id: str | None) -> str:
    """The incident's current state, as compared with the approval; empty without an incident."""
    return state.incidents.get(incident_id).described if incident_id else ""


def why_no_answer(deps: Dependencies, approval: Approval) -> list[str]:
    """Why the recorded answer is invalid, also a Reject by someone who may not answer; empty when it is valid."""
    with deps.state.transaction() as state:
        rule = rule_now(deps, state, approval.request.kind)
    return [*why_it_does_not_count(approval, deps.wall_clock.now()), *not_on_turn(approval, rule)]


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


def verify_approval(
    deps: Dependencies, kind: ApprovalKind, subject_id: str, subject_hash: str, run_id: str | None = None
) -> Permission:
    """Return the permission that this run (None: the latest to ask) was given, if it covers the write.

    Reads only what the gates themselves recorded. The outcome goes to the audit log either way; the writing task checks
    again by itself.

    Raises:
        SafetyRefusal: not permitted; the message names every reason. Ask again.
    """
    now = deps.wall_clock.now()
    with deps.state.transaction() as state:
        rule = rule_now(deps, state, kind)
        approvals = state.approvals.of_run(kind, subject_id, run_id)
        subject = subject_now(state, subject_hash, approvals)
        found = [*permission_refusals(approvals, rule, subject, now), *approval_faults(state.audit, approvals)]
        state.audit.append(
            recorded(
                ApprovalVerified(
                    kind=kind.value, subject_id=subject_id, permitted=not found, refusals=tuple(found), run_id=run_id
                ),
                actor="ledger_guard",
                subject=f"approval:{approvals[0].request.approval_id}" if approvals else f"{kind.value}:{subject_id}",
                at=now,
                incident_id=approvals[0].request.incident_id if approvals else None,
            )
        )
    if found:
        raise SafetyRefusal(f"{kind.value} of {subject_id}: refused: {'; '.join(found)}")
    return Permission(tuple(approvals))
