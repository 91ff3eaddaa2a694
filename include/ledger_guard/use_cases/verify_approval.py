"""verify_approval: whether a recorded answer permits this very write."""

from __future__ import annotations

from ledger_guard.domain.approvals import Approval, ApprovalKind, refusals, require_approval
from ledger_guard.domain.audit import AuditEvent
from ledger_guard.ports import Guard


def verify_approval(guard: Guard, kind: ApprovalKind, subject_id: str, subject_hash: str, run_id: str | None = None) -> Approval:
    """Return the newest approval of this subject (asked by this run, when given) if it permits the write.

    Only what the gate itself recorded is looked at. The outcome goes on the audit log either way; the writing task
    checks again by itself.

    Raises:
        SafetyRefusal: it does not; the message names every reason. Ask again.
    """
    with guard.state.transaction() as state:
        approval = state.approvals.latest(kind, subject_id, run_id)
        found = refusals(approval, subject_hash)
        state.audit.append(
            AuditEvent(
                verb="verify_approval",
                actor="ledger_guard",
                subject=f"approval:{approval.request.approval_id}" if approval else f"{kind.value}:{subject_id}",
                detail={
                    "kind": kind.value,
                    "subject_id": subject_id,
                    "permitted": not found,
                    "refusals": found,
                    "run_id": run_id,
                },
                at=guard.wall_clock.now(),
                incident_id=approval.request.incident_id if approval else None,
            )
        )
    return require_approval(approval, subject_hash, f"{kind.value} of {subject_id}")
