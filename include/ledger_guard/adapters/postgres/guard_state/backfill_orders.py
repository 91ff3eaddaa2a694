"""Orders about running backfills, and how far these have come, in Postgres."""

from __future__ import annotations

from ledger_guard.adapters.postgres.connection import Connection
from ledger_guard.adapters.postgres.guard_state.columns import given
from ledger_guard.domain.identifiers import checked_uuid
from ledger_guard.domain.pacing import BackfillOrder, BackfillProgress, Wanted
from ledger_guard.sql import statement


class PostgresBackfillOrderStore:
    """BackfillOrderStore."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def ask(self, order: BackfillOrder) -> None:
        """See BackfillOrderStore."""
        self._connection.execute(statement("guard/upsert_backfill_order"), given(order))

    def newest(self, plan_id: str) -> BackfillOrder | None:
        """See BackfillOrderStore."""
        key = {"plan_id": checked_uuid(plan_id, "plan")}
        row = self._connection.execute(statement("guard/select_backfill_order"), key).fetchone()
        if row is None:
            return None
        return BackfillOrder(**{**row, "plan_id": str(row["plan_id"]), "wanted": Wanted(row["wanted"])})

    def progress(self, plan_id: str) -> list[BackfillProgress]:
        """See BackfillOrderStore."""
        key = {"plan_id": checked_uuid(plan_id, "plan")}
        return [BackfillProgress(**row) for row in self._connection.execute(statement("guard/select_progress"), key)]
