"""Cases described by a person, recorded beside the sensed evidence."""

from __future__ import annotations

import uuid
from datetime import datetime

from ledger_guard.domain.cases_by_hand import BY_HAND, CaseByHand
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.incidents import Action, ActionStatus, Incident, IncidentStatus
from ledger_guard.ports.guard_state import UnitOfWork

_CASES = uuid.UUID("0b0c1c52-6f0e-4b5c-9f0e-5a7a2d3d9c11")


def join_or_open(state: UnitOfWork, case: CaseByHand, now: datetime) -> Incident:
    """Record the case on the trigger's unresolved incident, which it does not change; or open one for it.

    Severity, scope, tenants, evidence and status of an existing incident are not touched, so no open question is voided. A run
    records its case once, however often it is tried.
    """
    standing = state.incidents.open_for(case.trigger)
    incident = standing or Incident(
        incident_id=new_id(),
        trigger=case.trigger,
        status=IncidentStatus.OPEN,
        severity=case.severity,
        scope=case.scope,
        tenants=case.tenants,
        opened_at=now,
        first_window_start=now,
        last_alarm_window_start=now,
        summary=case.words,
    )
    if standing is None:
        state.incidents.add(incident)
    detail: dict[str, object] = {
        "by": case.by,
        "severity": case.severity.value,
        "scope": case.scope.value,
        "tenants": list(case.tenants),
        "reason": case.reason,
        "run_id": case.run_id,
        "opened": standing is None,
    }
    action_id = str(uuid.uuid5(_CASES, f"{incident.incident_id} {case.run_id}"))
    action = Action(action_id, incident.incident_id, BY_HAND, "", ActionStatus.DONE, now, now, outcome=case.words, detail=detail)
    state.actions.start(action)
    return incident
