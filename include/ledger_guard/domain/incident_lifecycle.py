"""The incident's lifecycle from one judged window to the next: a pure rule over verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from ledger_guard.domain.cases_by_hand import is_only_by_hand, work_of
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.incidents import Action, ActionStatus, Incident, IncidentStatus
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.verdicts import Scope, Severity, Verdict, worst
from ledger_guard.domain.windows import Window


class Change(str, Enum):
    """The effect of a judged window."""

    OPENED = "opened"
    #: severity or scope rose, or a severe isolated incident reached another tenant
    ESCALATED = "escalated"
    #: an incident continues unchanged
    CONTINUED = "continued"
    RESOLVED = "resolved"
    #: no incident, no alarm
    QUIET = "quiet"
    #: the window could not be read
    BLIND = "blind"


@dataclass(frozen=True)
class Step:
    """The incident after a window, and the window's effect."""

    incident: Incident | None
    change: Change


@dataclass(frozen=True)
class LifecycleRules:
    """What the policy says about the lifecycle of an incident."""

    #: windows with evidence of health for every tenant of the incident, in a row, that end it
    resolve_after_windows: int
    #: most tenants whose verdict the summary quotes
    list_at_most: int


def next_step(
    incident: Incident | None,
    trigger: Trigger,
    window: Window,
    verdicts: Sequence[Verdict],
    actions: Sequence[Action],
    now: datetime,
    rules: LifecycleRules,
) -> Step:
    """What `window` with its `verdicts` does to the trigger's unresolved incident, if there is one.

    `actions` are the incident's; `now` is event time. `no_data` and `insufficient` are never evidence of health: they
    neither count as quiet windows nor start the count again, and they never end an incident. Nor does a window that is not
    younger than the newest alarm.
    """
    alarms = [verdict for verdict in verdicts if verdict.severity.is_alarm]
    if incident is None:
        return Step(_opened(trigger, window, alarms, now, rules), Change.OPENED) if alarms else Step(None, Change.QUIET)
    if alarms and is_only_by_hand(incident, actions):
        return Step(_sensed_at_last(incident, window, alarms, now, rules), Change.OPENED)
    if alarms:
        return _worsened(incident, window, alarms, rules)
    if window.start <= incident.last_alarm_window_start:
        return Step(incident, Change.CONTINUED)
    calmer = _calmed(incident, verdicts)
    if calmer.quiet_windows >= rules.resolve_after_windows and _may_end(calmer, actions):
        return Step(replace(calmer, status=IncidentStatus.RESOLVED, resolved_at=now), Change.RESOLVED)
    return Step(calmer, Change.CONTINUED)


def _opened(trigger: Trigger, window: Window, alarms: Sequence[Verdict], now: datetime, rules: LifecycleRules) -> Incident:
    return Incident(
        incident_id=new_id(),
        trigger=trigger,
        status=IncidentStatus.OPEN,
        severity=_gravest(alarms),
        scope=_widest(alarms),
        tenants=tuple(sorted({alarm.tenant_id for alarm in alarms})),
        opened_at=now,
        first_window_start=window.start,
        last_alarm_window_start=window.start,
        summary=_summary(alarms, rules.list_at_most),
    )


def _sensed_at_last(
    incident: Incident, window: Window, alarms: Sequence[Verdict], now: datetime, rules: LifecycleRules
) -> Incident:
    """An incident opened by a person, once its signal is in alarm: from here on the sensed evidence is the incident.

    The person's description stays as an action. If it stayed here, a case by hand could be worse than anything sensed, and the
    health check would never start what the real incident needs.
    """
    sensed = _opened(incident.trigger, window, alarms, now, rules)
    return replace(
        sensed,
        incident_id=incident.incident_id,
        thread_channel=incident.thread_channel,
        thread_ts=incident.thread_ts,
        version=incident.version,
    )


def _worsened(incident: Incident, window: Window, alarms: Sequence[Verdict], rules: LifecycleRules) -> Step:
    tenants = frozenset(alarm.tenant_id for alarm in alarms)
    summary = _summary(alarms, rules.list_at_most)
    worse = incident.worsened_by(_gravest(alarms), _widest(alarms), tenants, window.start, summary)
    same_stage = (worse.severity, worse.scope) == (incident.severity, incident.scope)
    if same_stage and not _reached_another_tenant(incident, worse, alarms):
        return Step(worse, Change.CONTINUED)
    # Open again: earlier actions were for a lesser case; decide starts the stage for this one.
    return Step(replace(worse, status=IncidentStatus.OPEN, mitigated_at=None), Change.ESCALATED)


def _reached_another_tenant(incident: Incident, worse: Incident, alarms: Sequence[Verdict]) -> bool:
    """Whether a new tenant needs its own repair. A widespread incident is handled as one."""
    severe = {alarm.tenant_id for alarm in alarms if alarm.severity is Severity.SEVERE}
    return worse.scope is Scope.ISOLATED and bool(severe - set(incident.tenants))


def _calmed(incident: Incident, verdicts: Iterable[Verdict]) -> Incident:
    """The incident after a window without an alarm.

    Small tenants rarely give evidence in the same window, so each tenant's evidence is kept until its next alarm. A window is
    quiet when no tenant's evidence is missing and at least one gave some in it.
    """
    now = {verdict.tenant_id for verdict in verdicts if verdict.severity.is_evidence_of_health}.intersection(incident.tenants)
    healthy = now.union(incident.healthy_tenants)
    counts = bool(now) and healthy.issuperset(incident.tenants)
    return replace(incident, healthy_tenants=tuple(sorted(healthy)), quiet_windows=incident.quiet_windows + counts)


def _may_end(incident: Incident, actions: Sequence[Action]) -> bool:
    """Whether every action is done: a quiet signal alone does not end an incident under repair."""
    if incident.status is IncidentStatus.MITIGATED:
        return True
    if incident.status is IncidentStatus.OPEN and incident.severity is Severity.MILD:
        return True
    work = work_of(actions)
    return bool(work) and all(action.status is not ActionStatus.STARTED for action in work)


def _gravest(alarms: Sequence[Verdict]) -> Severity:
    found = Severity.NONE
    for alarm in alarms:
        found = worst(found, alarm.severity)
    return found


def _widest(alarms: Sequence[Verdict]) -> Scope:
    return Scope.WIDESPREAD if any(alarm.scope is Scope.WIDESPREAD for alarm in alarms) else Scope.ISOLATED


def _summary(alarms: Sequence[Verdict], list_at_most: int) -> str:
    ordered = sorted(alarms, key=lambda alarm: (alarm.severity is not Severity.SEVERE, alarm.tenant_id))
    lines = [f"{alarm.tenant_id}: {alarm.sentence}" for alarm in ordered[:list_at_most]]
    if len(ordered) > list_at_most:
        lines.append(f"… and {len(ordered) - list_at_most} more tenant(s)")
    return "\n".join(lines)
