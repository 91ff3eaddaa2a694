"""incident_report: the incident for people to read afterwards, in Markdown. Read-only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import Enum
from operator import attrgetter
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ledger_guard.domain.approvals import Answer, Approval
from ledger_guard.domain.facts.backfill import PlanReviewed
from ledger_guard.domain.facts.codec import told
from ledger_guard.domain.facts.modes import HeldInShadow
from ledger_guard.domain.finding_words import counts_in_words
from ledger_guard.domain.flags import FlagChange, Freeze, on_or_off, scope_text
from ledger_guard.domain.modes import Mode
from ledger_guard.domain.money import readable
from ledger_guard.domain.money_at_risk import amount_in_words
from ledger_guard.domain.plans import Plan
from ledger_guard.domain.shown_text import duration, markdown
from ledger_guard.domain.windows import iso
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.reports.incident_record import IncidentRecord, TenantCourse, incident_record
from ledger_guard.use_cases.reports.repairs import repairs_on_record

Row = tuple[object, ...]


def incident_report(deps: Dependencies, incident_id: str) -> str:
    """What happened, who was affected, what was decided, approved and written, and what is still open; times are UTC.

    Raises:
        BadInputError: no such incident; `incident list --all` lists the ids.
    """
    record = incident_record(deps, incident_id)
    incident = record.incident
    known = deps.policy.triggers.get(incident.trigger)
    text = _templates().get_template("incident_report.md.j2")
    return text.render(
        record=record,
        incident=incident,
        title=deps.policy.named(incident.trigger),
        # the policy may no longer name the incident's trigger
        trigger=known,
        quiet_needed=known and deps.policy.detection_of(incident.trigger).resolve_after_windows,
        money=record.money_at_risk,
        row=known and deps.policy.row_for(incident.trigger, incident.severity, incident.scope),
        repair_rows=list(repairs_on_record(record.audit)),
        held_by_modes=list(_held_by_modes(record)),
        approval_rows=[_approval_row(approval, record) for approval in record.approvals],
    )


def _held_by_modes(record: IncidentRecord) -> Iterator[str]:
    """When the mode of a matrix row kept a repair from being done, or an action from being taken; a plan once."""
    told_plans: set[str] = set()
    for event in (entry.event for entry in record.audit):
        reviewed, held = told(event, PlanReviewed), told(event, HeldInShadow)
        if reviewed and reviewed.is_held_by_mode and reviewed.mode and event.subject not in told_plans:
            told_plans.add(event.subject)
            became = "was a dry-run only" if reviewed.mode is Mode.SHADOW else "waits for a human"
            plan = f"{event.subject.replace(':', ' ')} ({reviewed.rows} rows)"
            yield f"{iso(event.at)} {reviewed.row} is in {reviewed.mode.value}: {plan} {became}"
        elif held:
            yield f"{iso(event.at)} {held.row} is in shadow: {held.action} {held.target}".rstrip() + " was only recorded"


def _templates() -> Environment:
    # Every expression is escaped as Markdown before Jinja sees it, so that nothing is shown unescaped by mistake.
    found = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        finalize=lambda value: value if isinstance(value, Markup) else Markup(markdown(value)),  # noqa: S704
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    found.filters.update(
        iso=lambda moment: Markup(iso(moment)),  # noqa: S704
        verbatim=Markup,
        duration=duration,
        scope=scope_text,
        cell=_cell,
        columns=_columns,
        tenant_row=_tenant_row,
        plan_row=_plan_row,
        flag_change_row=_flag_change_row,
        freeze_row=_freeze_row,
    )
    return found


def _cell(value: object) -> Markup:
    if isinstance(value, datetime):
        value = iso(value)
    elif isinstance(value, Enum):
        value = value.value
    return Markup("-" if value in (None, "") else markdown(value))  # noqa: S704  escaped for what it is


def _columns(found: Iterable[object], *names: str) -> Iterator[Row]:
    return ((*attrgetter(*names)(each),) for each in found)


def _tenant_row(each: TenantCourse) -> Row:
    newest = each.newest and f"{each.newest.severity.value} ({iso(each.newest.window.start)})"
    gravest = each.gravest and each.gravest.sentence
    money = each.gravest and amount_in_words(each.gravest.reasons)
    return each.tenant_id, each.severe_windows, each.mild_windows, each.first_alarm, each.last_alarm, money, gravest, newest


def _plan_row(plan: Plan) -> Row:
    counts = f"{counts_in_words(plan.counts) or 'none'}; {plan.counts.protected} right (only the player row differs)"
    amounts = (plan.cents.created, plan.cents.increased, plan.cents.decreased)
    created, increased, decreased = (readable(each, plan.currency) for each in amounts)
    moved = f"{created} created, {increased} added, {decreased} taken away"
    bounds = "; ".join(plan.guardrails_exceeded) or "within the guardrails"
    return plan.created_at, plan.tenant_id, plan.mode, plan.status, counts, moved, bounds, plan.plan_id


def _approval_row(approval: Approval, record: IncidentRecord) -> Row:
    asked, answer = approval.request, approval.answer
    question = (asked.requested_at, asked.requested_by, asked.kind, asked.proposal or asked.subject_id)
    if answer is not None:
        who = "no one" if answer.answer is Answer.TIMED_OUT else answer.answered_by
        answer_text = "BREAK GLASS: acted alone" if asked.is_break_glass else answer.answer.value.replace("_", " ")
        return *question, answer_text, who, answer.answered_at, answer.reason
    if approval.orphaned_at is not None:
        return *question, "not answered: its run ended", None, approval.orphaned_at, None
    waits = asked.approval_id in record.waiting
    return *question, f"waiting until {iso(asked.expires_at)}" if waits else "not answered, no longer valid", None, None, None


def _flag_change_row(change: FlagChange) -> Row:
    seen_at = f" {iso(change.confirmed_at)}" if change.confirmed_at else ""
    seen = f"{change.status.value}{seen_at}{': ' if change.finding else ''}{change.finding}"
    value = f"{on_or_off(change.from_value)} → {on_or_off(change.to_value)}"
    by = (change.requested_by, change.approved_by)
    return change.changed_at, change.flag, scope_text(change.tenant_id), value, *by, change.reason, seen


def _freeze_row(freeze: Freeze) -> Row:
    opened = (freeze.opened_at, freeze.flag, scope_text(freeze.tenant_id), freeze.opened_by, freeze.reason)
    cause = (freeze.root_cause, freeze.root_cause_by, freeze.root_cause_owner, freeze.root_cause_link)
    return *opened, freeze.lifted_at, freeze.lifted_by, *cause
