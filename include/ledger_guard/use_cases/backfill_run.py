"""One tenant's backfill run: which plan, which way from there, what is asked of people, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ledger_guard.domain.approvals import Approval, ApprovalKind
from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.identifiers import checked_tenant_id, checked_uuid
from ledger_guard.domain.incidents import ActionStatus
from ledger_guard.domain.money import readable
from ledger_guard.domain.plans import BackfillMode, Plan, PlanStatus, RowState
from ledger_guard.ports import Guard
from ledger_guard.use_cases.break_glass import PARAM, TASK_ID, break_glass, wants_to_act_alone
from ledger_guard.use_cases.carry_out import OpenScript, carry_out, script_ending
from ledger_guard.use_cases.dry_run import dry_run
from ledger_guard.use_cases.force import record_refusal
from ledger_guard.use_cases.permission import first_no
from ledger_guard.use_cases.remediate import finish_action
from ledger_guard.use_cases.review import review
from ledger_guard.use_cases.tell_question import gate_link
from ledger_guard.use_cases.undo import undo
from ledger_guard.use_cases.verify import verify

OPERATIONS = ("dry_run", "backfill", "undo")
#: what is approved in an operation that writes
KINDS = {"backfill": ApprovalKind.BACKFILL_FORCE, "undo": ApprovalKind.BACKFILL_UNDO}


def describe_plan(plan: Plan) -> str:
    """A plan in one sentence, for approvers and threads."""
    counts, cents = plan.counts, plan.cents
    return (
        f"tenant {plan.tenant_id}: {counts.missing} missing, {counts.stale_wallet} stale, {counts.unexplained} unexplained of "
        f"{plan.players} players; creates {readable(cents.created, plan.currency)}, adds "
        f"{readable(cents.increased, plan.currency)}, takes {readable(cents.decreased, plan.currency)}; "
        f"{counts.protected} protected rows are set aside"
    )


def plan_run(guard: Guard, params: Mapping[str, Any], requested_by: str) -> dict[str, Any]:
    """Make the run's plan, or take up the one to undo; returns what the other tasks and the gate need to know of it.

    Raises:
        BadInputError: a tenant, operation, mode or plan that is not allowed, or a plan of another tenant.
    """
    tenant_id, operation = checked_tenant_id(params.get("tenant_id")), params.get("operation")
    if operation not in OPERATIONS:
        raise BadInputError(f"operation: {operation!r} is unknown; allowed: {', '.join(OPERATIONS)}")
    if operation == "undo":
        plan = _plan_to_undo(guard, tenant_id, params.get("plan_id"))
    else:
        plan = dry_run(guard, tenant_id, BackfillMode.parse(params.get("mode")), requested_by, params.get("incident_id") or None)
    question = _question(plan, str(operation))
    return {"plan_id": plan.plan_id, "operation": operation, "requested_by": requested_by, **question}


def backfill_question(guard: Guard, params: Mapping[str, Any], _requested_by: str, plan_id: str) -> dict[str, Any]:
    """What the run's gate puts to people about a stored plan.

    Raises:
        SafetyRefusal: the plan is not one that this run may write; an edited result of another task ends here.
    """
    operation = str(params["operation"])
    return _question(_plan_of_run(guard, params, plan_id, operation), operation)


def _question(plan: Plan, operation: str) -> dict[str, Any]:
    verb = "Undo" if operation == "undo" else "Force"
    exceeded = f" Beyond the guardrails: {'; '.join(plan.guardrails_exceeded)}." if plan.guardrails_exceeded else ""
    return {
        "subject_id": plan.plan_id,
        "subject_hash": plan.plan_hash,
        "incident_id": plan.incident_id,
        "proposal": f"{verb} plan {plan.plan_id} (hash {plan.plan_hash[:12]}): {describe_plan(plan)}.{exceeded}",
    }


def _plan_of_run(guard: Guard, params: Mapping[str, Any], plan_id: str, operation: str) -> Plan:
    """The plan, if this run was started to do that, for that tenant."""
    if params.get("operation") != operation:
        raise SafetyRefusal(f"plan {plan_id}: refused: this run was started for {params.get('operation')}, not for {operation}")
    with guard.state.transaction() as state:
        plan = state.plans.get(checked_uuid(plan_id, "plan"), with_rows=False)
    if plan.tenant_id != params.get("tenant_id"):
        raise SafetyRefusal(f"plan {plan_id}: refused: is of tenant {plan.tenant_id!r}, the run of {params.get('tenant_id')!r}")
    if operation == "undo" and plan.plan_id != checked_uuid(params.get("plan_id"), "plan_id"):
        raise SafetyRefusal(f"plan {plan_id}: refused: the run was started to undo {params.get('plan_id')}")
    return plan


def _plan_to_write(guard: Guard, params: Mapping[str, Any], plan_id: str, operation: str, actor: str) -> Plan:
    """As `_plan_of_run`; that a run was pointed at a plan which is not its own goes on the audit log."""
    try:
        return _plan_of_run(guard, params, plan_id, operation)
    except SafetyRefusal as refusal:
        with guard.state.transaction() as state:
            plan = state.plans.get(plan_id, with_rows=False)
        record_refusal(guard, plan, "undo" if operation == "undo" else "force", actor, str(refusal))
        raise


def _plan_to_undo(guard: Guard, tenant_id: str, plan_id: object) -> Plan:
    with guard.state.transaction() as state:
        plan = state.plans.get(checked_uuid(plan_id, "plan_id"), with_rows=False)
    if plan.tenant_id != tenant_id:
        raise BadInputError(f"plan_id: {plan.plan_id} is a plan of tenant {plan.tenant_id!r}; allowed: a plan of {tenant_id!r}")
    if plan.status not in (PlanStatus.FORCED, PlanStatus.FORCING, PlanStatus.UNDOING):
        raise BadInputError(f"plan_id: {plan.plan_id} is {plan.status.value}; allowed: a plan that was forced")
    return plan


def next_tasks(guard: Guard, plan: Mapping[str, Any], params: Mapping[str, Any] | None = None) -> list[str]:
    """The tasks that follow: the gate and its notice, breaking the glass, the write, or nothing but the end."""
    if plan["operation"] == "dry_run":
        return ["close"]
    acts_alone = wants_to_act_alone(params or {}) and bool(guard.policy.break_glass.users_for(KINDS[plan["operation"]]))
    if plan["operation"] == "undo":
        return [TASK_ID] if acts_alone else ["request_undo_approval", "notify"]
    found = review(guard, plan["plan_id"])
    if found.is_empty:
        return ["verify"]
    if not found.needs_approval:
        return ["force"]
    return [TASK_ID] if acts_alone else ["request_approval", "notify"]


def break_glass_run(guard: Guard, params: Mapping[str, Any], plan_id: str, by: str, dag_id: str, run_id: str) -> list[str]:
    """Put on record that who started the run writes this plan alone; returns the tasks that follow.

    Raises:
        SafetyRefusal: the policy does not name them, the reason is too short, or the plan to force is not their own.
    """
    operation = str(params["operation"])
    plan = _plan_of_run(guard, params, plan_id, operation)
    if operation == "backfill" and plan.requested_by != by:
        raise SafetyRefusal(f"plan {plan.plan_id}: refused: {plan.requested_by} made it, {by} may act alone on an own plan only")
    break_glass(
        guard,
        KINDS[operation],
        _question(plan, operation),
        by=by,
        reason=params.get(PARAM),
        dag_id=dag_id,
        run_id=run_id,
        link=gate_link(guard, dag_id, run_id, TASK_ID),
    )
    return ["undo" if operation == "undo" else "force", "shout"]


def force_run(
    guard: Guard, params: Mapping[str, Any], plan: Mapping[str, Any], actor: str, open_script: OpenScript
) -> dict[str, Any]:
    """Let the policy's writer carry the run's plan out; what permits it is checked in there, that it is the run's own before.

    Raises:
        SafetyRefusal: also when the run was started for something else or for another tenant; nothing was written.
    """
    return carry_out(guard, _plan_to_write(guard, params, plan["plan_id"], "backfill", actor).plan_id, actor, open_script)


def undo_run(guard: Guard, params: Mapping[str, Any], plan: Mapping[str, Any], actor: str) -> dict[str, int]:
    """Undo the run's plan; what permits it is checked inside `undo`, that it is the run's own before.

    Raises:
        SafetyRefusal: also when the run was started for something else or for another plan; nothing was written.
    """
    return asdict(undo(guard, _plan_to_write(guard, params, plan["plan_id"], "undo", actor).plan_id, actor))


def verify_run(guard: Guard, params: Mapping[str, Any], plan: Mapping[str, Any]) -> dict[str, Any]:
    """Compare the tenant again; returns counts, whether it is clean, and what remains."""
    found = verify(guard, checked_tenant_id(params["tenant_id"]), plan["plan_id"])
    return {"counts": asdict(found.counts), "is_clean": found.is_clean, "remaining": list(found.remaining)}


def close_run(
    guard: Guard, params: Mapping[str, Any], plan: Mapping[str, Any] | None, verified: Mapping[str, Any] | None
) -> tuple[ActionStatus, str]:
    """Say how the run ended, from what guard state holds (never from task states), and record it on the incident."""
    operation = str(params["operation"])
    status, outcome = _outcome(guard, plan["plan_id"] if plan else None, operation)
    if status is ActionStatus.DONE and operation == "backfill" and not (verified and verified["is_clean"]):
        remaining = "; ".join(verified["remaining"]) if verified else "it was not verified"
        status, outcome = ActionStatus.FAILED, f"{outcome}; but not clean: {remaining}"
    kind = "dry_run" if operation == "dry_run" else "backfill"
    finish_action(guard, params.get("incident_id"), kind, str(params["tenant_id"]), status, outcome)
    return status, outcome


def _outcome(guard: Guard, plan_id: str | None, operation: str) -> tuple[ActionStatus, str]:
    if plan_id is None:
        return ActionStatus.FAILED, "no plan was made; see the run's log"
    kind = KINDS.get(operation, ApprovalKind.BACKFILL_FORCE)
    with guard.state.transaction() as state:
        plan = state.plans.get(plan_id, with_rows=False)
        rows = state.plans.row_counts(plan_id)
        approvals = state.approvals.of_run(kind, plan_id)
        by_script = script_ending(state, plan) if plan.status is PlanStatus.PLANNED and operation == "backfill" else None
    return _by_script(plan, *by_script) if by_script else _by_guard(plan, rows, approvals, operation)


def _by_script(plan: Plan, is_done: bool, words: str) -> tuple[ActionStatus, str]:
    return ActionStatus.DONE if is_done else ActionStatus.FAILED, f"{words}; {describe_plan(plan)}"


def _by_guard(plan: Plan, rows: Mapping[str, int], approvals: Sequence[Approval], operation: str) -> tuple[ActionStatus, str]:
    if operation == "dry_run":
        return ActionStatus.DONE, f"dry-run only; {describe_plan(plan)}"
    if operation == "undo" and plan.status is PlanStatus.UNDONE:
        return ActionStatus.DONE, f"undone: {rows.get('restored', 0)} rows given back, {rows.get('kept', 0)} kept"
    if operation == "backfill" and plan.status is PlanStatus.FORCED:
        return (
            ActionStatus.DONE,
            f"forced: {rows.get('applied', 0)} rows written, {rows.get('drifted', 0)} drifted; {describe_plan(plan)}",
        )
    if operation == "backfill" and not any(count for state, count in rows.items() if state != RowState.SET_ASIDE.value):
        return ActionStatus.DONE, f"nothing to repair; {describe_plan(plan)}"
    return _unwritten(approvals)


def _unwritten(approvals: Sequence[Approval]) -> tuple[ActionStatus, str]:
    if (said_no := first_no(approvals)) is not None:
        return ActionStatus.REFUSED, f"{said_no}; nothing was written"
    if not approvals or any(approval.answer is None for approval in approvals):
        return ActionStatus.FAILED, "ended before it wrote; see the run's log"
    return ActionStatus.FAILED, "approved, but not carried out; see the run's log"
