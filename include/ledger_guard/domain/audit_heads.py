"""Heads of the audit log, recorded outside its database: they prove later that nothing was cut off."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from ledger_guard.domain.audit_keys import AuditKey, AuditKeys
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.windows import UTC

#: the purpose of a head's mark
HEAD = "audit head"
_FIELDS = {"sequence": int, "entry_hash": str, "exported_at": str}


@dataclass(frozen=True)
class ExportedHead:
    """Sequence and hash of the log's last entry at the time of recording, marked as entries are."""

    sequence: int
    entry_hash: str
    #: ISO 8601 in UTC, spelled as it was marked
    exported_at: str
    key_id: str | None = None
    mac: str | None = None

    @property
    def text(self) -> str:
        """What the mark covers."""
        return f"{self.sequence}\n{self.entry_hash}\n{self.exported_at}"

    @property
    def line(self) -> str:
        """This head as a line of JSON Lines."""
        return json.dumps(asdict(self), separators=(",", ":"))


def exported_head(sequence: int, entry_hash: str, at: datetime, key: AuditKey | None) -> ExportedHead:
    """The head of the log's end at `at`."""
    head = ExportedHead(sequence, entry_hash, at.astimezone(UTC).isoformat(timespec="seconds"))
    if key is None:
        return head
    return ExportedHead(head.sequence, head.entry_hash, head.exported_at, key.key_id, key.mac(HEAD, head.text))


def parse_heads(lines: Iterable[str], where: str) -> list[ExportedHead]:
    """Read the lines of a file of heads. Raises BadInputError for a line that is not a head; `where` names the file."""
    return [_parsed(line, f"{where}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]


def heads_fault(heads: Sequence[ExportedHead], keys: AuditKeys | None) -> str | None:
    """The first fault of recorded heads, in order, checked alone; `keys` None leaves marks unchecked."""
    before: ExportedHead | None = None
    for head in heads:
        if before is not None and head.sequence < before.sequence:
            return (
                f"the head of {head.exported_at} ends at entry {head.sequence}, before it at {before.sequence}: the log was cut"
            )
        fault = None if keys is None else _mark_fault(head, before.key_id if before else None, keys)
        if fault is not None:
            return fault
        before = head
    if keys is not None and keys.newest is not None and heads and heads[-1].key_id is None:
        return f"the head of {heads[-1].exported_at}, the last one, is not marked with a key: record one with the key"
    return None


def log_fault(heads: Iterable[ExportedHead], found: Mapping[int, str], last_sequence: int) -> str | None:
    """The first head that is not in a log ending at `last_sequence`; `found` has its entries' hashes by number."""
    for head in heads:
        if head.sequence > last_sequence:
            return (
                f"the log ends at entry {last_sequence}, on {head.exported_at} it ended at {head.sequence}: entries were cut off"
            )
        if head.sequence and found.get(head.sequence) != head.entry_hash:
            return f"entry {head.sequence} is not the one recorded on {head.exported_at}: the log was rewritten"
    return None


def _mark_fault(head: ExportedHead, previous_key_id: str | None, keys: AuditKeys) -> str | None:
    which = f"the head of {head.exported_at} (entry {head.sequence})"
    if head.key_id is None:
        return None if previous_key_id is None else f"{which} is not marked with a key, but the one before is: it was forged"
    key = keys.get(head.key_id)
    if key is None:
        return f"{which} is marked with key {head.key_id}, which was not given: it can't be checked"
    if not key.fits(head.mac or "", HEAD, head.text):
        return f"{which} has a mark that does not match key {head.key_id}: it was forged"
    if keys.rank(head.key_id) < keys.rank(previous_key_id):
        return f"{which} is marked with key {head.key_id}, which is older than key {previous_key_id} of the one before"
    return None


def _parsed(line: str, where: str) -> ExportedHead:
    try:
        found = json.loads(line)
    except json.JSONDecodeError:
        found = None
    marks = [found.get("key_id"), found.get("mac")] if isinstance(found, dict) else []
    is_head = isinstance(found, dict) and all(isinstance(found.get(name), kind) for name, kind in _FIELDS.items())
    if not is_head or not all(mark is None or isinstance(mark, str) for mark in marks):
        raise BadInputError(f"{where}: is not a head of the audit log; allowed: a line that `audit export-head` wrote")
    return ExportedHead(*(found[name] for name in _FIELDS), *marks)
