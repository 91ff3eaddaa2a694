"""The audit log in Postgres: append-only by trigger, chained by hash, its end kept apart."""

from __future__ import annotations

import itertools
import json
from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from psycopg.rows import tuple_row

from ledger_guard.adapters.flag_stores.store_rules import storable_event, stored_json
from ledger_guard.adapters.postgres.connection import Connection, Row
from ledger_guard.adapters.postgres.rows import Store
from ledger_guard.domain.audit import AuditEntry, AuditEvent, chained
from ledger_guard.domain.audit_keys import NO_KEYS, AuditKeys
from ledger_guard.domain.errors import LedgerInvariantError
from ledger_guard.domain.identifiers import checked_uuid
from ledger_guard.sql import statement

#: rows fetched at a time: a log of any length is read in flat memory
_FETCH_ROWS = 5_000
#: the newest one mostly is the one that is looked for
_NEWEST_ROWS = 10
_cursor_numbers = itertools.count(1)


class PostgresAuditLog(Store):
    """AuditLog; an append holds the chain's end until the transaction ends, so append late and commit soon."""

    def __init__(self, connection: Connection, keys: AuditKeys = NO_KEYS) -> None:
        super().__init__(connection)
        self._keys = keys

    def append(self, event: AuditEvent) -> AuditEntry:
        """See AuditLog. Raises BadInputError when the log's entries are marked with a key that this process does not have."""
        incident_id = None if event.incident_id is None else checked_uuid(event.incident_id, "incident")
        storable = storable_event(replace(event, incident_id=incident_id))
        head = self._locked_head()
        key = self._keys.for_append(head["key_id"])
        entry = chained(head["sequence"] + 1, storable, head["entry_hash"], key)
        chain = {"sequence": entry.sequence, "entry_hash": entry.entry_hash, "key_id": entry.key_id}
        beside = {"detail_text": stored_json(storable.detail), "previous_hash": entry.previous_hash, "mac": entry.mac}
        self._execute("guard/insert_audit_entry", **vars(storable), **chain, **beside)
        self._execute("guard/update_audit_head", **chain)
        return entry

    def take_turn(self) -> None:
        """See AuditLog."""
        self._locked_head()

    def _locked_head(self) -> Row:
        head = self._row("guard/lock_audit_head")
        if head is None:
            raise LedgerInvariantError("audit log: has lost its head; nothing is written until the cause is found")
        return head

    def entries(self, incident_id: str | None = None, tenant_id: str | None = None) -> Iterator[AuditEntry]:
        """See AuditLog; streamed, so read it within the transaction."""
        key = None if incident_id is None else checked_uuid(incident_id, "incident")
        with self._connection.cursor(f"audit_{next(_cursor_numbers)}", row_factory=tuple_row) as cursor:
            cursor.itersize = _FETCH_ROWS
            cursor.execute(statement("guard/select_audit_entries"), {"incident_id": key, "tenant_id": tenant_id})
            for row in cursor:
                yield _entry(row)

    @property
    def keys(self) -> AuditKeys:
        """See AuditLog."""
        return self._keys

    def about(self, subject: str, verbs: Collection[str]) -> list[AuditEntry]:
        """See AuditLog."""
        return self._entries("guard/select_audit_entries_about", subject=subject, verbs=list(verbs))

    def in_any_scope(self, flag: str, verb: str, since: datetime | None = None) -> list[AuditEntry]:
        """See AuditLog."""
        return self._entries("guard/select_audit_entries_of_flag", flag=flag, verb=verb, since=since)

    def of_kind(self, kind: str, verb: str) -> list[AuditEntry]:
        """See AuditLog."""
        return self._entries("guard/select_audit_entries_of_kind", kind=kind, verb=verb)

    def newest_of_tenant(self, tenant_id: str, verb: str) -> Iterator[AuditEntry]:
        """See AuditLog."""
        asked = {"tenant_id": tenant_id, "verb": verb, "limit": _NEWEST_ROWS, "before": None}
        while found := self._entries("guard/select_newest_audit_entries_of_tenant", **asked):
            yield from found
            asked["before"] = found[-1].sequence

    def _entries(self, name: str, **bound: Any) -> list[AuditEntry]:
        with self._connection.cursor(row_factory=tuple_row) as cursor:
            return [_entry(row) for row in cursor.execute(statement(name), bound)]

    def latest(self, limit: int) -> list[AuditEntry]:
        """See AuditLog."""
        return self._entries("guard/select_latest_audit_entries", limit=limit)

    def head(self) -> tuple[int, str]:
        """See AuditLog."""
        row = self._row("guard/select_audit_head")
        if row is None:
            raise LedgerInvariantError("audit log: has lost its head; whether its end was cut off is not known")
        return row["sequence"], row["entry_hash"]

    def hash_at(self, sequence: int) -> str | None:
        """See AuditLog."""
        row = self._row("guard/select_audit_hash", sequence=sequence)
        return None if row is None else str(row["entry_hash"])


def _entry(row: tuple[Any, ...]) -> AuditEntry:
    sequence, verb, actor, subject, hashed, queried, at, incident_id, tenant_id, previous_hash, entry_hash, key_id, mac = row
    detail = _agreed_detail(hashed, queried)
    event = AuditEvent(
        verb=verb,
        actor=actor,
        subject=subject,
        # What differs gives no hash: both are shown, and verification stops here.
        detail={"hashed_text": hashed, "queried": queried} if detail is None else detail,
        at=at,
        incident_id=incident_id,
        tenant_id=tenant_id,
    )
    return AuditEntry(sequence, event, previous_hash, entry_hash, key_id, mac, None if detail is None else hashed)


def _agreed_detail(hashed: str, queried: str) -> dict[str, Any] | None:
    """The detail that was hashed; None when it is no JSON object or the column that people query says something else."""
    try:
        detail = json.loads(hashed)
    except json.JSONDecodeError:
        return None
    if not isinstance(detail, dict):
        return None
    return detail if detail == json.loads(queried) or _as_doubles(hashed) == _as_doubles(queried) else None


def _as_doubles(text: str) -> Any:
    # jsonb spells 1e23 as an integer, which as a Python int is not the double that was stored.
    return json.loads(text, parse_int=float)
