"""Leases over a writer's own connection to guard state."""

from __future__ import annotations

from contextlib import suppress

import psycopg

from ledger_guard.adapters.postgres.connection import Connection
from ledger_guard.adapters.postgres.guard_state.writer_leases import PostgresWriterLeaseStore
from ledger_guard.domain.writer_leases import WriterLease
from ledger_guard.ports.platform import Clock


class ConnectedLeases:
    """LeaseBook over a connection that commits each statement by itself."""

    def __init__(self, guard: Connection, clock: Clock) -> None:
        self._guard, self._store, self._clock = guard, PostgresWriterLeaseStore(guard), clock

    def of_tenant(self, tenant_id: str) -> WriterLease | None:
        """See LeaseBook."""
        return self._store.of_tenant(tenant_id)

    def take(self, lease: WriterLease, seen: WriterLease | None) -> bool:
        """See LeaseBook."""
        return self._store.take(lease, seen)

    def end(self, lease: WriterLease) -> None:
        """See LeaseBook. A session that is gone ends none: the writer lock went with it, and tells the next writer."""
        with suppress(psycopg.Error):
            if not self._guard.closed:
                self._store.end(lease, self._clock.now())
