"""The audit log's chain: each entry's hash covers the one before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ledger_guard.domain.windows import UTC

#: what the first entry is chained to
GENESIS_HASH = "0" * 64


@dataclass(frozen=True)
class AuditEvent:
    """Something that was decided, approved or written; not yet chained."""

    #: `sense`, `classify`, `force`, `roll_back` … the verb, past or present
    verb: str
    actor: str
    #: what it was done to: `plan:…`, `flag:…`, `incident:…`
    subject: str
    detail: Mapping[str, Any]
    at: datetime
    incident_id: str | None = None
    tenant_id: str | None = None


@dataclass(frozen=True)
class AuditEntry:
    """An event in its place in the chain. Sequence numbers begin at 1 and have no gaps."""

    sequence: int
    event: AuditEvent
    previous_hash: str
    entry_hash: str


def entry_hash(sequence: int, event: AuditEvent, previous_hash: str) -> str:
    """SHA-256 over the entry and the hash of the one before it."""
    content = {
        "sequence": sequence,
        "previous_hash": previous_hash,
        "verb": event.verb,
        "actor": event.actor,
        "subject": event.subject,
        "detail": event.detail,
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "incident_id": event.incident_id,
        "tenant_id": event.tenant_id,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def chained(sequence: int, event: AuditEvent, previous_hash: str) -> AuditEntry:
    """Put `event` at `sequence` behind `previous_hash`."""
    return AuditEntry(sequence, event, previous_hash, entry_hash(sequence, event, previous_hash))


def first_fault(entries: Iterable[AuditEntry], head_sequence: int, head_hash: str) -> str | None:
    """The first thing wrong with a chain read in order of sequence, or None.

    `head_sequence` and `head_hash` are the separately kept end of the chain: with them a cut tail is found too.
    """
    expected_sequence, previous = 1, GENESIS_HASH
    for entry in entries:
        if entry.sequence != expected_sequence:
            return f"entry {expected_sequence} is missing: the log goes on with {entry.sequence}"
        if entry.previous_hash != previous:
            return f"entry {entry.sequence} is not chained to entry {entry.sequence - 1}: one of them was replaced"
        if entry_hash(entry.sequence, entry.event, entry.previous_hash) != entry.entry_hash:
            return f"entry {entry.sequence} was changed: its content does not give its hash"
        expected_sequence, previous = expected_sequence + 1, entry.entry_hash
    if expected_sequence - 1 != head_sequence:
        return f"the log ends at entry {expected_sequence - 1}, its head says {head_sequence}: entries were cut off"
    if previous != head_hash:
        return f"entry {head_sequence} is not the one its head remembers: the end was replaced"
    return None
