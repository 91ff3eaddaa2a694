"""triage: the runbook's first question of every flow, and what people are told of its answer before they agree to a repair."""

from __future__ import annotations

from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.identifiers import checked_uuid
from ledger_guard.domain.runs import GUARD_ITSELF
from ledger_guard.ports import Dependencies
from ledger_guard.signals.registry import signal_of
from ledger_guard.signals.triage_report import TriageReport

__all__ = ["TriageReport", "before_a_backfill", "before_a_rollback", "triage"]


def triage(deps: Dependencies, incident_id: str) -> TriageReport:
    """Which tenants, whom, and why: the question of the incident's signal, answered and put on record.

    Raises:
        BadInputError: there is no such incident.
        SourceUnavailable: a source is away. Start again when it is back; nothing is concluded meanwhile.
    """
    with deps.state.transaction() as state:
        incident = state.incidents.get(checked_uuid(incident_id, "incident"))
    report = signal_of(deps.policy, incident.trigger).triage(deps, incident)
    with deps.state.transaction() as state:
        subject, at = f"incident:{report.incident_id}", deps.wall_clock.now()
        event = recorded(report.on_record(), actor=GUARD_ITSELF, subject=subject, at=at, incident_id=report.incident_id)
        state.audit.append(event)
    return report


def before_a_rollback(deps: Dependencies, incident_id: str, flag: str) -> str:
    """What speaks for or against rolling the flag back for an incident, to be put first; ends with a space, or is empty.

    Raises BadInputError when there is no such incident.
    """
    with deps.state.transaction() as state:
        incident = state.incidents.get(incident_id)
    if flag != deps.policy.trigger(incident.trigger).flag:
        return ""
    return signal_of(deps.policy, incident.trigger).before_a_rollback(deps, incident)


def before_a_backfill(deps: Dependencies, incident_id: str | None, tenant_id: str) -> str:
    """What triage found in a tenant of an incident, to be put first; ends with a space, or is empty."""
    if incident_id is None:
        return ""
    with deps.state.transaction() as state:
        incident = state.incidents.get(incident_id)
    return signal_of(deps.policy, incident.trigger).before_a_backfill(deps, incident, tenant_id)
