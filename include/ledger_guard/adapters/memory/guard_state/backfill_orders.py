"""Orders about running backfills, and how far these have come, in memory."""

from __future__ import annotations

from ledger_guard.adapters.memory.guard_state.tables import Store
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.pacing import BackfillOrder, BackfillProgress


class InMemoryBackfillOrderStore(Store):
    """BackfillOrderStore over the tables of one transaction."""

    def ask(self, order: BackfillOrder) -> None:
        """See BackfillOrderStore."""
        if order.plan_id not in self._tables.plans:
            raise BadInputError(f"plan {order.plan_id}: does not exist; allowed: an id printed by `backfill dry-run`")
        self._tables.backfill_orders[order.plan_id] = order

    def newest(self, plan_id: str) -> BackfillOrder | None:
        """See BackfillOrderStore."""
        return self._tables.backfill_orders.get(plan_id)

    def progress(self, plan_id: str) -> list[BackfillProgress]:
        """See BackfillOrderStore."""
        return list(reversed(self._tables.progress.get(plan_id, [])))
