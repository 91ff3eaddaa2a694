"""review: may a plan be forced without approval?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.facts.backfill import PlanReviewed, about_plan
from ledger_guard.domain.identifiers import checked_uuid
from ledger_guard.domain.modes import Mode
from ledger_guard.domain.modes_on_record import RowMode
from ledger_guard.domain.plans import Plan, WriteTotals
from ledger_guard.policy.guardrails import exceeded_guardrails
from ledger_guard.policy.schema import Policy
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.use_cases.approvals.autonomy import reasons_to_ask
from ledger_guard.use_cases.approvals.modes import below_act, mode_of_plan


@dataclass(frozen=True)
class Review:
    """What the policy says about a plan."""

    plan_id: str
    #: force would change nothing
    is_empty: bool
    needs_approval: bool
    #: sentences: why an approval is needed, or that none is
    why: tuple[str, ...]


def review(deps: Dependencies, plan_id: str) -> Review:
    """Check a stored plan's rows against the guardrails, and record the result.

    Raises:
        BadInputError: no such plan.
        LedgerInvariantError: the plan was edited after the dry-run. Stop and find out who did.
    """
    with deps.state.transaction() as state:
        plan = state.plans.get(checked_uuid(plan_id, "plan"), with_rows=False)
        stored = state.plans.content(plan.plan_id)
        plan.check_hash(stored)
        is_empty = stored.totals.rows == 0
        before = written_before(deps, state, plan.plan_id, plan.tenant_id)
        asks: tuple[str, ...] = ()
        if not is_empty:
            asks = approval_reasons(deps.policy, plan, stored.totals, before) + reasons_to_ask(deps, state, plan, stored.totals)
        why = ("nothing to write",) if is_empty else asks or ("within the guardrails",)
        found = Review(plan.plan_id, is_empty=is_empty, needs_approval=bool(asks), why=why)
        reviewed = _with_mode(deps, state, plan, stored.totals, found)
        state.audit.append(about_plan(plan, reviewed, actor="ledger_guard", at=deps.wall_clock.now()))
    return found


def review_in_shadow(deps: Dependencies, plan_id: str) -> None:
    """Record what a dry-run's plan would have led to, when its incident's row is in shadow and names a backfill.

    Raises as `review`.
    """
    with deps.state.transaction() as state:
        mode = _mode(deps, state, state.plans.get(checked_uuid(plan_id, "plan"), with_rows=False))
    if mode is not None and mode.mode is Mode.SHADOW and "backfill" in deps.policy.actions_of(mode.row):
        review(deps, plan_id)


def _mode(deps: Dependencies, state: UnitOfWork, plan: Plan) -> RowMode | None:
    """The mode of the row of the plan's incident; None without one, or where the policy no longer has it."""
    try:
        return mode_of_plan(deps, state, plan)
    except BadInputError:
        return None


def _with_mode(deps: Dependencies, state: UnitOfWork, plan: Plan, totals: WriteTotals, found: Review) -> PlanReviewed:
    """The review on record, with what `mode report` counts."""
    reviewed = PlanReviewed(is_empty=found.is_empty, needs_approval=found.needs_approval, why=found.why)
    mode = _mode(deps, state, plan)
    if mode is None:
        return reviewed
    is_held = found.needs_approval and set(found.why) <= set(below_act(deps, state, plan, totals))
    return replace(
        reviewed,
        row=mode.row,
        mode=mode.mode,
        is_held_by_mode=is_held or None,
        rows=totals.rows,
        cents=totals.total_delta_cents,
    )


def written_before(deps: Dependencies, state: UnitOfWork, plan_id: str, tenant_id: str) -> WriteTotals:
    """What was written before and counts against the guardrails: see PlanStore.written_before."""
    hours = deps.policy.guardrails.counted_within_hours
    return state.plans.written_before(plan_id, tenant_id, deps.wall_clock.now() - timedelta(hours=hours))


def approval_reasons(policy: Policy, plan: Plan, totals: WriteTotals, before: WriteTotals) -> tuple[str, ...]:
    """Why a human must approve this plan before force; empty when no approval is needed.

    The guardrails are computed again, from `totals` of the stored rows (covered by the hash) and from what was already written to
    the tenant (`before`). The stored sentences can only add to them.
    """
    computed = exceeded_guardrails(policy.guardrails, totals, plan.players, before)
    exceeded = computed + tuple(each for each in plan.guardrails_exceeded if each not in computed)
    always = () if policy.guardrails.force_without_approval else ("the policy's force_without_approval is false",)
    return exceeded + always
