"""The audit log in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from ledger_guard.adapters.flag_stores.store_rules import storable_event
from ledger_guard.adapters.memory.guard_state.tables import Tables
from ledger_guard.domain.audit import AuditEntry, AuditEvent, chained
from ledger_guard.domain.audit_keys import NO_KEYS, AuditKeys


class InMemoryAuditLog:
    """AuditLog over the tables of one transaction."""

    def __init__(self, tables: Tables, keys: AuditKeys = NO_KEYS) -> None:
        self._tables, self._keys = tables, keys

    def append(self, event: AuditEvent) -> AuditEntry:
        """See AuditLog."""
        sequence, last_hash = self._tables.audit_head
        last = self._tables.audit.get(sequence)
        key = self._keys.for_append(last.key_id if last else None)
        entry = chained(sequence + 1, storable_event(event), last_hash, key)
        self._tables.audit[entry.sequence] = entry
        self._tables.audit_head = (entry.sequence, entry.entry_hash)
        return entry

    def take_turn(self) -> None:
        """See AuditLog: transactions in memory come one at a time."""

    def entries(self, incident_id: str | None = None, tenant_id: str | None = None) -> Iterable[AuditEntry]:
        """See AuditLog."""
        return [
            self._tables.audit[sequence]
            for sequence in sorted(self._tables.audit)
            if incident_id in (None, self._tables.audit[sequence].event.incident_id)
            and tenant_id in (None, self._tables.audit[sequence].event.tenant_id)
        ]

    @property
    def keys(self) -> AuditKeys:
        """See AuditLog."""
        return self._keys

    def about(self, subject: str, verbs: Collection[str]) -> list[AuditEntry]:
        """See AuditLog."""
        return [entry for entry in self.entries() if entry.event.subject == subject and entry.event.verb in verbs]

    def in_any_scope(self, flag: str, verb: str, since: datetime | None = None) -> list[AuditEntry]:
        """See AuditLog."""
        begins = f"flag:{flag}@"
        found = [entry for entry in self.entries() if entry.event.verb == verb and entry.event.subject.startswith(begins)]
        return [entry for entry in found if since is None or entry.event.at > since]

    def of_kind(self, kind: str, verb: str) -> list[AuditEntry]:
        """See AuditLog."""
        begins = f"{kind}:"
        return [entry for entry in self.entries() if entry.event.verb == verb and entry.event.subject.startswith(begins)]

    def newest_of_tenant(self, tenant_id: str, verb: str) -> Iterator[AuditEntry]:
        """See AuditLog."""
        return (entry for entry in reversed(list(self.entries(tenant_id=tenant_id))) if entry.event.verb == verb)

    def latest(self, limit: int) -> list[AuditEntry]:
        """See AuditLog."""
        return [self._tables.audit[sequence] for sequence in sorted(self._tables.audit, reverse=True)[:limit]]

    def head(self) -> tuple[int, str]:
        """See AuditLog."""
        return self._tables.audit_head

    def hash_at(self, sequence: int) -> str | None:
        """See AuditLog."""
        entry = self._tables.audit.get(sequence)
        return None if entry is None else entry.entry_hash
