"""Reading the audit log: is its chain whole, and what does it say about an incident or a tenant? Changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timezone
from typing import Any

from ledger_guard.domain.audit import AuditEntry, first_fault
from ledger_guard.ports import Guard


@dataclass(frozen=True)
class AuditCheck:
    """What a verification found."""

    #: sequence and hash of the last entry, as the log's head remembers them: note them elsewhere to prove them later
    entries: int
    head_hash: str
    #: the first thing wrong, or None
    fault: str | None


def verify_audit(guard: Guard) -> AuditCheck:
    """Recompute the whole chain as it stood at one moment; writers are not held up."""
    with guard.state.snapshot() as state:
        sequence, head_hash = state.audit.head()
        return AuditCheck(sequence, head_hash, first_fault(state.audit.entries(), sequence, head_hash))


def export_audit(guard: Guard, incident_id: str | None, tenant_id: str | None) -> Iterator[dict[str, Any]]:
    """Entries in order of sequence, those of an incident or tenant when given, as JSON-able values.

    `at` is spelled as it was hashed, so that whoever has the whole log can recompute every hash from its lines.

    Raises:
        BadInputError: there is no such incident.
    """
    with guard.state.snapshot() as state:
        if incident_id is not None:
            incident_id = state.incidents.get(incident_id).incident_id
        for entry in state.audit.entries(incident_id, tenant_id):
            yield _as_json(entry)


def as_line(entry: dict[str, Any]) -> str:
    """One exported entry as a line of JSON Lines."""
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":"))


def _as_json(entry: AuditEntry) -> dict[str, Any]:
    event = entry.event
    return {
        "sequence": entry.sequence,
        "at": event.at.astimezone(timezone.utc).isoformat(timespec="microseconds"),
        "verb": event.verb,
        "actor": event.actor,
        "subject": event.subject,
        "detail": event.detail,
        "incident_id": event.incident_id,
        "tenant_id": event.tenant_id,
        "previous_hash": entry.previous_hash,
        "entry_hash": entry.entry_hash,
    }
