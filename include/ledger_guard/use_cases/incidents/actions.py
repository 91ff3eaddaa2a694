"""The record of actions started for an incident, and how they ended."""

from __future__ import annotations

from dataclasses import replace

from ledger_guard.domain.incidents import Action, ActionStatus
from ledger_guard.ports import Dependencies


def finish_action(deps: Dependencies, action: Action, status: ActionStatus, outcome: str) -> None:
    """Record how this action ended, unless this was recorded meanwhile."""
    with deps.state.transaction() as state:
        for current in state.actions.of_incident(action.incident_id):
            if current.action_id == action.action_id and current.status is ActionStatus.STARTED:
                state.actions.finish(replace(current, status=status, outcome=outcome, finished_at=deps.clock.now()))
