"""budget: writes of the last hour and day, compared with what may be written without a human."""

from __future__ import annotations

from ledger_guard.domain.budgets import BeingWritten, Journal, Used, exceeded_budget
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.plans import Plan, WriteTotals
from ledger_guard.domain.script_writes import being_written_by_script, written_by_script
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.use_cases.approvals.past_repairs import script_runs


def over_budget(deps: Dependencies, state: UnitOfWork, plan: Plan, totals: WriteTotals) -> tuple[str, ...]:
    """One sentence for each budget that a plan of this size would exceed now; empty when it fits. Undo has no budget.

    Inside the transaction that begins the write, after `AuditLog.take_turn`, the answer is final: no other write begins.
    """
    wanted = BeingWritten(plan.tenant_id, totals.rows, totals.total_delta_cents)
    journal = _journal(deps, state, without=plan.plan_id)
    return exceeded_budget(deps.policy.budget.bounds, journal, wanted, plan.currency)


def budget_used(deps: Dependencies, state: UnitOfWork) -> tuple[Used, ...]:
    """How much of each budget is used now, the hour's first."""
    # a new id: it matches no plan
    journal = _journal(deps, state, without=new_id())
    return tuple(journal.used(bound) for bound in deps.policy.budget.bounds)


def _journal(deps: Dependencies, state: UnitOfWork, without: str) -> Journal:
    now, longest = deps.wall_clock.now(), max(bound.period for bound in deps.policy.budget.bounds)
    runs, since = script_runs(state), now - longest
    written = [*state.plans.written_since(since), *written_by_script(runs, since, now)]
    waiting = [*state.plans.being_written(now, without), *being_written_by_script(runs, now, without)]
    return Journal(now, written, waiting)
