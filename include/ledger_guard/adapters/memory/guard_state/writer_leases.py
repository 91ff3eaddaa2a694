"""Who writes to each tenant's wallets, in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ledger_guard.adapters.memory.guard_state.tables import Store
from ledger_guard.domain.writer_leases import WriterLease, renewed


class InMemoryWriterLeaseStore(Store):
    """WriterLeaseStore over the tables of one transaction."""

    def of_tenant(self, tenant_id: str) -> WriterLease | None:
        """See WriterLeaseStore."""
        return self._tables.writer_leases.get(tenant_id)

    def take(self, lease: WriterLease, seen: WriterLease | None) -> bool:
        """See WriterLeaseStore."""
        found = self.of_tenant(lease.tenant_id)
        if (found and found.token) != (seen and seen.token):
            return False
        self._tables.writer_leases[lease.tenant_id] = lease
        return True

    def keep(self, lease: WriterLease, at: datetime) -> bool:
        """See WriterLeaseStore."""
        found = self._mine(lease)
        if found is None or found.is_over:
            return False
        self._tables.writer_leases[lease.tenant_id] = renewed(found, at)
        return True

    def end(self, lease: WriterLease, at: datetime) -> None:
        """See WriterLeaseStore."""
        found = self._mine(lease)
        if found is not None:
            self._tables.writer_leases[lease.tenant_id] = replace(renewed(found, at), is_over=True)

    def _mine(self, lease: WriterLease) -> WriterLease | None:
        found = self.of_tenant(lease.tenant_id)
        return found if found and found.token == lease.token else None
