"""Orders about running backfills, and how far these have come, in memory."""

from __future__ import annotations

from ledger_guard.adapters.memory.guard_state.tables import Tables
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.pacing import BackfillProgress, Steering


class InMemorySteeringStore:
    """SteeringStore over the tables of one transaction."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def ask(self, steering: Steering) -> None:
        """See SteeringStore."""
        if steering.plan_id not in self._tables.plans:
            raise BadInputError(f"plan {steering.plan_id}: does not exist; allowed: an id printed by `backfill dry-run`")
        self._tables.steering[steering.plan_id] = steering

    def newest(self, plan_id: str) -> Steering | None:
        """See SteeringStore."""
        return self._tables.steering.get(plan_id)

    def progress(self, plan_id: str) -> list[BackfillProgress]:
        """See SteeringStore."""
        return list(reversed(self._tables.progress.get(plan_id, [])))
