"""triage: the runbook's first question of every flow. Reads guard state, access events and balances; changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from ledger_guard.domain.audit import AuditEvent
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.identifiers import checked_uuid
from ledger_guard.domain.incidents import Incident
from ledger_guard.domain.plans import BackfillMode
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.windows import Window
from ledger_guard.ports import Guard
from ledger_guard.ports.platform import AffectedSubject
from ledger_guard.signals.signature_causes import by_provider
from ledger_guard.signals.triage_report import TenantTriage, TriageReport, summed_up
from ledger_guard.signals.triage_rules import difference_by_cause, funds_or_fault, refused_calls

__all__ = ["TriageReport", "triage"]

#: how far back an incident is looked into that was described by hand
_BY_HAND = timedelta(hours=1)
#: most players of a tenant that the answer rests on
_MOST_SUBJECTS = 1_000


def triage(guard: Guard, incident_id: str) -> TriageReport:
    """Which tenants and players, and why.

    T1: are the refused players short of funds, or is it a backfill fault? T2: whose calls are refused, with which error?
    T3: what differs, by cause, and by how much? Balances are those of now, events those of the incident's windows.

    Raises:
        BadInputError: there is no such incident.
        SourceUnavailable: a source is away. Start again when it is back; nothing is concluded meanwhile.
    """
    report = triaged(guard, incident_id)
    with guard.state.transaction() as state:
        detail = {"conclusion": report.conclusion, "tenants": {tenant.tenant_id: tenant.word for tenant in report.tenants}}
        subject, at = f"incident:{report.incident_id}", guard.wall_clock.now()
        state.audit.append(AuditEvent("triage", "ledger_guard", subject, detail, at, incident_id=report.incident_id))
    return report


def triaged(guard: Guard, incident_id: str) -> TriageReport:
    """As `triage`, with nothing put on record."""
    with guard.state.transaction() as state:
        incident = state.incidents.get(checked_uuid(incident_id, "incident"))
    return triage_of(guard, incident)


def triage_of(guard: Guard, incident: Incident) -> TriageReport:
    """As `triaged`, of an incident as it is given, stored or not."""
    return _QUESTIONS[incident.trigger](guard, incident)


def _funds(guard: Guard, incident: Incident) -> TriageReport:
    by_tenant = _subjects(guard, incident, _MOST_SUBJECTS)
    at_most, currency = guard.policy.notification.list_at_most, guard.policy.platform.currency
    flag = guard.policy.triggers[incident.trigger].flag
    tenants = tuple(
        funds_or_fault(
            tenant,
            by_tenant.get(tenant, []),
            at_most,
            currency,
            share_behind=guard.triage.share_behind(tenant),
            wallet_judges=_is_on(guard, flag, tenant),
            fewest_wronged=guard.policy.detection_of(incident.trigger).minimum_events,
            is_cut=len(by_tenant.get(tenant, [])) >= _MOST_SUBJECTS,
        )
        for tenant in incident.tenants
    )
    return _report(incident, "Are the funds really short, or is it a backfill fault?", tenants)


def _is_on(guard: Guard, flag: str, tenant_id: str) -> bool:
    """Whether the flag is on for a tenant; where no store tells, its wallets are asked."""
    try:
        return guard.flags.effective(flag, tenant_id) is not False
    except SourceUnavailable:
        return True


def _webhooks(guard: Guard, incident: Incident) -> TriageReport:
    start, end = _span(guard, incident)
    providers = by_provider(guard.triage.failures_by_provider(start, end))
    by_tenant = _subjects(guard, incident, guard.policy.notification.list_at_most)
    with guard.state.transaction() as state:
        readings = state.readings.readings(incident.trigger, start, end)
    failures: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    for reading in readings:
        failures[reading.tenant_id] += reading.events
        calls[reading.tenant_id] += reading.exposure
    tenants = tuple(refused_calls(each, failures[each], calls[each], by_tenant.get(each, [])) for each in incident.tenants)
    facts = tuple((f"Provider {provider.provider}", provider.in_words()) for provider in providers)
    return _report(incident, "Whose webhook calls are refused, and with which error?", tenants, facts)


def _balances(guard: Guard, incident: Incident) -> TriageReport:
    at_most, currency = guard.policy.notification.list_at_most, guard.policy.platform.currency
    looked_at = incident.tenants[: guard.policy.guardrails.max_tenants_per_incident]
    compared = [guard.ledger.compare(tenant, BackfillMode.FORCE) for tenant in looked_at]
    tenants = tuple(difference_by_cause(comparison, at_most, currency) for comparison in compared)
    beyond = incident.tenants[len(looked_at) :]
    facts = (("Not looked at, beyond the tenant limit", ", ".join(beyond)),) if beyond else ()
    return _report(incident, "What differs between Player and WalletBalance, and why?", tenants, facts)


_QUESTIONS = {
    Trigger.INSUFFICIENT_FUNDS: _funds,
    Trigger.WEBHOOK_SIGNATURE: _webhooks,
    Trigger.BALANCE_MISMATCH: _balances,
}


def _report(
    incident: Incident, question: str, tenants: tuple[TenantTriage, ...], facts: Sequence[tuple[str, str]] = ()
) -> TriageReport:
    return TriageReport(incident.incident_id, incident.trigger.value, question, summed_up(tenants), tenants, tuple(facts))


def _subjects(guard: Guard, incident: Incident, limit: int) -> dict[str, list[AffectedSubject]]:
    start, end = _span(guard, incident)
    found: dict[str, list[AffectedSubject]] = {}
    for subject in guard.triage.affected_subjects(incident.trigger, incident.tenants, start, end, limit):
        found.setdefault(subject.tenant_id, []).append(subject)
    return found


def _span(guard: Guard, incident: Incident) -> tuple[datetime, datetime]:
    """Event time from the first window in alarm to the end of the newest.

    An incident described by hand begins when it was typed, off the grid: then the hour before it is what it is about.
    """
    length = timedelta(minutes=guard.policy.window_minutes)
    start = incident.first_window_start
    if Window.containing(start, length).start != start:
        start -= _BY_HAND
    return start, incident.last_alarm_window_start + length
