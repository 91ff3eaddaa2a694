"""A plan's journal in guard state: the states of its rows, before-images, audit entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import psycopg

from ledger_guard.adapters.postgres.connection import Connection, Row
from ledger_guard.adapters.postgres.state import GuardRepositories
from ledger_guard.domain.audit import AuditEvent
from ledger_guard.domain.errors import LedgerInvariantError
from ledger_guard.domain.plans import Plan, PlanStatus, RowState
from ledger_guard.domain.wallet_writes import Pair, WalletWrite
from ledger_guard.sql import statement


class BackfillJournal:
    """Writes within the transaction that the caller has open on `connection`."""

    def __init__(self, connection: Connection, plan: Plan, operation: str, actor: str) -> None:
        self._connection = connection
        self._state = GuardRepositories(connection)
        self._plan = plan
        self._operation = operation
        self._actor = actor

    def status(self) -> PlanStatus:
        """How far the plan is now."""
        return self._state.plans.get(self._plan.plan_id, with_rows=False).status

    def set_status(self, status: PlanStatus, detail: Mapping[str, Any], at: datetime) -> None:
        """Record how far the plan is, with an audit entry."""
        self._state.plans.set_status(self._plan.plan_id, status)
        self.audit({"status": status.value, **detail}, at)

    def count(self, state: RowState) -> int:
        """Rows of the plan in this state."""
        return self._state.plans.row_counts(self._plan.plan_id).get(state.value, 0)

    def next_ids(self, state: RowState, limit: int) -> list[str]:
        """Player ids of the next rows in this state."""
        parameters = {"plan_id": self._plan.plan_id, "state": state.value, "limit": limit}
        return [row["player_id"] for row in self._connection.execute(statement("backfill/list_rows_in_state"), parameters)]

    def mark(self, player_ids: Sequence[str], before: Sequence[RowState], after: RowState) -> None:
        """Move rows from one of the states `before` to `after`.

        Raises:
            LedgerInvariantError: a row is in none of them, though this session is the tenant's only writer: the plan's
                rows were edited. The transaction must not commit.
        """
        if not player_ids:
            return
        parameters = {
            "plan_id": self._plan.plan_id,
            "player_ids": list(player_ids),
            "from_states": [state.value for state in before],
            "to_state": after.value,
        }
        changed = self._connection.execute(statement("backfill/mark_rows"), parameters).rowcount
        if changed != len(player_ids):
            raise LedgerInvariantError(
                f"plan {self._plan.plan_id}: {len(player_ids) - changed} of its rows changed state behind the writer's back; "
                "stop and find out who"
            )

    def record_images(self, writes: Sequence[WalletWrite], at: datetime) -> None:
        """Keep what stood before and what stands after each write.

        Raises:
            LedgerInvariantError: this operation has written one of the rows before. Nothing is ever applied twice.
        """
        if not writes:
            return
        parameters = {
            "plan_id": self._plan.plan_id,
            "operation": self._operation,
            "tenant_id": self._plan.tenant_id,
            "currency": self._plan.currency,
            "actor": self._actor,
            "written_at": at,
            "player_ids": [each.player_id for each in writes],
            "before_available": [each.before[0] if each.before else None for each in writes],
            "before_pending": [each.before[1] if each.before else None for each in writes],
            "after_available": [each.after[0] if each.after else None for each in writes],
            "after_pending": [each.after[1] if each.after else None for each in writes],
        }
        try:
            self._connection.execute(statement("backfill/insert_before_images"), parameters)
        except psycopg.errors.UniqueViolation as error:
            raise LedgerInvariantError(
                f"plan {self._plan.plan_id}: {self._operation} has written some of these rows already, yet they are marked as "
                "not written: the plan's rows were edited; stop and find out who"
            ) from error

    def images(self, operation: str, player_ids: Sequence[str]) -> list[WalletWrite]:
        """The before-images of these rows, as the writes they were made for."""
        parameters = {"plan_id": self._plan.plan_id, "operation": operation, "player_ids": list(player_ids)}
        rows = self._connection.execute(statement("backfill/list_before_images"), parameters)
        return [WalletWrite(row["player_id"], _pair(row, "before"), _pair(row, "after")) for row in rows]

    def audit(self, detail: Mapping[str, Any], at: datetime) -> None:
        """Chain an entry about this plan."""
        self._state.audit.append(
            AuditEvent(
                verb=self._operation,
                actor=self._actor,
                subject=f"plan:{self._plan.plan_id}",
                detail={"plan_hash": self._plan.plan_hash, **detail},
                at=at,
                incident_id=self._plan.incident_id,
                tenant_id=self._plan.tenant_id,
            )
        )


def _pair(row: Row, which: str) -> Pair | None:
    available, pending = row[f"{which}_available"], row[f"{which}_pending"]
    return None if available is None else (available, pending)
