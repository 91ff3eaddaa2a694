"""What signals read about an incident: its time span, who is affected, and what triage recorded."""

from __future__ import annotations

from datetime import datetime, timedelta

from ledger_guard.domain.facts.codec import told
from ledger_guard.domain.facts.incidents import Triaged
from ledger_guard.domain.incidents import Incident
from ledger_guard.domain.past_changes import NOTICED_WITHIN, SHORTLY, changes_past_the_guard
from ledger_guard.domain.windows import Window
from ledger_guard.ports import Dependencies
from ledger_guard.ports.platform import AffectedSubject

#: how far back to look for an incident that was described by hand
BY_HAND = timedelta(hours=1)


def incident_span(deps: Dependencies, incident: Incident) -> tuple[datetime, datetime]:
    """Event time from the first window in alarm to the end of the newest. Every step uses this span.

    An incident described by hand begins when it was typed, off the grid: then the hour before it is what it is about, up to
    now.
    """
    length = timedelta(minutes=deps.policy.window_minutes)
    start, end = incident.first_window_start, incident.last_alarm_window_start + length
    if Window.containing(start, length).start == start:
        return start, end
    return Window.containing(start - BY_HAND, length).start, min(end, deps.clock.now())


def affected_by_tenant(deps: Dependencies, incident: Incident, limit: int) -> dict[str, list[AffectedSubject]]:
    """Players or webhooks behind the incident's events, most events first, at most `limit` per tenant.

    Empty where the trigger's source does not name them.
    """
    if not deps.policy.trigger(incident.trigger).source.names_subjects:
        return {}
    start, end = incident_span(deps, incident)
    found: dict[str, list[AffectedSubject]] = {}
    for subject in deps.triage.affected_subjects(incident.trigger, incident.tenants, start, end, limit):
        found.setdefault(subject.tenant_id, []).append(subject)
    return found


def flag_changes_before(deps: Dependencies, incident: Incident) -> tuple[tuple[str, str], ...]:
    """Changes of the signal's flag past the guard, from two hours before the incident's span to its end: label and text."""
    start, end = incident_span(deps, incident)
    flag, at_most = deps.policy.trigger(incident.trigger).flag, deps.policy.notification.list_at_most
    with deps.state.transaction() as state:
        found = changes_past_the_guard(state.audit, flag, start - SHORTLY, end + NOTICED_WITHIN)
    return tuple(("Changed past the guard", change.sentence) for change in found[-at_most:])


def newest_triage(deps: Dependencies, incident_id: str) -> tuple[datetime, Triaged] | None:
    """When the incident was last triaged, and what was recorded; None when it never was."""
    found: tuple[datetime, Triaged] | None = None
    with deps.state.transaction() as state:
        for entry in state.audit.entries(incident_id=incident_id):
            triaged = told(entry.event, Triaged)
            found = (entry.event.at, triaged) if triaged else found
    return found
