"""undo: restore the wallets' values from before a forced plan, where no one has written since."""

from __future__ import annotations

from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.errors import LedgerInvariantError, SafetyRefusal
from ledger_guard.domain.identifiers import checked_uuid
from ledger_guard.domain.plans import PlanStatus, UndoOutcome, require_undoable
from ledger_guard.domain.writability import writes_of_undo
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.backfill.force import record_refusal, require_attested_plan, require_plan_approval
from ledger_guard.use_cases.backfill.writability import require_writable


def undo(deps: Dependencies, plan_id: str, actor: str) -> UndoOutcome:
    """Restore before-values; always needs a recorded approval for this plan. Resumes a killed run.

    Raises:
        BadInputError: no such plan, or it was never forced.
        SafetyRefusal: the approval is missing or does not count, or the wallets can't be written; nothing was written. Ask
        the approvers, or remove the obstacle.
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
            require_attested_plan(deps, plan)
            require_plan_approval(deps, plan, ApprovalKind.BACKFILL_UNDO, f"plan {plan.plan_id}: undo needs an approval")
            # The approver of an undo sees no database triggers: the result of an undo is read back like any other write.
            require_writable(deps, writes_of_undo(plan.mode, plan.counts), f"plan {plan.plan_id}")
    except (SafetyRefusal, LedgerInvariantError) as refusal:
        record_refusal(deps, plan, "undo", actor, str(refusal))
        raise
    return deps.backfill.undo(plan.plan_id, actor, deps.policy.guardrails.batch_rows)
