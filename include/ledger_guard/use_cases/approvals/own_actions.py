"""What was begun for an incident and how it ended: a run ends the action that it was granted for, and no other."""

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

#: in what the first task of a run leaves: when it began, by event time
_BEGUN_AT = "begun_at"


def begun_now(deps: Dependencies) -> dict[str, str]:
    """For what the first task of a run leaves: when the run began."""
    return {_BEGUN_AT: deps.clock.now().isoformat()}


def end_own_action(
    run: RunOnRecord,
    incident_id: str | None,
    kind: str,
    target: str,
    ending: tuple[ActionStatus, str],
    left: Mapping[str, Any] | None,
) -> None:
    """Record how a run ended; without an incident there is nothing to record.

    A run that was granted ends the action that names its run id, again when it was cleared and ended otherwise than before. A
    run by hand has an action of its own beside that, from what its first task `left`; one whose first task was refused has
    none. Whoever starts a run by hand thus ends nothing that the guard waits for.

    Raises SafetyRefusal for a run that may not be there; nothing was recorded.
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
            # a run that began before this was kept has no such time
            began = datetime.fromisoformat(left[_BEGUN_AT]) if _BEGUN_AT in left else now
            detail: dict[str, object] = {STARTED_BY: requester}
            state.actions.start(Action(new_id(), incident_id, kind, target, status, began, now, run_id, outcome, detail))


def finish_action(deps: Dependencies, action: Action, status: ActionStatus, outcome: str) -> None:
    """Record how this very action ended, unless that was recorded meanwhile."""
    with deps.state.transaction() as state:
        for current in state.actions.of_incident(action.incident_id):
            if current.action_id == action.action_id and current.status is ActionStatus.STARTED:
                state.actions.finish(replace(current, status=status, outcome=outcome, finished_at=deps.clock.now()))
