"""False alarms: incidents of which a person found that nothing was wrong."""

from __future__ import annotations

from ledger_guard.domain.attestations import AttestingLog
from ledger_guard.domain.facts.codec import told
from ledger_guard.domain.facts.incidents import IncidentClosed


def was_found_false(log: AttestingLog, incident_id: str) -> bool:
    """Whether a person found the incident to be a false alarm."""
    entries = log.about(f"incident:{incident_id}", ("resolve",))
    return any(closed.is_false_alarm for entry in entries if (closed := told(entry.event, IncidentClosed)))
