"""Orders about running backfills, and how far these have come, in Postgres."""

from __future__ import annotations

from ledger_guard.adapters.postgres.rows import Store, given
from ledger_guard.domain.identifiers import checked_uuid
from ledger_guard.domain.pacing import BackfillOrder, BackfillProgress


class PostgresBackfillOrderStore(Store):
    """BackfillOrderStore."""

    def ask(self, order: BackfillOrder) -> None:
        """See BackfillOrderStore."""
        self._execute("guard/upsert_backfill_order", **given(order))

    def newest(self, plan_id: str) -> BackfillOrder | None:
        """See BackfillOrderStore."""
        return self._one(BackfillOrder, "guard/select_backfill_order", plan_id=checked_uuid(plan_id, "plan"))

    def progress(self, plan_id: str) -> list[BackfillProgress]:
        """See BackfillOrderStore."""
        return self._all(BackfillProgress, "guard/select_progress", plan_id=checked_uuid(plan_id, "plan"))
