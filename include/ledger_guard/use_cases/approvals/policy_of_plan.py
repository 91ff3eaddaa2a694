"""policy_of_plan: which parts of the policy a plan was made under, and what it means when they changed since."""

from __future__ import annotations

from collections.abc import Mapping

from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.facts.backfill import PlanMade
from ledger_guard.domain.facts.codec import told
from ledger_guard.domain.plans import Plan, WriteTotals
from ledger_guard.policy.plan_parts import Bearing, changed_parts, parts_hash
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork

_WHY: Mapping[Bearing, str] = {
    Bearing.ROWS: "its rows may be wrong now; make a new dry-run, which judges rows that are written too",
    Bearing.WRITER: "it was not judged for this writer; make a new dry-run",
}


def require_same_rows(deps: Dependencies, plan: Plan) -> None:
    """Raise SafetyRefusal, naming them, when parts of the policy that decide a plan's rows changed since the dry-run.

    A plan of a release that recorded no parts is bound to the whole policy.
    """
    _require_same(deps, plan, Bearing.ROWS)


def require_same_rows_and_writer(deps: Dependencies, plan: Plan) -> None:
    """As `require_same_rows`, and the same writer: the platform's script can't be undone, and approvers were told who writes."""
    _require_same(deps, plan, Bearing.ROWS, Bearing.WRITER)


def _require_same(deps: Dependencies, plan: Plan, *bearings: Bearing) -> None:
    with deps.state.transaction() as state:
        then = _parts_of(state, plan)
    if then is None:
        if plan.policy_hash != deps.policy.content_hash:
            raise SafetyRefusal(
                f"plan {plan.plan_id}: was made under another policy than the one in force now; make a new dry-run"
            )
        return
    for bearing in bearings:
        changed = changed_parts(then, deps.policy, bearing)
        if changed:
            raise SafetyRefusal(
                f"plan {plan.plan_id}: the policy's {', '.join(changed)} changed since the dry-run: {_WHY[bearing]}"
            )


def limits_changed(deps: Dependencies, state: UnitOfWork, plan: Plan, _totals: WriteTotals) -> tuple[str, ...]:
    """One sentence when what let the plan be written without a human was edited since; the direction does not matter."""
    then = _parts_of(state, plan)
    changed = () if then is None else changed_parts(then, deps.policy, Bearing.LIMITS)
    if not changed:
        return ()
    return (f"the policy's {', '.join(changed)} changed since the dry-run: approve this plan, or make a new dry-run",)


def _parts_of(state: UnitOfWork, plan: Plan) -> Mapping[str, str] | None:
    """The parts on record that the plan's own hash covers; None where the plan has the whole policy's hash."""
    for entry in state.audit.about(f"plan:{plan.plan_id}", ("dry_run",)):
        made = told(entry.event, PlanMade)
        if made and made.policy_parts and parts_hash(made.policy_parts) == plan.policy_hash:
            return made.policy_parts
    return None
