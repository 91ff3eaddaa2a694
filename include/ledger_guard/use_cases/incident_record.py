"""Everything guard state knows about one incident, read as it stood at one moment. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ledger_guard.domain.approvals import Approval
from ledger_guard.domain.audit import AuditEntry
from ledger_guard.domain.flags import FlagChange, Freeze, RotationPlan
from ledger_guard.domain.incidents import Action, ActionStatus, Incident
from ledger_guard.domain.plans import Plan
from ledger_guard.domain.verdicts import Verdict
from ledger_guard.domain.windows import Window
from ledger_guard.ports import Guard, GuardTransaction


@dataclass(frozen=True)
class TenantCourse:
    """How one tenant of the incident fared."""

    tenant_id: str
    mild_windows: int
    severe_windows: int
    #: start of its first and its newest window in alarm; None when none is stored
    first_alarm: datetime | None
    last_alarm: datetime | None
    #: its gravest verdict, the newest of those
    gravest: Verdict | None
    #: its newest verdict of all; None when it has none
    newest: Verdict | None


@dataclass(frozen=True)
class IncidentRecord:
    """An incident with all that hangs on it, each in order of time."""

    incident: Incident
    #: by the clock that people live by
    read_at: datetime
    tenants: tuple[TenantCourse, ...]
    actions: tuple[Action, ...]
    #: without rows
    plans: tuple[Plan, ...]
    approvals: tuple[Approval, ...]
    #: ids of the questions that may still be answered
    waiting: frozenset[str]
    flag_changes: tuple[FlagChange, ...]
    freezes: tuple[Freeze, ...]
    rotations: tuple[RotationPlan, ...]
    audit: tuple[AuditEntry, ...]

    @property
    def unfinished_actions(self) -> tuple[Action, ...]:
        """Actions that were started and have not ended."""
        return tuple(action for action in self.actions if action.status is ActionStatus.STARTED)


def incident_record(guard: Guard, incident_id: str) -> IncidentRecord:
    """Read an incident and all that hangs on it; raises BadInputError when there is none with this id."""
    now = guard.wall_clock.now()
    with guard.state.snapshot() as state:
        incident = state.incidents.get(incident_id)
        found = incident.incident_id
        return IncidentRecord(
            incident=incident,
            read_at=now,
            tenants=_courses(state, incident),
            actions=tuple(state.actions.of_incident(found)),
            plans=tuple(state.plans.of_incident(found)),
            approvals=tuple(state.approvals.of_incident(found)),
            waiting=frozenset(each.request.approval_id for each in state.approvals.waiting(now)),
            flag_changes=tuple(state.flag_changes.of_incident(found)),
            freezes=tuple(state.freezes.of_incident(found)),
            rotations=tuple(state.rotations.of_incident(found)),
            audit=tuple(state.audit.entries(incident_id=found)),
        )


def _courses(state: GuardTransaction, incident: Incident) -> tuple[TenantCourse, ...]:
    judged_through = state.verdicts.judged_through(incident.trigger)
    if judged_through is None:
        return tuple(_course(tenant_id, []) for tenant_id in incident.tenants)
    until = min(judged_through, incident.resolved_at or judged_through)
    until = max(until, Window(incident.last_alarm_window_start, _SECOND).end)
    by_tenant: dict[str, list[Verdict]] = {tenant_id: [] for tenant_id in incident.tenants}
    for verdict in state.verdicts.between(incident.trigger, incident.first_window_start, until):
        if verdict.tenant_id in by_tenant:
            by_tenant[verdict.tenant_id].append(verdict)
    return tuple(_course(tenant_id, verdicts) for tenant_id, verdicts in by_tenant.items())
