"""verify_approval: whether the recorded answers of a run permit exactly this write."""

from __future__ import annotations

from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.attestations import approval_faults
from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.facts.approvals import ApprovalVerified
from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.permission import Permission, permission_refusals
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.approvals.permission import rule_now, subject_now


def verify_approval(
    deps: Dependencies, kind: ApprovalKind, subject_id: str, subject_hash: str, run_id: str | None = None
) -> Permission:
    """Return the permission that this run (None: the latest to ask) was given, if it covers the write.

    Reads only what the gates themselves recorded. The outcome goes to the audit log either way; the writing task checks
    again by itself.

    Raises:
        SafetyRefusal: not permitted; the message names every reason. Ask again.
    """
    rule, now = rule_now(deps.policy, kind), deps.wall_clock.now()
    with deps.state.transaction() as state:
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
