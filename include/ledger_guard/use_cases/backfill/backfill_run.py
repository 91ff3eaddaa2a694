"""One tenant's backfill run: its plan, the next tasks, the question for approvers, and the write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.finding_words import counts_in_words
from ledger_guard.domain.identifiers import checked_tenant_id, checked_uuid
from ledger_guard.domain.money import readable
from ledger_guard.domain.plans import BackfillMode, Plan, PlanStatus
from ledger_guard.domain.writer_leases import NO_RUN, WriterClaim
from ledger_guard.ports import Dependencies
from ledger_guard.signals.triage import before_a_backfill
from ledger_guard.use_cases.approvals.break_glass import PARAM, TASK_ID, break_glass, wants_to_act_alone
from ledger_guard.use_cases.approvals.own_actions import begun_now
from ledger_guard.use_cases.approvals.past_repairs import followed
from ledger_guard.use_cases.approvals.repair_record import not_alone_because, record_follow_up
from ledger_guard.use_cases.approvals.request_approval import gate_link
from ledger_guard.use_cases.backfill.dry_run import dry_run
from ledger_guard.use_cases.backfill.execute_plan import OpenScript, execute_plan
from ledger_guard.use_cases.backfill.force import force, record_refusal, undo
from ledger_guard.use_cases.backfill.review import review, review_in_shadow, written_before
from ledger_guard.use_cases.backfill.show_plan import taken_in_words
from ledger_guard.use_cases.backfill.verify import verify

OPERATIONS = ("dry_run", "backfill", "undo")
#: the kind of approval of each operation that writes
KINDS = {"backfill": ApprovalKind.BACKFILL_FORCE, "undo": ApprovalKind.BACKFILL_UNDO}


def describe_plan(plan: Plan) -> str:
    """A plan in one sentence, for approvers and threads."""
    counts, cents = plan.counts, plan.cents
    return (
        f"tenant {plan.tenant_id}: {counts_in_words(counts) or 'nothing wrong'} of {plan.players} players. Creates "
        f"{readable(cents.created, plan.currency)}, adds {readable(cents.increased, plan.currency)}, takes "
        f"{readable(cents.decreased, plan.currency)}; {counts.protected} wallets are right (only the player row differs)"
    )


def plan_run(deps: Dependencies, params: Mapping[str, Any], requested_by: str) -> dict[str, Any]:
    """Make the run's plan, or load the one to undo; returns what the other tasks and the gate need.

    Raises:
        BadInputError: tenant, operation, mode or plan not allowed, or a plan of another tenant.
    """
    tenant_id, operation = checked_tenant_id(params.get("tenant_id")), params.get("operation")
    if operation not in OPERATIONS:
        raise BadInputError(f"operation: {operation!r} is unknown; allowed: {', '.join(OPERATIONS)}")
    if operation == "undo":
        plan = _plan_to_undo(deps, tenant_id, params)
    else:
        plan = dry_run(deps, tenant_id, BackfillMode.parse(params.get("mode")), requested_by, params.get("incident_id") or None)
    question = _question(deps, plan, str(operation))
    return {"plan_id": plan.plan_id, "operation": operation, "requested_by": requested_by, **question, **begun_now(deps)}


def backfill_question(deps: Dependencies, params: Mapping[str, Any], _requested_by: str, plan_id: str) -> dict[str, Any]:
    """The question of the run's gate about a stored plan.

    Raises:
        SafetyRefusal: this run may not write this plan; an edited task result is caught here.
    """
    operation = str(params["operation"])
    return _question(deps, _plan_of_run(deps, params, plan_id, operation), operation)


def _question(deps: Dependencies, plan: Plan, operation: str) -> dict[str, Any]:
    verb = "Undo" if operation == "undo" else "Force"
    taken = () if operation == "undo" else taken_in_words(deps, plan)
    triaged = "" if operation == "undo" else before_a_backfill(deps, plan.incident_id, plan.tenant_id)
    exceeded = f" Beyond the guardrails: {'; '.join(plan.guardrails_exceeded)}." if plan.guardrails_exceeded else ""
    return {
        "subject_id": plan.plan_id,
        "subject_hash": plan.plan_hash,
        "incident_id": plan.incident_id,
        "proposal": f"{triaged}{verb} plan {plan.plan_id} (hash {plan.plan_hash[:12]}): {describe_plan(plan)}.{exceeded}"
        + ("" if operation == "undo" else _used_before(deps, plan) + not_alone_because(deps, plan))
        + (f" Takes money: {'; '.join(taken)}." if taken else ""),
    }


def _used_before(deps: Dependencies, plan: Plan) -> str:
    """For approvers: how much of the guardrails other plans for this tenant have used."""
    with deps.state.transaction() as state:
        before = written_before(deps, state, plan.plan_id, plan.tenant_id)
    if not before.rows:
        return ""
    rails = deps.policy.guardrails
    moved, most = (readable(cents, plan.currency) for cents in (before.total_delta_cents, rails.max_total_delta_cents))
    return (
        f" Already written to this tenant within {rails.counted_within_hours} h: {before.rows} of {rails.max_rows} rows and "
        f"{moved} of {most} allowed without approval."
    )


def _plan_of_run(deps: Dependencies, params: Mapping[str, Any], plan_id: str, operation: str) -> Plan:
    """The plan, if this run was started for this operation and tenant."""
    if params.get("operation") != operation:
        raise SafetyRefusal(f"plan {plan_id}: refused: this run was started for {params.get('operation')}, not for {operation}")
    with deps.state.transaction() as state:
        plan = state.plans.get(checked_uuid(plan_id, "plan"), with_rows=False)
    if plan.tenant_id != params.get("tenant_id"):
        raise SafetyRefusal(
            f"plan {plan_id}: refused: it is for tenant {plan.tenant_id!r}, this run is for {params.get('tenant_id')!r}"
        )
    if operation == "undo" and plan.plan_id != checked_uuid(params.get("plan_id"), "plan_id"):
        raise SafetyRefusal(f"plan {plan_id}: refused: this run was started to undo {params.get('plan_id')}")
    return plan


def _plan_to_write(deps: Dependencies, params: Mapping[str, Any], plan_id: str, operation: str, actor: str) -> Plan:
    """As `_plan_of_run`; an attempt to use another run's plan goes to the audit log."""
    try:
        return _plan_of_run(deps, params, plan_id, operation)
    except SafetyRefusal as refusal:
        with deps.state.transaction() as state:
            plan = state.plans.get(plan_id, with_rows=False)
        record_refusal(deps, plan, "undo" if operation == "undo" else "force", actor, str(refusal))
        raise


