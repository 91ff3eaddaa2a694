"""The audit log's chain: each entry's hash covers the one before it, and a key that is not in the database marks the hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ledger_guard.domain.audit_keys import NO_KEY_RANK, AuditKey, AuditKeys
from ledger_guard.domain.windows import UTC

#: the hash before the first entry
GENESIS_HASH = "0" * 64
#: the purpose of an entry's mark
ENTRY = "audit entry"

# One encoder for all: making one for each text takes longer than encoding it.
_as_json = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


@dataclass(frozen=True)
class AuditEvent:
    """Something decided, approved or written; not yet chained."""

    #: `sense`, `classify`, `force`, `roll_back` … the verb, past or present
    verb: str
    actor: str
    #: its subject: `plan:…`, `flag:…`, `incident:…`
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
    #: which key marked it, and the mark: HMAC-SHA256 over the hash; both None before the log had a key
    key_id: str | None = None
    mac: str | None = None
    #: the detail as stored JSON text, if known: saves encoding it again
    detail_text: str | None = field(default=None, compare=False, repr=False)


def entry_hash(
    sequence: int, event: AuditEvent, previous_hash: str, key_id: str | None = None, *, detail_text: str | None = None
) -> str:
    """SHA-256 over the entry and the hash of the one before it, as JSON with sorted keys and without spaces.

    `key_id` is part of it where there is one. `detail_text`, one JSON object, stands for the detail as it is: no other text
    gives the same hash, since a JSON object never begins with another one.
    """
    at = event.at.astimezone(UTC).isoformat(timespec="microseconds")
    marked_by = "" if key_id is None else f'"key_id":{_as_json(key_id)},'
    text = (
        f'{{"actor":{_as_json(event.actor)},"at":"{at}","detail":{detail_text or _as_json(event.detail)},'
        f'"incident_id":{_as_json(event.incident_id)},{marked_by}"previous_hash":{_as_json(previous_hash)},'
        f'"sequence":{sequence},"subject":{_as_json(event.subject)},"tenant_id":{_as_json(event.tenant_id)},'
        f'"verb":{_as_json(event.verb)}}}'
    )
    return hashlib.sha256(text.encode()).hexdigest()


def chained(sequence: int, event: AuditEvent, previous_hash: str, key: AuditKey | None = None) -> AuditEntry:
    """Chain `event` at `sequence` after `previous_hash`, marked with `key`."""
    if key is None:
        return AuditEntry(sequence, event, previous_hash, entry_hash(sequence, event, previous_hash))
    own_hash = entry_hash(sequence, event, previous_hash, key.key_id)
    return AuditEntry(sequence, event, previous_hash, own_hash, key.key_id, key.mac(ENTRY, own_hash))


def first_fault(entries: Iterable[AuditEntry], head_sequence: int, head_hash: str, keys: AuditKeys | None = None) -> str | None:
    """The first fault of a chain read in order of sequence, or None.

    `head_sequence` and `head_hash` are the separately stored end of the chain: with them a cut tail is found too. With `keys`
    every mark is checked: no older key after a newer one, no unmarked entry after a marked one, and the end must carry the newest
    key's mark. So no one without the newest key can rewrite the log. None leaves marks unchecked.
    """
    expected_sequence, previous, last = 1, GENESIS_HASH, None
    for entry in entries:
        if entry.sequence != expected_sequence:
            return f"entry {expected_sequence} is missing: the next entry is {entry.sequence}"
        if entry.previous_hash != previous:
            return f"entry {entry.sequence} is not chained to entry {entry.sequence - 1}: one of them was replaced"
        fault = content_fault(entry) or (None if keys is None else mark_fault(entry, last.key_id if last else None, keys))
        if fault is not None:
            return fault
        expected_sequence, previous, last = expected_sequence + 1, entry.entry_hash, entry
    if expected_sequence - 1 != head_sequence:
        return f"the log ends at entry {expected_sequence - 1}, its head says {head_sequence}: entries were cut off"
    if previous != head_hash:
        return f"entry {head_sequence} differs from the stored head: the end was replaced"
    return None if keys is None or last is None else _end_fault(last, keys)


def content_fault(entry: AuditEntry) -> str | None:
    """The fault of a single entry, ignoring its mark; None when its content matches its hash."""
    own_hash = entry_hash(entry.sequence, entry.event, entry.previous_hash, entry.key_id, detail_text=entry.detail_text)
    return None if own_hash == entry.entry_hash else f"entry {entry.sequence} was changed: its content does not match its hash"


def mark_fault(entry: AuditEntry, previous_key_id: str | None, keys: AuditKeys) -> str | None:
    """The fault of an entry's mark, given the key of the entry before; None when the mark is valid."""
    if entry.key_id is None:
        if previous_key_id is None:
            return None
        return f"entry {entry.sequence} is not marked with a key, but the one before is: it was written without the key"
    key = keys.get(entry.key_id)
    if key is None:
        return f"entry {entry.sequence} is marked with key {entry.key_id}, which was not given: it can't be checked"
    if not key.fits(entry.mac or "", ENTRY, entry.entry_hash):
        return f"entry {entry.sequence} has a mark that does not match key {entry.key_id}: it was written without the key"
    if keys.rank(entry.key_id) < keys.rank(previous_key_id):
        return f"entry {entry.sequence} is marked with key {entry.key_id}, older than key {previous_key_id} of the one before"
    return None


def _end_fault(last: AuditEntry, keys: AuditKeys) -> str | None:
    newest = keys.newest
    if newest is None or keys.rank(last.key_id) == keys.rank(newest.key_id):
        return None
    marked = "not marked with a key" if keys.rank(last.key_id) == NO_KEY_RANK else f"marked with key {last.key_id}"
    return (
        f"entry {last.sequence}, the last one, is {marked}, the newest key is {newest.key_id}: "
        "the end was replaced, or the key is new and `audit use-key` has not run"
    )
