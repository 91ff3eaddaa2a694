"""Values of guard state with nothing special about them; a test names only what its rule is about."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.triggers import T1

from ledger_guard.domain.approvals import Answer, ApprovalAnswer, ApprovalKind, ApprovalRequest
from ledger_guard.domain.audit import AuditEvent
from ledger_guard.domain.findings import DifferenceCounts, RowCause, RowReason
from ledger_guard.domain.flags import FlagChange, Freeze, RotationPlan
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.incidents import Action, ActionStatus, Incident, IncidentStatus
from ledger_guard.domain.plan_rows import hash_of_lines, lines_of
from ledger_guard.domain.plans import BackfillMode, CentTotals, Plan, PlanRow, plan_hash
from ledger_guard.domain.signals import Reading, SensedWindow, WindowState
from ledger_guard.domain.verdicts import Scope, Severity, Verdict
from ledger_guard.domain.windows import UTC, Window

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FIVE_MINUTES = timedelta(minutes=5)


def a_window(number: int = 0) -> Window:
    return Window(NOON + number * FIVE_MINUTES, FIVE_MINUTES)


def a_sensed_window(number: int = 0, **changes: Any) -> SensedWindow:
    given = {"trigger": T1, "window": a_window(number), "state": WindowState.COMPLETE, "reason": "", "sensed_at": NOON}
    return SensedWindow(**{**given, **changes})


def a_blind_window(number: int = 0, reason: str = "the source did not answer") -> SensedWindow:
    return a_sensed_window(number, state=WindowState.NO_DATA, reason=reason)


def a_reading(number: int = 0, tenant_id: str = "tenant-a", **changes: Any) -> Reading:
    given = {"trigger": T1, "tenant_id": tenant_id, "window": a_window(number), "events": 3, "exposure": 100, "subjects": 2}
    return Reading(**{**given, **changes})


def a_verdict(number: int = 0, tenant_id: str = "tenant-a", **changes: Any) -> Verdict:
    given = {
        "trigger": T1,
        "tenant_id": tenant_id,
        "window": a_window(number),
        "severity": Severity.NONE,
        "scope": Scope.ISOLATED,
        "sentence": "nothing out of the ordinary",
        "reasons": {"rate": 0.03, "events": 3, "band": [0.01, 0.05]},
    }
    return Verdict(**{**given, **changes})


def an_incident(**changes: Any) -> Incident:
    given = {
        "incident_id": new_id(),
        "trigger": T1,
        "status": IncidentStatus.OPEN,
        "severity": Severity.SEVERE,
        "scope": Scope.ISOLATED,
        "tenants": ("tenant-a", "tenant-b"),
        "opened_at": NOON,
        "first_window_start": NOON - FIVE_MINUTES,
        "last_alarm_window_start": NOON - FIVE_MINUTES,
        "summary": "tenant-a: eight times its usual rate",
    }
    return Incident(**{**given, **changes})


def an_action(incident: Incident, **changes: Any) -> Action:
    given = {
        "action_id": new_id(),
        "incident_id": incident.incident_id,
        "kind": "backfill",
        "target": "tenant-a",
        "status": ActionStatus.STARTED,
        "started_at": NOON,
        "run_id": "remediation__1",
        "detail": {"rows": 3},
    }
    return Action(**{**given, **changes})


def a_plan_row(player_id: str, **changes: Any) -> PlanRow:
    given = {
        "player_id": player_id,
        "currency": "USD",
        "cause": RowCause.STALE_WALLET,
        "player_available": 1_050,
        "player_held": 0,
        "wallet_available": 1_000,
        "wallet_pending": 0,
        "target_available": 1_050,
        "target_pending": 0,
        "reason": RowReason.ACCOUNTED,
    }
    return PlanRow(**{**given, **changes})


def a_plan(**changes: Any) -> Plan:
    two_rows = (a_plan_row("p-1"), a_plan_row("p-2", wallet_available=None, wallet_pending=None, cause=RowCause.MISSING))
    rows = changes.pop("rows", two_rows)
    flag_state, rows_hash = {"ledger_enforce_balance": True}, hash_of_lines(lines_of(rows))
    given = {
        "plan_id": new_id(),
        "plan_hash": plan_hash("tenant-a", BackfillMode.FORCE, "USD", rows_hash, flag_state, policy_hash="policy"),
        "tenant_id": "tenant-a",
        "mode": BackfillMode.FORCE,
        "currency": "USD",
        "counts": DifferenceCounts(missing=1, stale_wallet=1),
        "cents": CentTotals(created=1_050, increased=50),
        "players": 40,
        "guardrails_exceeded": ("3 rows: more than 2",),
        "flag_state": flag_state,
        "policy_hash": "policy",
        "created_at": NOON,
        "expires_at": NOON + timedelta(hours=2),
        "requested_by": "oncall",
        "rows": rows,
    }
    return Plan(**{**given, **changes})


def a_question(**changes: Any) -> ApprovalRequest:
    given = {
        "approval_id": new_id(),
        "kind": ApprovalKind.FLAG_ROLLBACK,
        "subject_id": "ledger_enforce_balance@*",
        "subject_hash": "hash",
        "incident_id": None,
        "requested_by": "oncall",
        "approvers": ("payments-lead", "ops-lead"),
        "minimum_reason_characters": 10,
        "requested_at": NOON,
        "expires_at": NOON + timedelta(hours=1),
        "dag_id": "flag_rollback",
        "run_id": "run-1",
        "task_id": "request_approval",
        "link": "http://localhost:8080/required-actions",
        "proposal": "switch ledger_enforce_balance off everywhere",
    }
    return ApprovalRequest(**{**given, **changes})


def a_yes(question: ApprovalRequest, **changes: Any) -> ApprovalAnswer:
    given = {
        "approval_id": question.approval_id,
        "answer": Answer.APPROVED,
        "answered_by": "payments-lead",
        "answered_at": NOON + FIVE_MINUTES,
        "reason": "refusals on every tenant",
    }
    return ApprovalAnswer(**{**given, **changes})


def a_flag_change(question: ApprovalRequest, **changes: Any) -> FlagChange:
    given = {
        "change_id": new_id(),
        "flag": "ledger_enforce_balance",
        "tenant_id": "*",
        "from_value": True,
        "to_value": False,
        "incident_id": None,
        "approval_id": question.approval_id,
        "requested_by": "oncall",
        "approved_by": "payments-lead",
        "reason": "refusals on every tenant",
        "changed_at": NOON,
    }
    return FlagChange(**{**given, **changes})


def a_freeze(**changes: Any) -> Freeze:
    given = {
        "freeze_id": new_id(),
        "flag": "ledger_enforce_balance",
        "tenant_id": "*",
        "reason": "balances drift",
        "opened_by": "ledger_guard",
        "opened_at": NOON,
    }
    return Freeze(**{**given, **changes})


def a_rotation(**changes: Any) -> RotationPlan:
    given = {
        "rotation_id": new_id(),
        "provider": "mockpsp",
        "secret_name": "WEBHOOK_SECRET_MOCKPSP",
        "incident_id": None,
        "owner": "payments-lead",
        "steps": ("make a new secret with the provider", "accept both", "drop the old one"),
        "planned_at": NOON,
        "due_at": NOON + timedelta(hours=24),
    }
    return RotationPlan(**{**given, **changes})


def an_event(number: int = 0, **changes: Any) -> AuditEvent:
    given = {
        "verb": "classify",
        "actor": "ledger_guard",
        "subject": f"trigger:T1#{number}",
        "detail": {"ratio": 8.25, "tenants": ["tenant-a"], "note": "öffnet"},
        "at": NOON + timedelta(microseconds=number),
    }
    return AuditEvent(**{**given, **changes})