def _plan_to_undo(deps: Dependencies, tenant_id: str, params: Mapping[str, Any]) -> Plan:
    with deps.state.transaction() as state:
        plan = state.plans.get(checked_uuid(params.get("plan_id"), "plan_id"), with_rows=False)
        if params.get("incident_id"):
            # the run's end is recorded there
            state.incidents.get(checked_uuid(params["incident_id"], "incident"))
    if plan.tenant_id != tenant_id:
        raise BadInputError(f"plan_id: {plan.plan_id} is a plan of tenant {plan.tenant_id!r}; allowed: a plan of {tenant_id!r}")
    if plan.status not in (PlanStatus.FORCED, PlanStatus.FORCING, PlanStatus.UNDOING):
        raise BadInputError(f"plan_id: {plan.plan_id} is {plan.status.value}; allowed: a plan that was forced")
    return plan


def next_tasks(deps: Dependencies, plan: Mapping[str, Any], params: Mapping[str, Any] | None = None) -> list[str]:
    """The next tasks: the gate and its notice, break glass, the write, or only the end."""
    if plan["operation"] == "dry_run":
        review_in_shadow(deps, plan["plan_id"])
        return ["close"]
    acts_alone = wants_to_act_alone(params or {}) and bool(deps.policy.break_glass.users_for(KINDS[plan["operation"]]))
    if plan["operation"] == "undo":
        return [TASK_ID] if acts_alone else ["request_undo_approval", "notify"]
    found = review(deps, plan["plan_id"])
    if found.is_empty:
        return ["verify"]
    if not found.needs_approval:
        return ["force"]
    return [TASK_ID] if acts_alone else ["request_approval", "notify"]


