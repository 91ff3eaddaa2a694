"""backfill control: pause, resume or cancel the backfill of a plan, wherever it runs."""

from __future__ import annotations

from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.facts.backfill import BackfillOrdered, about_plan
from ledger_guard.domain.identifiers import checked_uuid
from ledger_guard.domain.pacing import BackfillOrder, Wanted
from ledger_guard.ports import Dependencies


def control_backfill(deps: Dependencies, plan_id: str, wanted: Wanted, actor: str, reason: str) -> BackfillOrder:
    """Record an order; the run obeys before its next batch. Orders stand until another one takes their place.

    Raises:
        BadInputError: no such plan, or a pause or cancellation without a reason. Say why: others will read it.
    """
    why = reason.strip()
    if not why and wanted is not Wanted.RUN:
        raise BadInputError(f"{wanted.value}: needs a reason; allowed: a sentence that tells others why")
    order = BackfillOrder(checked_uuid(plan_id, "plan"), wanted, actor, why, deps.wall_clock.now())
    with deps.state.transaction() as state:
        plan = state.plans.get(order.plan_id, with_rows=False)
        state.backfill_orders.ask(order)
        state.audit.append(about_plan(plan, BackfillOrdered(wanted=wanted, reason=why), actor=actor, at=order.asked_at))
    return order
