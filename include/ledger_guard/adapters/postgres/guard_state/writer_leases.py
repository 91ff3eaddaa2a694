"""Who writes to each tenant's wallets, in Postgres."""

from __future__ import annotations

from datetime import datetime

from ledger_guard.adapters.postgres.rows import Store, given
from ledger_guard.domain.writer_leases import WriterLease


class PostgresWriterLeaseStore(Store):
    """WriterLeaseStore."""

    def of_tenant(self, tenant_id: str) -> WriterLease | None:
        """See WriterLeaseStore."""
        return self._one(WriterLease, "guard/select_writer_lease", tenant_id=tenant_id)

    def take(self, lease: WriterLease, seen: WriterLease | None) -> bool:
        """See WriterLeaseStore."""
        if seen is None:
            return self._row("guard/insert_writer_lease", **given(lease)) is not None
        return self._row("guard/take_writer_lease", **given(lease), seen_token=seen.token) is not None

    def keep(self, lease: WriterLease, at: datetime) -> bool:
        """See WriterLeaseStore."""
        return self._row("guard/keep_writer_lease", tenant_id=lease.tenant_id, token=lease.token, at=at) is not None

    def end(self, lease: WriterLease, at: datetime) -> None:
        """See WriterLeaseStore."""
        self._execute("guard/end_writer_lease", tenant_id=lease.tenant_id, token=lease.token, at=at)