def break_glass_run(deps: Dependencies, params: Mapping[str, Any], plan_id: str, by: str, dag_id: str, run_id: str) -> list[str]:
    """Record that whoever started the run writes this plan alone; returns the next tasks.

    Raises:
        SafetyRefusal: the policy does not name them, the reason is too short, or the plan to force is not their own.
    """
    operation = str(params["operation"])
    plan = _plan_of_run(deps, params, plan_id, operation)
    if operation == "backfill" and plan.requested_by != by:
        raise SafetyRefusal(
            f"plan {plan.plan_id}: refused: {plan.requested_by} made it; {by} may act alone only on their own plan"
        )
    break_glass(
        deps,
        KINDS[operation],
        _question(deps, plan, operation),
        by=by,
        reason=params.get(PARAM),
        dag_id=dag_id,
        run_id=run_id,
        link=gate_link(deps, dag_id, run_id, TASK_ID),
    )
    return ["undo" if operation == "undo" else "force", "shout"]


def force_run(
    deps: Dependencies,
    params: Mapping[str, Any],
    plan: Mapping[str, Any],
    actor: str,
    open_script: OpenScript,
    claim: WriterClaim = NO_RUN,
) -> dict[str, Any]:
    """Let the policy's writer execute the run's plan. The writer checks the approval; here: that the plan is the run's own.

    Raises:
        SafetyRefusal: also when the run was started for another operation or tenant; nothing was written.
    """
    planned = _plan_to_write(deps, params, plan["plan_id"], "backfill", actor)
    outcome = execute_plan(deps, planned.plan_id, actor, open_script, claim)
    if outcome.get("drifted"):
        return {**outcome, "again": _again(deps, planned, actor, claim)}
    begun = _begun_follow_up(deps, planned)
    return (
        outcome if begun is None else {**outcome, "again": {"plan_id": begun, **asdict(force(deps, begun, actor, claim=claim))}}
    )


def _begun_follow_up(deps: Dependencies, planned: Plan) -> str | None:
    """The follow-up plan whose write an earlier try of the run left half-way; None where there is none."""
    with deps.state.transaction() as state:
        latest = state.plans.latest(planned.tenant_id)
        if latest is None or latest.status is not PlanStatus.FORCING or followed(state, latest.plan_id) != planned.plan_id:
            return None
    return latest.plan_id


def _again(deps: Dependencies, planned: Plan, actor: str, claim: WriterClaim) -> dict[str, Any]:
    """Plan a live tenant again for players who moved money during the write, and write this plan inside the guardrails.

    Beyond the guardrails no one is asked: the rest waits for the next dry-run.
    """
    fresh = dry_run(deps, planned.tenant_id, planned.mode, actor, planned.incident_id)
    record_follow_up(deps, fresh, planned.plan_id, actor)
    waits = {"plan_id": fresh.plan_id, "applied": 0, "drifted": 0}
    found = review(deps, fresh.plan_id)
    if found.is_empty or found.needs_approval:
        return waits
    try:
        return {"plan_id": fresh.plan_id, **asdict(force(deps, fresh.plan_id, actor, claim=claim))}
    except SafetyRefusal:
        # The run's own plan is written. Where a human is to be asked only since the review, the rest waits as above.
        if not review(deps, fresh.plan_id).needs_approval:
            raise
        return waits


def undo_run(
    deps: Dependencies, params: Mapping[str, Any], plan: Mapping[str, Any], actor: str, claim: WriterClaim = NO_RUN
) -> dict[str, int]:
    """Undo the run's plan. `undo` checks the approval; here: that the plan is the run's own.

    Raises:
        SafetyRefusal: also when the run was started for another operation or plan; nothing was written.
    """
    return asdict(undo(deps, _plan_to_write(deps, params, plan["plan_id"], "undo", actor).plan_id, actor, claim))


def verify_run(deps: Dependencies, params: Mapping[str, Any], plan: Mapping[str, Any]) -> dict[str, Any]:
    """Compare the tenant again; returns counts, whether the plan achieved its goal, and what remains."""
    found = verify(deps, checked_tenant_id(params["tenant_id"]), plan["plan_id"])
    return {
        "counts": asdict(found.counts),
        "is_clean": found.is_plan_done,
        "left": found.counts.repairable,
        "for_humans": found.counts.for_humans,
        "wrong_again": found.wrong_again,
        "remaining": list(found.remaining),
    }
