"""autonomy: may the guard write a plan by itself that is within the guardrails, or does it ask a human first?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ledger_guard.domain.attestations import is_marked
from ledger_guard.domain.facts.backfill import PlanAdvanced
from ledger_guard.domain.facts.codec import told
from ledger_guard.domain.plans import Plan, PlanStatus, WriteTotals
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.use_cases.approvals.asked_before import is_unapproved
from ledger_guard.use_cases.approvals.budget import over_budget
from ledger_guard.use_cases.approvals.modes import below_act
from ledger_guard.use_cases.approvals.policy_of_plan import limits_changed
from ledger_guard.use_cases.approvals.repaired_again import is_cooling_down, is_repaired_again
from ledger_guard.use_cases.approvals.settle import is_settling

#: one sentence for each reason to ask a human first; empty: none
Bound = Callable[[Dependencies, UnitOfWork, Plan, WriteTotals], Sequence[str]]
#: of them, what was said and judged about the plan itself, whatever the guard may write now
BOUNDS_OF_PLAN: tuple[Bound, ...] = (is_unapproved, limits_changed)
#: what bounds the guard's own writes beside the guardrails, in the order of the sentences
BOUNDS: tuple[Bound, ...] = (*BOUNDS_OF_PLAN, below_act, over_budget, is_repaired_again, is_cooling_down, is_settling)


def reasons_to_ask(deps: Dependencies, state: UnitOfWork, plan: Plan, totals: WriteTotals) -> tuple[str, ...]:
    """One sentence for each reason to ask a human before this plan is written; empty when the guard may write it by itself.

    A plan that was begun is not asked about again when it is resumed. Inside the transaction that begins the write, after
    `AuditLog.take_turn`, the answer is final: no other write begins.
    """
    if _was_begun(state, plan):
        return ()
    return tuple(sentence for bound in BOUNDS for sentence in bound(deps, state, plan, totals))


def reasons_of_plan(deps: Dependencies, state: UnitOfWork, plan: Plan, totals: WriteTotals) -> tuple[str, ...]:
    """As `reasons_to_ask`, of what was said and judged about this plan alone; also of a plan that was begun."""
    return tuple(sentence for bound in BOUNDS_OF_PLAN for sentence in bound(deps, state, plan, totals))


def _was_begun(state: UnitOfWork, plan: Plan) -> bool:
    """By the audit log and not by the plan's status, which can be edited unnoticed; where a key is set, by a marked entry."""
    keys = state.audit.keys
    return any(
        advanced.status is PlanStatus.FORCING and (keys.newest is None or is_marked(entry, keys))
        for entry in state.audit.about(f"plan:{plan.plan_id}", ("force",))
        if (advanced := told(entry.event, PlanAdvanced))
    )
