"""Guard state in memory: transactions that leave no trace when they fail."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ledger_guard.adapters.memory.guard_state.approvals import InMemoryApprovalStore
from ledger_guard.adapters.memory.guard_state.audit import InMemoryAuditLog
from ledger_guard.adapters.memory.guard_state.backfill_orders import InMemoryBackfillOrderStore
from ledger_guard.adapters.memory.guard_state.comparisons import InMemoryComparisonStore
from ledger_guard.adapters.memory.guard_state.deploys import InMemoryDeployStore
from ledger_guard.adapters.memory.guard_state.freeze_overrides import InMemoryFreezeOverrideStore
from ledger_guard.adapters.memory.guard_state.guard_alerts import InMemoryGuardAlertStore
from ledger_guard.adapters.memory.guard_state.incidents import InMemoryActionStore, InMemoryIncidentStore
from ledger_guard.adapters.memory.guard_state.openings import InMemoryOpeningStore
from ledger_guard.adapters.memory.guard_state.partitions import InMemoryPartitionStore
from ledger_guard.adapters.memory.guard_state.plans import InMemoryPlanStore
from ledger_guard.adapters.memory.guard_state.replay import InMemoryReplayStore
from ledger_guard.adapters.memory.guard_state.rollout import InMemoryFlagChangeStore, InMemoryFreezeStore, InMemoryRotationStore
from ledger_guard.adapters.memory.guard_state.runs import InMemoryRunStore
from ledger_guard.adapters.memory.guard_state.secret_sightings import InMemorySecretSightingStore
from ledger_guard.adapters.memory.guard_state.sensing import InMemoryReadingStore, InMemoryVerdictStore
from ledger_guard.adapters.memory.guard_state.tables import Tables
from ledger_guard.adapters.memory.guard_state.tenants import InMemoryTenantStore
from ledger_guard.adapters.memory.guard_state.writer_leases import InMemoryWriterLeaseStore
from ledger_guard.domain.audit_keys import NO_KEYS, AuditKeys


class InMemoryTransaction:
    """UnitOfWork over a copy of the tables."""

    def __init__(self, tables: Tables, audit_keys: AuditKeys = NO_KEYS) -> None:
        self.readings = InMemoryReadingStore(tables)
        self.verdicts = InMemoryVerdictStore(tables)
        self.comparisons = InMemoryComparisonStore(tables)
        self.partitions = InMemoryPartitionStore(tables)
        self.replay = InMemoryReplayStore(tables)
        self.incidents = InMemoryIncidentStore(tables)
        self.actions = InMemoryActionStore(tables)
        self.openings = InMemoryOpeningStore(tables)
        self.plans = InMemoryPlanStore(tables)
        self.backfill_orders = InMemoryBackfillOrderStore(tables)
        self.writer_leases = InMemoryWriterLeaseStore(tables)
        self.approvals = InMemoryApprovalStore(tables)
        self.flag_changes = InMemoryFlagChangeStore(tables)
        self.freezes = InMemoryFreezeStore(tables)
        self.overrides = InMemoryFreezeOverrideStore(tables)
        self.rotations = InMemoryRotationStore(tables)
        self.sightings = InMemorySecretSightingStore(tables)
        self.deploys = InMemoryDeployStore(tables)
        self.runs = InMemoryRunStore(tables)
        self.tenants = InMemoryTenantStore(tables)
        self.guard_alerts = InMemoryGuardAlertStore(tables)
        self.audit = InMemoryAuditLog(tables, audit_keys)


class InMemoryGuardState:
    """GuardState whose writers take turns: a transaction works on a copy that replaces the tables when it ends well."""

    def __init__(self, audit_keys: AuditKeys = NO_KEYS) -> None:
        self._tables, self._audit_keys = Tables(), audit_keys
        self._turn = threading.Lock()
        self._writer: int | None = None

    @property
    def tables(self) -> Tables:
        """What is stored now, for tests that look at it or spoil it; not for use cases."""
        return self._tables

    @contextmanager
    def transaction(self) -> Iterator[InMemoryTransaction]:
        """See GuardState. Raises RuntimeError for a transaction inside another: on a database the two could block each other."""
        if self._writer == threading.get_ident():
            raise RuntimeError("guard state: transactions do not nest; finish the outer one first or pass it on")
        with self._turn:
            self._writer = threading.get_ident()
            try:
                tables = self._tables.copy()
                yield InMemoryTransaction(tables, self._audit_keys)
                self._tables = tables
            finally:
                self._writer = None

    @contextmanager
    def snapshot(self) -> Iterator[InMemoryTransaction]:
        """See GuardState; what is written to it is forgotten."""
        yield InMemoryTransaction(self._tables.copy(), self._audit_keys)
