"""How a backfill run ended, from guard state, and how this is reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ledger_guard.domain.approvals import Approval, ApprovalKind
from ledger_guard.domain.attestations import UNKEYED_WORD
from ledger_guard.domain.facts.backfill import script_ending
from ledger_guard.domain.incidents import ActionStatus
from ledger_guard.domain.plans import Plan, PlanStatus, RowState
from ledger_guard.domain.windows import iso
from ledger_guard.domain.writer_leases import WriterLease
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.use_cases.approvals.granted_runs import RunOnRecord
from ledger_guard.use_cases.approvals.own_actions import end_own_action
from ledger_guard.use_cases.approvals.permission import first_no
from ledger_guard.use_cases.backfill.backfill_run import KINDS, describe_plan
from ledger_guard.use_cases.backfill.halfway import stopped_after

#: the task that writes, by operation
_TASKS = {"backfill": "force", "undo": "undo"}


def close_run(
    run: RunOnRecord, params: Mapping[str, Any], plan: Mapping[str, Any] | None, verified: Mapping[str, Any] | None
) -> tuple[ActionStatus, str]:
    """How the run ended, from guard state (never from task states); also records it as the run's own action."""
    operation = str(params["operation"])
    status, outcome = _outcome(run, plan["plan_id"] if plan else None, operation)
    if status is ActionStatus.DONE and operation == "backfill" and not (verified and verified["is_clean"]):
        status, outcome = _not_clean(outcome, verified)
    end_own_action(run, params.get("incident_id"), operation, str(params["tenant_id"]), (status, outcome), plan)
    return status, outcome


def _not_clean(outcome: str, verified: Mapping[str, Any] | None) -> tuple[ActionStatus, str]:
    """How a backfill ended when some wallets are still wrong.

    Players who move money during the write are no failure: the backfill is done, and the rest is reported. A written wallet that
    is wrong again is a failure.
    """
    if not verified:
        return ActionStatus.FAILED, f"{outcome}; but it was not verified"
    if verified["wrong_again"]:
        remaining = "; ".join(verified["remaining"])
        return ActionStatus.FAILED, f"{outcome}; but {verified['wrong_again']} written wallets are wrong again: {remaining}"
    rest = [(verified["left"], "left for the next dry-run"), (verified["for_humans"], "for a human to review")]
    return ActionStatus.DONE, "; ".join([outcome, *(f"{number} {words}" for number, words in rest if number)])


def _outcome(run: RunOnRecord, plan_id: str | None, operation: str) -> tuple[ActionStatus, str]:
    if plan_id is None:
        return ActionStatus.FAILED, "no plan was made; see the run's log"
    kind = KINDS.get(operation, ApprovalKind.BACKFILL_FORCE)
    with run.deps.state.transaction() as state:
        plan = state.plans.get(plan_id, with_rows=False)
        rows = state.plans.row_counts(plan_id)
        approvals = state.approvals.of_run(kind, plan_id)
        again = _rows_written_again(state, plan)
        is_untouched, entries = plan.status is PlanStatus.PLANNED, state.audit.entries(tenant_id=plan.tenant_id)
        by_script = script_ending(entries, plan) if is_untouched and operation == "backfill" else None
        is_keyed = state.audit.keys.newest is not None
        lease = state.writer_leases.of_tenant(plan.tenant_id)
    if stopped := _stopped(run, lease, plan, rows, _TASKS.get(operation)):
        status, words = ActionStatus.FAILED, stopped
    else:
        status, words = _by_script(plan, *by_script) if by_script else _by_guard(plan, rows, approvals, operation, again)
    has_written = by_script or plan.status is not PlanStatus.PLANNED
    return status, words if is_keyed or not has_written else f"{words}; {UNKEYED_WORD}"


def _stopped(run: RunOnRecord, lease: WriterLease | None, plan: Plan, rows: Mapping[str, int], task: str | None) -> str:
    """That the plan's write stopped half-way, and what to do; empty when it did not.

    The end of another run that has taken over is not this run's to tell.
    """
    words = stopped_after(task, plan, rows) if task else ""
    if not words:
        return ""
    now, is_own = run.deps.wall_clock.now(), lease is not None and lease.is_of(run.run.dag_id, run.run.run_id)
    if lease and lease.plan_id == plan.plan_id and not is_own and not lease.is_over and not lease.is_stale(now):
        return f"{words}, where {lease.claim.sentence} has taken over; see there"
    if task == "force" and now > plan.expires_at:
        return f"{words}; the plan expired at {iso(plan.expires_at)}: start a new run for the rest"
    return f"{words}; clear task {task} and what follows it to go on"


def _by_script(plan: Plan, is_done: bool, words: str) -> tuple[ActionStatus, str]:
    return ActionStatus.DONE if is_done else ActionStatus.FAILED, f"{words}; {describe_plan(plan)}"


def _rows_written_again(state: UnitOfWork, plan: Plan) -> int | None:
    """Rows written by the follow-up plan for the same tenant and case; None when there is none."""
    latest = state.plans.latest(plan.tenant_id)
    if latest is None or latest.plan_id == plan.plan_id or latest.incident_id != plan.incident_id:
        return None
    if latest.created_at < plan.created_at or latest.status is not PlanStatus.FORCED:
        return None
    return state.plans.row_counts(latest.plan_id).get(RowState.APPLIED.value, 0)


def _by_guard(
    plan: Plan, rows: Mapping[str, int], approvals: Sequence[Approval], operation: str, again: int | None
) -> tuple[ActionStatus, str]:
    if operation == "dry_run":
        return ActionStatus.DONE, f"dry-run only; {describe_plan(plan)}"
    if operation == "undo" and plan.status is PlanStatus.UNDONE:
        return ActionStatus.DONE, f"undone: {rows.get('restored', 0)} rows restored, {rows.get('kept', 0)} kept"
    if operation == "backfill" and plan.status is PlanStatus.FORCED:
        drifted = rows.get("drifted", 0)
        moved = f", {drifted} had changed meanwhile" if drifted else ""
        planned_again = f", planned again: {again} more written" if drifted and again is not None else ""
        words = f"forced: {rows.get('applied', 0)} rows written{moved}{planned_again}; {describe_plan(plan)}"
        return ActionStatus.DONE, words
    if operation == "backfill" and not any(count for state, count in rows.items() if state != RowState.SET_ASIDE.value):
        return ActionStatus.DONE, f"nothing to repair; {describe_plan(plan)}"
    return _unwritten(approvals)


def _unwritten(approvals: Sequence[Approval]) -> tuple[ActionStatus, str]:
    if (said_no := first_no(approvals)) is not None:
        return ActionStatus.REFUSED, f"{said_no}; nothing was written"
    if not approvals or any(approval.answer is None for approval in approvals):
        return ActionStatus.FAILED, "ended before it wrote; see the run's log"
    return ActionStatus.FAILED, "approved, but not executed; see the run's log"
