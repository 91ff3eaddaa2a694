"""asked_before: a plan that people were asked about is not written without them, whatever else has freed since."""

from __future__ import annotations

from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.plans import Plan, WriteTotals
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.use_cases.approvals.permission import first_no


def is_unapproved(_deps: Dependencies, state: UnitOfWork, plan: Plan, _totals: WriteTotals) -> tuple[str, ...]:
    """One sentence when people were asked about this plan, and the latest run to ask was not given every approval it asked for.

    Budgets, the cool-down and the settle time free with time; a Reject stands.
    """
    approvals = state.approvals.of_run(ApprovalKind.BACKFILL_FORCE, plan.plan_id)
    needed = max((each.request.approvers_needed for each in approvals), default=0)
    if sum(each.approved_by is not None for each in approvals) >= needed:
        return ()
    return (f"a human was asked about this plan: {first_no(approvals) or 'not approved yet'}",)
