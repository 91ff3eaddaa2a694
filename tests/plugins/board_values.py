"""Values that the board's tests are made of."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from tests.triggers import T1, TRIGGERS

from ledger_guard.domain.approvals import Approval, ApprovalKind, ApprovalRequest
from ledger_guard.domain.incidents import Incident, IncidentStatus
from ledger_guard.domain.signals import SensedWindow, Trigger, WindowState
from ledger_guard.domain.verdicts import Scope, Severity, Verdict
from ledger_guard.domain.windows import Window
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.reports.board import BoardState, TriggerState

NOW = datetime(2026, 3, 1, 3, 2, tzinfo=timezone.utc)
LENGTH = timedelta(minutes=5)
#: ended two minutes before NOW
NEWEST = Window(datetime(2026, 3, 1, 2, 55, tzinfo=timezone.utc), LENGTH)
INCIDENT_ID = "7d0f9d52-5b1c-4f5e-9a3d-2f6f1f1f0001"


def verdict(trigger: Trigger, tenant_id: str, severity: Severity, scope: Scope = Scope.ISOLATED, sentence: str = "") -> Verdict:
    return Verdict(trigger, tenant_id, NEWEST, severity, scope, sentence or f"{severity.value} by its own baseline")


def sensed(trigger: Trigger, state: WindowState = WindowState.COMPLETE, reason: str = "") -> SensedWindow:
    return SensedWindow(trigger, NEWEST, state, reason, NOW)


def incident(**changes: Any) -> Incident:
    found = Incident(
        incident_id=INCIDENT_ID,
        trigger=T1,
        status=IncidentStatus.MITIGATING,
        severity=Severity.SEVERE,
        scope=Scope.ISOLATED,
        tenants=("tenant-07",),
        opened_at=NOW - timedelta(minutes=12),
        first_window_start=NEWEST.start,
        last_alarm_window_start=NEWEST.start,
        summary="tenant-07: 41 of 60 withdrawals refused, 22 times its usual rate",
    )
    return replace(found, **changes)


def approval(**changes: Any) -> Approval:
    request = ApprovalRequest(
        approval_id="7d0f9d52-5b1c-4f5e-9a3d-2f6f1f1f0002",
        kind=ApprovalKind.FLAG_ROLLBACK,
        subject_id="webhook_signature_enforced@*",
        subject_hash="0" * 64,
        incident_id=None,
        requested_by="ledger_guard",
        approvers=("payments-lead", "ops-lead"),
        minimum_reason_characters=10,
        requested_at=NOW - timedelta(minutes=8),
        expires_at=NOW + timedelta(minutes=52),
        dag_id="flag_rollback",
        run_id="roll_back__1",
        task_id="request_approval",
        link="http://localhost:8080/dags/flag_rollback/runs/roll_back__1/tasks/request_approval/required_actions?map_index=-1",
        proposal="Set webhook_signature_enforced to off everywhere.",
    )
    return Approval(replace(request, **changes))


NAMES = {trigger: load_policy().trigger_name(trigger) for trigger in TRIGGERS}


def trigger_state(trigger: Trigger = T1, **changes: Any) -> TriggerState:
    found = TriggerState(trigger, NAMES[trigger], "what it means", window=NEWEST, tenants={Severity.NONE: 3})
    return replace(found, **changes)


def board_state(**changes: Any) -> BoardState:
    """A board on which all is quiet."""
    found = BoardState(
        read_at=NOW,
        event_now=NOW,
        window_length=LENGTH,
        triggers=tuple(trigger_state(trigger) for trigger in TRIGGERS),
        incidents=(),
        waiting=(),
        freezes=(),
        audit=(),
        flags=(),
    )
    return replace(found, **changes)
