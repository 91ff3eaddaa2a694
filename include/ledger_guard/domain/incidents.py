"""Incidents: one per trigger while its problem lasts; every action belongs to one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.verdicts import Scope, Severity, worst


class IncidentStatus(str, Enum):
    """`open → mitigating → mitigated → resolved`; an incident can go back to open when it gets worse."""

    OPEN = "open"
    MITIGATING = "mitigating"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"


@dataclass(frozen=True)
class Incident:
    """An incident of one trigger."""

    incident_id: str
    trigger: Trigger
    status: IncidentStatus
    #: the worst so far; it does not fall while the incident lasts
    severity: Severity
    scope: Scope
    #: tenants that were ever in alarm during this incident, sorted
    tenants: tuple[str, ...]
    opened_at: datetime
    #: start of the first window in alarm
    first_window_start: datetime
    #: start of the newest window in alarm
    last_alarm_window_start: datetime
    #: tenants of the incident that showed evidence of health since their own last alarm, sorted
    healthy_tenants: tuple[str, ...] = ()
    #: windows since the last alarm that count as quiet: every tenant had shown evidence of health by then, one in the window
    quiet_windows: int = 0
    mitigated_at: datetime | None = None
    resolved_at: datetime | None = None
    #: the newest verdict sentences, one a tenant, for people
    summary: str = ""
    #: its thread: Slack channel and timestamp of the first message
    thread_channel: str | None = None
    thread_ts: str | None = None
    #: number of saves; a writer with an older one is refused
    version: int = 0

    def worsened_by(
        self, severity: Severity, scope: Scope, tenants: frozenset[str], window_start: datetime, summary: str
    ) -> Incident:
        """The incident after another window in alarm, which late data may have put before the first."""
        wider = Scope.WIDESPREAD if Scope.WIDESPREAD in (self.scope, scope) else Scope.ISOLATED
        return replace(
            self,
            severity=worst(self.severity, severity),
            scope=wider,
            tenants=tuple(sorted(tenants.union(self.tenants))),
            first_window_start=min(self.first_window_start, window_start),
            last_alarm_window_start=max(self.last_alarm_window_start, window_start),
            healthy_tenants=tuple(tenant for tenant in self.healthy_tenants if tenant not in tenants),
            quiet_windows=0,
            summary=summary,
        )

    @property
    def is_over(self) -> bool:
        """True once resolved."""
        return self.status is IncidentStatus.RESOLVED

    @property
    def described(self) -> str:
        """The state that an approval is for: trigger, severity, scope, and whether resolved. A change voids the approval."""
        return f"{self.trigger.value} {self.severity.value} {self.scope.value}{' resolved' if self.is_over else ''}"

    def stage_key(self) -> str:
        """The stage of a remediation: it starts once per incident, severity, scope and, while isolated, tenants."""
        stage = f"{self.incident_id}__{self.severity.value}__{self.scope.value}"
        if self.scope is Scope.WIDESPREAD:
            return stage
        return f"{stage}__{hashlib.sha256(' '.join(self.tenants).encode()).hexdigest()[:8]}"


class ActionStatus(str, Enum):
    """The status of an action."""

    STARTED = "started"
    DONE = "done"
    #: refused by a human or a safety rule
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True)
class Action:
    """One action for an incident: a triage, a tenant's backfill, a rollback and so on."""

    action_id: str
    incident_id: str
    #: a word of the policy (triage, check_secrets, freeze, backfill, dry_run, roll_back, plan_secret_rotation, request_review),
    #: or undo, or by_hand
    kind: str
    #: tenant id or flag name; empty for the whole incident
    target: str
    status: ActionStatus
    started_at: datetime
    finished_at: datetime | None = None
    #: its own Airflow run, if it has one
    run_id: str | None = None
    #: for people: its result
    outcome: str = ""
    detail: dict[str, object] = field(default_factory=dict)
