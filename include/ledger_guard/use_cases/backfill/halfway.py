"""How far a write has come that stopped half-way, for people."""

from __future__ import annotations

from collections.abc import Mapping

from ledger_guard.domain.plans import Plan, PlanStatus, RowState
from ledger_guard.ports import Dependencies

#: by the task that writes: the plan's status while it does and after, states of settled rows, and of those that wait
_WRITES = {
    "force": (
        PlanStatus.FORCING,
        PlanStatus.FORCED,
        (RowState.APPLIED, RowState.DRIFTED),
        (RowState.PLANNED, RowState.INTENDED),
    ),
    "undo": (
        PlanStatus.UNDOING,
        PlanStatus.UNDONE,
        (RowState.RESTORED, RowState.KEPT),
        (RowState.APPLIED, RowState.INTENDED),
    ),
}


def stopped_after(task: str, plan: Plan, rows: Mapping[str, int]) -> str:
    """`stopped after 150 of 297 rows`; empty when this task's write did not begin, or has ended."""
    doing, _, settled, waiting = _WRITES[task]
    if plan.status is not doing:
        return ""
    done, left = (sum(rows.get(state.value, 0) for state in states) for states in (settled, waiting))
    return f"stopped after {done:,} of {done + left:,} rows"


def stopped_writing(deps: Dependencies, dag_id: str, run_id: str, task: str) -> str:
    """How far this run's write has come, for people; empty where it has no plan yet."""
    with deps.state.transaction() as state:
        note = state.runs.noted(dag_id, run_id, "plan")
        if note is None:
            return ""
        plan = state.plans.get(note["plan_id"], with_rows=False)
        rows = state.plans.row_counts(plan.plan_id)
    if plan.status is _WRITES[task][1]:
        return "stopped after its last row"
    return stopped_after(task, plan, rows) or "stopped before its first row"
