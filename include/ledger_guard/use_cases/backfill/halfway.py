"""How far a write has come that stopped half-way, for people."""

from __future__ import annotations

from collections.abc import Mapping

from ledger_guard.domain.plans import Plan, PlanStatus, RowState
from ledger_guard.ports import Dependencies

#: by what a plan is in the middle of: the task that writes, states of settled rows, and of those that wait
_IN_THE_MIDDLE = {
    PlanStatus.FORCING: ("force", (RowState.APPLIED, RowState.DRIFTED), (RowState.PLANNED, RowState.INTENDED)),
    PlanStatus.UNDOING: ("undo", (RowState.RESTORED, RowState.KEPT), (RowState.APPLIED, RowState.INTENDED)),
}


def stopped_after(plan: Plan, rows: Mapping[str, int]) -> tuple[str, str] | None:
    """The task that stopped, and `stopped after 150 of 297 rows`; None when it did not begin, or has ended."""
    if plan.status not in _IN_THE_MIDDLE:
        return None
    task, settled, waiting = _IN_THE_MIDDLE[plan.status]
    done, left = (sum(rows.get(state.value, 0) for state in states) for states in (settled, waiting))
    return task, f"stopped after {done:,} of {done + left:,} rows"


def stopped_writing(deps: Dependencies, dag_id: str, run_id: str, task_id: str, *, goes_on: bool) -> str:
    """How far this run's write has come, and what happens now."""
    then = "goes on by itself" if goes_on else f"clear task {task_id} and what follows it to go on"
    with deps.state.transaction() as state:
        note = state.runs.noted(dag_id, run_id, "plan")
        if note is None:
            return ""
        plan = state.plans.get(note["plan_id"], with_rows=False)
        found = stopped_after(plan, state.plans.row_counts(plan.plan_id))
    if found is not None:
        return f"{found[1]}; {then}"
    if plan.status in (PlanStatus.FORCED, PlanStatus.UNDONE):
        return f"every row is settled; {then}"
    return f"stopped before its first row; {then}" if goes_on else ""
