"""Everything guard state knows about one incident, read in one snapshot. Read-only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ledger_guard.domain.approvals import Approval
from ledger_guard.domain.audit import AuditEntry
from ledger_guard.domain.flags import FlagChange, Freeze, RotationPlan
from ledger_guard.domain.incidents import Action, ActionStatus, Incident
from ledger_guard.domain.money_at_risk import sum_in_words
from ledger_guard.domain.past_changes import SHORTLY, PastChange, changes_past_the_guard
from ledger_guard.domain.plans import Plan
from ledger_guard.domain.verdicts import Severity, Verdict
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork


@dataclass(frozen=True)
class TenantCourse:
    """One tenant of the incident."""

    tenant_id: str
    mild_windows: int
    severe_windows: int
    #: start of its first and its newest window in alarm; None when none is stored
    first_alarm: datetime | None
    last_alarm: datetime | None
    #: its worst verdict, the newest of those
    gravest: Verdict | None
    #: its newest verdict; None when it has none
    newest: Verdict | None


@dataclass(frozen=True)
class IncidentRecord:
    """An incident with all its records, each in order of time."""

    incident: Incident
    #: wall-clock time
    read_at: datetime
    tenants: tuple[TenantCourse, ...]
    actions: tuple[Action, ...]
    #: without rows
    plans: tuple[Plan, ...]
    approvals: tuple[Approval, ...]
    #: ids of the open questions
    waiting: frozenset[str]
    flag_changes: tuple[FlagChange, ...]
    #: of the flag of its trigger, from two hours before its first window until it was over, oldest first
    changes_past_the_guard: tuple[PastChange, ...]
    freezes: tuple[Freeze, ...]
    rotations: tuple[RotationPlan, ...]
    audit: tuple[AuditEntry, ...]
    #: of its money
    currency: str

    @property
    def money_at_risk(self) -> str:
        """What the incident is about, in words: each tenant's worst verdict, the newest of those, added up."""
        worst = [course.gravest for course in self.tenants if course.gravest is not None]
        return f"{sum_in_words(worst, self.currency)} in the worst window of each tenant"

    @property
    def unfinished_actions(self) -> tuple[Action, ...]:
        """Actions that were started and have not ended."""
        return tuple(action for action in self.actions if action.status is ActionStatus.STARTED)


def incident_record(deps: Dependencies, incident_id: str) -> IncidentRecord:
    """Read an incident and all its records; raises BadInputError when there is none with this id."""
    now = deps.wall_clock.now()
    with deps.state.snapshot() as state:
        incident = state.incidents.get(incident_id)
        found = incident.incident_id
        return IncidentRecord(
            incident=incident,
            read_at=now,
            tenants=_courses(deps, state, incident),
            actions=tuple(state.actions.of_incident(found)),
            plans=tuple(state.plans.of_incident(found)),
            approvals=tuple(state.approvals.of_incident(found)),
            waiting=frozenset(each.request.approval_id for each in state.approvals.waiting(now)),
            flag_changes=tuple(state.flag_changes.of_incident(found)),
            changes_past_the_guard=tuple(_past_changes(deps, state, incident)),
            freezes=tuple(state.freezes.of_incident(found)),
            rotations=tuple(state.rotations.of_incident(found)),
            audit=tuple(state.audit.entries(incident_id=found)),
            currency=deps.policy.platform.currency,
        )


def _past_changes(deps: Dependencies, state: UnitOfWork, incident: Incident) -> list[PastChange]:
    described = deps.policy.triggers.get(incident.trigger)
    if described is None:
        return []
    until = incident.resolved_at or deps.wall_clock.now()
    return changes_past_the_guard(state.audit, described.flag, incident.first_window_start - SHORTLY, until)


def _courses(deps: Dependencies, state: UnitOfWork, incident: Incident) -> tuple[TenantCourse, ...]:
    length = timedelta(minutes=deps.policy.window_minutes)
    until = state.verdicts.judged_through(incident.trigger) or incident.last_alarm_window_start
    if incident.is_over:
        # Up to the windows that ended it; none of a later incident.
        quiet = deps.policy.detection_of(incident.trigger).resolve_after_windows
        until = min(until, incident.last_alarm_window_start + (1 + quiet) * length)
    by_tenant: dict[str, list[Verdict]] = {tenant_id: [] for tenant_id in incident.tenants}
    for verdict in state.verdicts.between(incident.trigger, incident.first_window_start, until):
        if verdict.tenant_id in by_tenant:
            by_tenant[verdict.tenant_id].append(verdict)
    return tuple(_course(tenant_id, verdicts) for tenant_id, verdicts in by_tenant.items())


def _course(tenant_id: str, verdicts: Sequence[Verdict]) -> TenantCourse:
    alarms = [verdict for verdict in verdicts if verdict.severity.is_alarm]
    severe = [verdict for verdict in alarms if verdict.severity is Severity.SEVERE]
    gravest = severe or alarms
    return TenantCourse(
        tenant_id=tenant_id,
        mild_windows=len(alarms) - len(severe),
        severe_windows=len(severe),
        first_alarm=alarms[0].window.start if alarms else None,
        last_alarm=alarms[-1].window.start if alarms else None,
        gravest=gravest[-1] if gravest else None,
        newest=verdicts[-1] if verdicts else None,
    )
