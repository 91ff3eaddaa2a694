"""The tables of an incident's report, in Markdown. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from ledger_guard.domain.approvals import Answer, Approval
from ledger_guard.domain.finding_words import counts_in_words
from ledger_guard.domain.findings import DifferenceCounts
from ledger_guard.domain.flags import EVERYWHERE, FlagChange
from ledger_guard.domain.money import readable
from ledger_guard.domain.plans import CentTotals
from ledger_guard.domain.windows import iso
from ledger_guard.use_cases.reports.incident_record import IncidentRecord, TenantCourse
from ledger_guard.use_cases.reports.markdown import table


def tenants_table(tenants: Iterable[TenantCourse]) -> str:
    """Each tenant of the incident: windows in alarm, gravest and newest verdict."""
    return table(
        ["Tenant", "Severe windows", "Mild windows", "First alarm", "Last alarm", "Gravest verdict", "Newest verdict"],
        [
            [
                each.tenant_id,
                each.severe_windows,
                each.mild_windows,
                _moment(each.first_alarm),
                _moment(each.last_alarm),
                each.gravest and each.gravest.sentence,
                each.newest and f"{each.newest.severity.value} ({iso(each.newest.window.start)})",
            ]
            for each in tenants
        ],
    )


def actions_table(record: IncidentRecord) -> str:
    """What was started, and what came of it."""
    rows = [
        [iso(each.started_at), each.kind, each.target, each.status.value, _moment(each.finished_at), each.outcome, each.run_id]
        for each in record.actions
    ]
    return table(["Started", "Action", "Target", "Status", "Ended", "Outcome", "Run"], rows) if rows else "Nothing was started."


def plans_table(record: IncidentRecord) -> str:
    """The backfill plans, with what they would have moved; empty without any."""
    rows = [
        [
            iso(each.created_at),
            each.tenant_id,
            each.mode.value,
            each.status.value,
            _counts(each.counts),
            _amounts(each.cents, each.currency),
            "; ".join(each.guardrails_exceeded) or "within the guardrails",
            each.plan_id,
        ]
        for each in record.plans
    ]
    return table(["Made", "Tenant", "Mode", "Status", "Rows", "Amounts", "Guardrails", "Plan"], rows) if rows else ""


def approvals_table(record: IncidentRecord) -> str:
    """Who asked for what, and who answered what, when and why; empty without any."""
    rows = [
        [
            iso(each.request.requested_at),
            each.request.requested_by,
            each.request.kind.value,
            each.request.proposal or each.request.subject_id,
            *_answer(each, record),
        ]
        for each in record.approvals
    ]
    return table(["Asked", "By", "For", "Proposal", "Answer", "By", "At", "Reason"], rows) if rows else ""


def flag_changes_table(record: IncidentRecord) -> str:
    """Every write to a flag store; empty without any."""
    rows = [
        [
            iso(each.changed_at),
            each.flag,
            scope_in_words(each.tenant_id),
            f"{_value(each.from_value)} → {_value(each.to_value)}",
            each.requested_by,
            each.approved_by,
            each.reason,
            _seen_of(each),
        ]
        for each in record.flag_changes
    ]
    return (
        table(["Changed", "Flag", "Scope", "Value", "Requested by", "Approved by", "Reason", "Confirmed"], rows) if rows else ""
    )


def _seen_of(change: FlagChange) -> str:
    seen_at = f" {iso(change.confirmed_at)}" if change.confirmed_at else ""
    return f"{change.status.value}{seen_at}{': ' if change.finding else ''}{change.finding}"


def freezes_table(record: IncidentRecord) -> str:
    """Freezes, with the root cause of those lifted; empty without any."""
    rows = [
        [
            iso(each.opened_at),
            each.flag,
            scope_in_words(each.tenant_id),
            each.opened_by,
            each.reason,
            _moment(each.lifted_at),
            each.lifted_by,
            each.root_cause,
            each.root_cause_by,
            each.root_cause_owner,
            each.root_cause_link,
        ]
        for each in record.freezes
    ]
    headings = ["Opened", "Flag", "Scope", "By", "Reason", "Lifted", "By", "Root cause", "Written by", "Owner", "Link"]
    return table(headings, rows) if rows else ""


def rotations_table(record: IncidentRecord) -> str:
    """Secret rotations, planned and done; empty without any."""
    rows = [
        [iso(each.planned_at), each.secret_name, each.provider, each.owner, iso(each.due_at), _moment(each.done_at), each.done_by]
        for each in record.rotations
    ]
    return table(["Planned", "Secret", "Provider", "Owner", "Due", "Done", "By"], rows) if rows else ""


def audit_table(record: IncidentRecord) -> str:
    """The entries of the audit log that name the incident."""
    rows = [[each.sequence, iso(each.event.at), each.event.verb, each.event.actor, each.event.subject] for each in record.audit]
    return table(["Entry", "At", "Verb", "Actor", "Subject"], rows) if rows else "No entry names this incident."


def _answer(approval: Approval, record: IncidentRecord) -> list[object]:
    answer = approval.answer
    if answer is not None:
        who = "nobody" if answer.answer is Answer.TIMED_OUT else answer.answered_by
        said = answer.answer.value.replace("_", " ")
        if approval.request.is_break_glass:
            said = "BREAK GLASS: acted alone"
        return [said, who, iso(answer.answered_at), answer.reason]
    is_open = approval.request.approval_id in record.waiting
    return [f"waiting until {iso(approval.request.expires_at)}" if is_open else "not answered, counts no more", None, None, None]


def scope_in_words(tenant_id: str) -> str:
    """`everywhere`, or the tenant's id."""
    return "everywhere" if tenant_id == EVERYWHERE else tenant_id


def _counts(counts: DifferenceCounts) -> str:
    return f"{counts_in_words(counts) or 'none'}; {counts.protected} right though the player row differs"


def _amounts(cents: CentTotals, currency: str) -> str:
    created, increased, decreased = (readable(each, currency) for each in (cents.created, cents.increased, cents.decreased))
    return f"{created} created, {increased} added, {decreased} taken away"


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)


def _value(is_enabled: bool | None) -> str:
    return "not set" if is_enabled is None else "on" if is_enabled else "off"
