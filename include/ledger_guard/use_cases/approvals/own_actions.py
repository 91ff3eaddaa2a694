"""How a run's end is recorded: on the action that it was granted for, and on no other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from ledger_guard.domain.cases_by_hand import STARTED_BY
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.incidents import Action, ActionStatus
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.approvals.granted_runs import RunOnRecord

#: key in the first task's note: when the run began, in event time
_BEGUN_AT = "begun_at"


def begun_now(deps: Dependencies) -> dict[str, str]:
    """For the first task's note: when the run began."""
    return {_BEGUN_AT: deps.clock.now().isoformat()}


def end_own_action(
    run: RunOnRecord,
    incident_id: str | None,
    kind: str,
    target: str,
    ending: tuple[ActionStatus, str],
    left: Mapping[str, Any] | None,
) -> None:
    """Record how a run ended; does nothing without an incident.

    A granted run ends the action that names its run id, again if it was cleared and ended differently. A run by hand gets its own
    action, from the note that its first task `left`; if that task was refused, it gets none. So a run by hand never ends an
    action that the guard waits for.

    Raises SafetyRefusal for a run that is not permitted; nothing was recorded.
    """
    if not incident_id:
        return
    requester, now, (status, outcome) = run.requester, run.deps.clock.now(), ending
    run_id, is_by_hand = run.run.run_id, not run.run.is_started_by_run
    if is_by_hand:
        outcome = f"by hand: {outcome}"
    with run.deps.state.transaction() as state:
        for action in state.actions.of_incident(incident_id):
            if (action.kind, action.target, action.run_id) == (kind, target, run_id):
                state.actions.finish(replace(action, status=status, outcome=outcome, finished_at=now))
                return
        if is_by_hand and left is not None:
            # runs of older versions have no such time
            began = datetime.fromisoformat(left[_BEGUN_AT]) if _BEGUN_AT in left else now
            detail: dict[str, object] = {STARTED_BY: requester}
            state.actions.start(Action(new_id(), incident_id, kind, target, status, began, now, run_id, outcome, detail))


def finish_action(deps: Dependencies, action: Action, status: ActionStatus, outcome: str) -> None:
    """Record how this action ended, unless this was recorded meanwhile."""
    with deps.state.transaction() as state:
        for current in state.actions.of_incident(action.incident_id):
            if current.action_id == action.action_id and current.status is ActionStatus.STARTED:
                state.actions.finish(replace(current, status=status, outcome=outcome, finished_at=deps.clock.now()))
