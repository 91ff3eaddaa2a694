"""undo: give back what stood in the wallets before a forced plan, where nobody has written since."""

from __future__ import annotations

from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.errors import LedgerInvariantError, SafetyRefusal
from ledger_guard.domain.identifiers import checked_uuid
from ledger_guard.domain.plans import PlanStatus, UndoOutcome, require_undoable
from ledger_guard.domain.writability import writes_of_undo
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.backfill.force import (
    record_refusal,
    require_attested_plan,
    require_guard_running,
    require_plan_approval,
)
from ledger_guard.use_cases.backfill.writability import require_writable


def undo(deps: Dependencies, plan_id: str, actor: str) -> UndoOutcome:
    """Restore before-values; always needs a recorded approval for this plan. Resumes where a killed run stopped.

    Raises:
        BadInputError: no such plan, or it was never forced.
        SafetyRefusal: the guard is stopped, the approval is missing or does not count, or the wallets can't be written;
            nothing was written. Release the guard, ask the approvers, or remove what is in the way.
        ConcurrentWriterError: another run writes for this tenant. Wait for it.
        LedgerInvariantError: the plan was edited after the dry-run. Stop and find out who did.
    """
    with deps.state.transaction() as state:
        plan = state.plans.get(checked_uuid(plan_id, "plan"), with_rows=False)
        stored = state.plans.content(plan.plan_id)
    require_undoable(plan)
    try:
        plan.check_hash(stored)
        if plan.status is not PlanStatus.UNDONE:
            require_guard_running(deps, f"plan {plan.plan_id}: undo")
            require_attested_plan(deps, plan)
            require_plan_approval(deps, plan, ApprovalKind.BACKFILL_UNDO, f"plan {plan.plan_id}: undo needs an approval")
            # Whoever approves an undo is told of no trigger: what an undo leaves is read back as any other write is.
            require_writable(deps, writes_of_undo(plan.mode, plan.counts), f"plan {plan.plan_id}")
    except (SafetyRefusal, LedgerInvariantError) as refusal:
        record_refusal(deps, plan, "undo", actor, str(refusal))
        raise
    return deps.backfill.undo(plan.plan_id, actor, deps.policy.guardrails.batch_rows)
