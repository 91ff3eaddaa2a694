"""triage: the runbook's first question, and what approvers read of its answer before they agree to a repair."""

from __future__ import annotations

from dataclasses import replace

from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.identifiers import checked_uuid
from ledger_guard.domain.runs import GUARD_ITSELF
from ledger_guard.ports import Dependencies
from ledger_guard.signals.incident_facts import flag_changes_before
from ledger_guard.signals.registry import signal_of
from ledger_guard.signals.triage_report import TriageReport

__all__ = ["TriageReport", "before_a_backfill", "before_a_rollback", "triage"]


def triage(deps: Dependencies, incident_id: str) -> TriageReport:
    """Answer and record the signal's question: which tenants and players are affected, and why.

    With it, what somebody changed about the signal's flag past the guard at that time.

    Raises:
        BadInputError: there is no such incident.
        SourceUnavailable: a source is down. Start again when it is back.
    """
    with deps.state.transaction() as state:
        incident = state.incidents.get(checked_uuid(incident_id, "incident"))
    report = signal_of(deps.policy, incident.trigger).triage(deps, incident)
    report = replace(report, facts=(*report.facts, *flag_changes_before(deps, incident)))
    with deps.state.transaction() as state:
        subject, at = f"incident:{report.incident_id}", deps.wall_clock.now()
        event = recorded(report.on_record(), actor=GUARD_ITSELF, subject=subject, at=at, incident_id=report.incident_id)
        state.audit.append(event)
    return report


def before_a_rollback(deps: Dependencies, incident_id: str, flag: str) -> str:
    """What an approver must know before a rollback for this incident; ends with a space, or is empty.

    Raises BadInputError when there is no such incident.
    """
    with deps.state.transaction() as state:
        incident = state.incidents.get(incident_id)
    if flag != deps.policy.trigger(incident.trigger).flag:
        return ""
    return signal_of(deps.policy, incident.trigger).before_a_rollback(deps, incident)


def before_a_backfill(deps: Dependencies, incident_id: str | None, tenant_id: str) -> str:
    """What triage found in a tenant, for the start of a question; ends with a space, or is empty."""
    if incident_id is None:
        return ""
    with deps.state.transaction() as state:
        incident = state.incidents.get(incident_id)
    return signal_of(deps.policy, incident.trigger).before_a_backfill(deps, incident, tenant_id)
