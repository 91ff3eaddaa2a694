"""Tenants whose figures the guard itself is moving: judged, but no measure of what is usual."""

from __future__ import annotations

from datetime import timedelta

from ledger_guard.domain.incidents import Action, Incident
from ledger_guard.domain.windows import Window
from ledger_guard.ports.guard_state import GuardTransaction

#: how long a repair is felt after it ended
AFTERMATH = timedelta(hours=1)


def quarantined_tenants(state: GuardTransaction, incident: Incident | None, window: Window) -> frozenset[str]:
    """Tenants of the incident that a backfill, its undo or a rollback touched during `window` or up to an hour before it.

    A backfill and an undo touch their tenant; a rollback all tenants of the incident. All times are event time.
    """
    if incident is None:
        return frozenset()
    touched: set[str] = set()
    for action in state.actions.of_incident(incident.incident_id):
        if action.kind in ("backfill", "undo") and _is_felt(action, window):
            touched.add(action.target)
        elif action.kind == "roll_back" and _is_felt(action, window):
            touched.update(incident.tenants)
    return frozenset(touched.intersection(incident.tenants))


def _is_felt(action: Action, window: Window) -> bool:
    if window.end <= action.started_at:
        return False
    return action.finished_at is None or window.start < action.finished_at + AFTERMATH
