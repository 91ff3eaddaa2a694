"""repaired_again, cool_down: a tenant whose wallets were written before is not written again without a human."""

from __future__ import annotations

from ledger_guard.domain.plans import Plan, WriteTotals
from ledger_guard.domain.repairs import cooling_down, repaired_again
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.use_cases.approvals.past_repairs import past_repairs, tenant_writes


def is_repaired_again(deps: Dependencies, state: UnitOfWork, plan: Plan, _totals: WriteTotals) -> tuple[str, ...]:
    """One sentence when the tenant was repaired within the policy's days: the cause is not fixed."""
    period, now = deps.policy.autonomy.repaired_again_within, deps.wall_clock.now()
    if not period:
        return ()
    return repaired_again(past_repairs(state, plan.tenant_id, now - period, now, plan.plan_id), period, now, plan.currency)


def is_cooling_down(deps: Dependencies, state: UnitOfWork, plan: Plan, _totals: WriteTotals) -> tuple[str, ...]:
    """One sentence when the tenant's wallets were written within the policy's minutes, also by a plan that was undone."""
    period, now = deps.policy.autonomy.cool_down, deps.wall_clock.now()
    if not period:
        return ()
    return cooling_down(tenant_writes(state, plan.tenant_id, now - period, now, plan.plan_id), period, now, plan.currency)
