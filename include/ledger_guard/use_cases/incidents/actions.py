"""The record of what was begun for an incident, and how it ended."""

from __future__ import annotations

from dataclasses import replace

from ledger_guard.domain.incidents import ActionStatus
from ledger_guard.ports import Guard


def finish_action(guard: Guard, incident_id: str | None, kind: str, target: str, status: ActionStatus, outcome: str) -> None:
    """Record how the unfinished action of this kind and target ended; without an incident there is nothing to record."""
    if not incident_id:
        return
    with guard.state.transaction() as state:
        for action in state.actions.of_incident(incident_id):
            if (action.kind, action.target, action.status) == (kind, target, ActionStatus.STARTED):
                state.actions.finish(replace(action, status=status, outcome=outcome, finished_at=guard.clock.now()))
