"""Leases over guard state, a transaction each, for writers without a connection of their own."""

from __future__ import annotations

from ledger_guard.domain.writer_leases import WriterLease
from ledger_guard.ports.guard_state import GuardState
from ledger_guard.ports.platform import Clock


class LeasesOfState:
    """LeaseBook over GuardState."""

    def __init__(self, state: GuardState, clock: Clock) -> None:
        self._state, self._clock = state, clock

    def of_tenant(self, tenant_id: str) -> WriterLease | None:
        """See LeaseBook."""
        with self._state.transaction() as state:
            return state.writer_leases.of_tenant(tenant_id)

    def take(self, lease: WriterLease, seen: WriterLease | None) -> bool:
        """See LeaseBook."""
        with self._state.transaction() as state:
            return state.writer_leases.take(lease, seen)

    def keep(self, lease: WriterLease) -> bool:
        """Renew it; False when it is over or another's."""
        with self._state.transaction() as state:
            return state.writer_leases.keep(lease, self._clock.now())

    def end(self, lease: WriterLease) -> None:
        """See LeaseBook."""
        with self._state.transaction() as state:
            state.writer_leases.end(lease, self._clock.now())
