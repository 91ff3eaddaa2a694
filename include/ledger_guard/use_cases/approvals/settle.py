"""settle: after a flag change, a restore or a deploy on record nothing is written without a human for a while."""

from __future__ import annotations

from ledger_guard.domain.plans import Plan, WriteTotals
from ledger_guard.domain.settling import settle_reasons, settling_now, settling_until
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork


def is_settling(deps: Dependencies, state: UnitOfWork, plan: Plan, _totals: WriteTotals) -> tuple[str, ...]:
    """One sentence while a flag change, a restore or a deploy that concerns the tenant settles."""
    period, now = deps.policy.autonomy.settle_time, deps.wall_clock.now()
    return settle_reasons(settling_now(state.audit, deps.policy.flags, period, now, (plan.tenant_id,)), period, now)


def what_settles(deps: Dependencies, state: UnitOfWork) -> str:
    """`settling until … after …`, for whichever tenants; empty when nothing settles."""
    period = deps.policy.autonomy.settle_time
    return settling_until(settling_now(state.audit, deps.policy.flags, period, deps.wall_clock.now()), period)
