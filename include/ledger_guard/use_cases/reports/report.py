"""incident_report: the incident as people read it afterwards, in Markdown. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from ledger_guard.domain.incidents import Incident
from ledger_guard.domain.windows import iso
from ledger_guard.ports import Guard
from ledger_guard.use_cases.reports.incident_record import IncidentRecord, incident_record
from ledger_guard.use_cases.reports.markdown import bullets, plain
from ledger_guard.use_cases.reports.report_tables import (
    actions_table,
    approvals_table,
    audit_table,
    flag_changes_table,
    freezes_table,
    plans_table,
    rotations_table,
    scope_in_words,
    tenants_table,
)


def incident_report(guard: Guard, incident_id: str) -> str:
    """What happened, to whom, what was decided, approved and written, and what still waits; times are UTC.

    Raises:
        BadInputError: there is no such incident: take the id from `incident list --all`.
    """
    record = incident_record(guard, incident_id)
    sections = [
        _heading(guard, record),
        _section("Tenants", tenants_table(record.tenants)),
        _section("What was done", actions_table(record)),
        _section("Backfill plans", plans_table(record)),
        _section("Approvals", approvals_table(record)),
        _section("Flag changes", flag_changes_table(record)),
        _section("Freezes", freezes_table(record)),
        _section("Secret rotations", rotations_table(record)),
        _section("Still waiting", bullets(_waiting(record)) or "Nothing."),
        _section("Audit log", audit_table(record)),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _heading(guard: Guard, record: IncidentRecord) -> str:
    incident = record.incident
    tenants = f"{len(incident.tenants)} tenant{'' if len(incident.tenants) == 1 else 's'}"
    facts = [
        f"**Incident** {incident.incident_id}, read at {iso(record.read_at)}",
        f"**Status** {incident.status.value}; opened {iso(incident.opened_at)}{_ended(incident)}",
        f"**In alarm** {tenants}, windows of {iso(incident.first_window_start)} to {iso(incident.last_alarm_window_start)}",
        f"**Signal** {_signal(guard, incident)}",
        *_acted_alone(record),
        *_runbook(guard, incident),
    ]
    if incident.summary:
        facts.append(f"**Last seen** {plain(incident.summary)}")
    title = f"# {guard.policy.named(incident.trigger)} · {incident.severity.value} · {incident.scope.value}"
    return f"{title}\n\n{bullets(facts)}"


def _signal(guard: Guard, incident: Incident) -> str:
    described = guard.policy.triggers.get(incident.trigger)
    return f"{incident.trigger.value} is no longer in the policy" if described is None else plain(described.description)


def _runbook(guard: Guard, incident: Incident) -> Iterable[str]:
    if incident.trigger in guard.policy.triggers:
        row = guard.policy.row_for(incident.trigger, incident.severity, incident.scope)
        yield f"**The runbook says** {plain(row.runbook_says)} (owner: {plain(row.owner)})"


def _ended(incident: Incident) -> str:
    parts = []
    if incident.mitigated_at:
        parts.append(f", mitigated {iso(incident.mitigated_at)}")
    if incident.resolved_at:
        parts.append(f", resolved {iso(incident.resolved_at)} after {_span(incident.resolved_at - incident.opened_at)}")
    return "".join(parts)


def _span(length: timedelta) -> str:
    minutes = int(length.total_seconds()) // 60
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def _section(title: str, body: str) -> str:
    return f"## {title}\n\n{body}" if body else ""


def _acted_alone(record: IncidentRecord) -> Iterable[str]:
    for approval in record.approvals:
        asked = approval.request
        if asked.is_break_glass:
            yield f"**BREAK GLASS** {plain(asked.requested_by)} acted alone at {iso(asked.requested_at)}: {asked.kind.value}"


def _waiting(record: IncidentRecord) -> Iterable[str]:
    if not record.incident.is_over:
        yield f"The incident is {record.incident.status.value}: {record.incident.quiet_windows} quiet windows so far."
    for approval in record.approvals:
        asked = approval.request
        if asked.approval_id in record.waiting:
            where = f", at {asked.link}" if asked.link else ""
            yield (
                f"An answer by {plain(' or '.join(asked.approvers))} until {iso(asked.expires_at)}{where}: "
                f"{plain(asked.proposal or asked.subject_id)}"
            )
    for action in record.unfinished_actions:
        yield f"{plain(action.kind)} {plain(action.target)}, started {iso(action.started_at)}".replace("  ", " ")
    for freeze in record.freezes:
        if freeze.stands:
            yield f"The root cause, to lift the freeze of {plain(freeze.flag)} for {plain(scope_in_words(freeze.tenant_id))}."
    for rotation in record.rotations:
        if rotation.done_at is None:
            late = " (overdue)" if rotation.due_at < record.read_at else ""
            yield f"The rotation of {plain(rotation.secret_name)} by {plain(rotation.owner)}, due {iso(rotation.due_at)}{late}."
