"""Hands entries of the audit log on as JSON Lines, and checks such lines later: by themselves, and against the log."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ledger_guard.domain.audit import AuditEntry, AuditEvent, content_fault, mark_fault
from ledger_guard.domain.audit_keys import AuditKeys
from ledger_guard.domain.errors import BadInputError
from ledger_guard.ports import Dependencies

_FORM = "a line that `audit export` wrote"


@dataclass
class ExportCheck:
    """What a check of exported lines found so far."""

    entries: int = 0
    first: int | None = None
    last: int | None = None
    #: how many lines carry a key's mark
    marked: int = 0
    fault: str | None = None


def export_audit(deps: Dependencies, incident_id: str | None, tenant_id: str | None) -> Iterator[dict[str, Any]]:
    """Entries in order of sequence, those of an incident or tenant when given, as JSON-able values.

    `at` is spelled as it was hashed, so that each line gives its hash, and its mark where somebody has the key.

    Raises:
        BadInputError: there is no such incident.
    """
    with deps.state.snapshot() as state:
        if incident_id is not None:
            incident_id = state.incidents.get(incident_id).incident_id
        for entry in state.audit.entries(incident_id, tenant_id):
            yield _as_json(entry)


def as_line(entry: dict[str, Any]) -> str:
    """One exported entry as a line of JSON Lines."""
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":"))


def read_export(lines: Iterable[str], where: str) -> Iterator[AuditEntry]:
    """The entries of exported lines. Raises BadInputError for a line that is none; `where` names the file."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _entry(line, f"{where}, line {number}")


def check_export(entries: Iterable[AuditEntry], keys: AuditKeys | None, found: ExportCheck) -> Iterator[AuditEntry]:
    """Hand entries on, checked by themselves, up to the first that is wrong; what is seen is noted in `found`.

    Each must give its hash, come behind the one before, be chained to it where nothing lies between, and carry a mark that
    its key gives. `keys` None leaves marks unchecked.
    """
    before: AuditEntry | None = None
    for entry in entries:
        found.fault = _own_fault(entry, before, keys)
        if found.fault is not None:
            return
        found.entries, found.last = found.entries + 1, entry.sequence
        found.first = entry.sequence if found.first is None else found.first
        found.marked += entry.key_id is not None
        yield entry
        before = entry


def missing_from_log(
    deps: Dependencies, exported: Iterable[AuditEntry], incident_id: str | None, tenant_id: str | None
) -> str | None:
    """The first exported entry that the log does not hold, or None.

    With an incident or tenant given, an entry of theirs that the export lacks is a fault too, up to the export's last one.
    """
    is_filtered = incident_id is not None or tenant_id is not None
    whose = " of this incident or tenant" if is_filtered else ""
    with deps.state.snapshot() as state:
        if incident_id is not None:
            incident_id = state.incidents.get(incident_id).incident_id
        logged = iter(state.audit.entries(incident_id, tenant_id))
        for entry in exported:
            there = next(logged, None)
            while there is not None and there.sequence < entry.sequence:
                if is_filtered:
                    return f"entry {there.sequence}{whose} is in the log and not in the export"
                there = next(logged, None)
            if there is None or there.sequence != entry.sequence:
                return f"entry {entry.sequence} is not in the log{whose}"
            if there.entry_hash != entry.entry_hash:
                return f"entry {entry.sequence} is another one in the log: it or the log was replaced"
    return None


def _own_fault(entry: AuditEntry, before: AuditEntry | None, keys: AuditKeys | None) -> str | None:
    if before is not None and entry.sequence <= before.sequence:
        return f"entry {entry.sequence} comes after {before.sequence}: lines were reordered or doubled"
    if before is not None and entry.sequence == before.sequence + 1 and entry.previous_hash != before.entry_hash:
        return f"entry {entry.sequence} is not chained to entry {before.sequence}: one of them was replaced"
    return content_fault(entry) or (None if keys is None else mark_fault(entry, before.key_id if before else None, keys))


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
        "key_id": entry.key_id,
        "mac": entry.mac,
    }


def _entry(line: str, where: str) -> AuditEntry:
    try:
        found = json.loads(line)
        event = AuditEvent(
            verb=found["verb"],
            actor=found["actor"],
            subject=found["subject"],
            detail=found["detail"],
            at=datetime.fromisoformat(found["at"]),
            incident_id=found["incident_id"],
            tenant_id=found["tenant_id"],
        )
        number = int(found["sequence"])
        return AuditEntry(number, event, found["previous_hash"], found["entry_hash"], found.get("key_id"), found.get("mac"))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadInputError(f"{where}: is no entry of the audit log; allowed: {_FORM}") from error
