"""close_incident: a named person ends an incident that evidence can't end, or finds that it was a false alarm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.facts.incidents import IncidentClosed
from ledger_guard.domain.false_alarms import was_found_false
from ledger_guard.domain.incidents import Action, ActionStatus, Incident, IncidentStatus
from ledger_guard.domain.reasons import checked_reason
from ledger_guard.domain.shown_text import one_line
from ledger_guard.domain.signals import WindowState
from ledger_guard.domain.verdicts import Verdict
from ledger_guard.domain.windows import Window, iso
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.use_cases.approvals.change_mode import fall_back
from ledger_guard.use_cases.approvals.modes import rows_of_incident

#: after so long without a readable window, no alarm blocks closing
_LOOK_BACK = timedelta(days=1)


def close_incident(
    deps: Dependencies, incident_id: str, reason: str, by: str, *, is_false_alarm: bool = False
) -> tuple[Incident, Sequence[Action]]:
    """Resolve an incident by hand; returns it with its unfinished actions, which continue.

    Freezes and verdicts stay; the next alarm opens a new incident. The newest judged window with data counts: a source that is
    down hides no alarm. A false alarm takes the matrix rows that decided the incident back to `propose`; a resolved incident
    can be found false once.

    Raises:
        BadInputError: no such incident, it is resolved already, the reason is too short or too long, or no name is given.
        SafetyRefusal: a tenant of the incident is in alarm in that window, or someone changed the incident at the same time.
        Nothing was written. Repair the tenant, or wait until it is quiet or sends nothing.
    """
    by = by.strip()
    if not by:
        raise BadInputError("by: is empty; allowed: the name of the person closing the incident")
    reason = checked_reason("reason:", reason)
    with deps.state.transaction() as state:
        incident = state.incidents.get(incident_id)
        _refuse_resolved(state, incident, is_false_alarm=is_false_alarm)
        window = _newest_readable(state, incident)
        _refuse_alarms(state, incident, window)
        unfinished = [each for each in state.actions.of_incident(incident.incident_id) if each.status is ActionStatus.STARTED]
        closed = incident
        if not incident.is_over:
            closed = state.incidents.save(replace(incident, status=IncidentStatus.RESOLVED, resolved_at=deps.clock.now()))
        state.audit.append(
            recorded(
                IncidentClosed(
                    reason=reason,
                    was=incident.status.value,
                    newest_readable_window=window.start if window else None,
                    unfinished_actions=tuple(f"{each.kind} {each.target}".strip() for each in unfinished),
                    is_false_alarm=is_false_alarm or None,
                ),
                actor=by,
                subject=f"incident:{incident.incident_id}",
                at=deps.wall_clock.now(),
                incident_id=incident.incident_id,
            )
        )
        rows = rows_of_incident(deps, state, incident) if is_false_alarm else ()
    fall_back(deps, rows, f"{one_line(by)} found incident {incident.incident_id} to be a false alarm", incident.incident_id)
    return closed, unfinished


def _refuse_resolved(state: UnitOfWork, incident: Incident, *, is_false_alarm: bool) -> None:
    if not incident.is_over:
        return
    if not is_false_alarm:
        raise BadInputError(f"incident {incident.incident_id}: is resolved; allowed: an incident that is not")
    if was_found_false(state.audit, incident.incident_id):
        raise BadInputError(f"incident {incident.incident_id}: was found false already; allowed: one that was not")


def _newest_readable(state: UnitOfWork, incident: Incident) -> Window | None:
    through = state.verdicts.judged_through(incident.trigger)
    if through is None:
        return None
    windows = state.readings.windows(incident.trigger, through - _LOOK_BACK, through)
    return next((each.window for each in reversed(windows) if each.state is WindowState.COMPLETE), None)


def _refuse_alarms(state: UnitOfWork, incident: Incident, window: Window | None) -> None:
    alarms: list[Verdict] = []
    if window is not None:
        verdicts = state.verdicts.between(incident.trigger, window.start, window.end)
        alarms = [each for each in verdicts if each.severity.is_alarm and each.tenant_id in incident.tenants]
    if window is not None and alarms:
        tenants = ", ".join(f"{each.tenant_id} ({each.severity.value})" for each in alarms)
        still = f"tenants are in alarm in the window at {iso(window.start)}: {tenants}"
        raise SafetyRefusal(f"incident {incident.incident_id}: can't be closed while {still}")
