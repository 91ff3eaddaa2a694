"""Leave for runs and what their tasks left for each other, in Postgres."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ledger_guard.adapters.postgres.connection import Connection
from ledger_guard.adapters.postgres.guard_state.columns import as_jsonb, given, optional_text
from ledger_guard.domain.errors import BadInputError, LedgerInvariantError
from ledger_guard.domain.runs import RunGrant
from ledger_guard.sql import statement


class PostgresRunStore:
    """RunStore."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def grant(self, grant: RunGrant) -> RunGrant:
        """See RunStore."""
        if self._connection.execute(statement("guard/insert_run_grant"), given(grant)).fetchone() is not None:
            return grant
        found = self._one(purpose=grant.purpose)
        if found is None:
            raise LedgerInvariantError(f"leave for {grant.purpose}: went away while it was being given; try again")
        return found

    def granted(self, dag_id: str, run_id: str) -> RunGrant | None:
        """See RunStore."""
        return self._one(dag_id=dag_id, run_id=run_id)

    def begun(self, run_id: str, at: datetime) -> None:
        """See RunStore."""
        self._update(run_id, begun_at=at)

    def not_begun(self, before: datetime) -> list[RunGrant]:
        """See RunStore."""
        rows = self._connection.execute(statement("guard/select_run_grants_not_begun"), {"before": before}).fetchall()
        return [_grant(row) for row in rows]

    def never_begun(self, after: datetime, before: datetime) -> list[RunGrant]:
        """See RunStore."""
        span = {"after": after, "before": before}
        return [
            _grant(row) for row in self._connection.execute(statement("guard/select_run_grants_never_begun"), span).fetchall()
        ]

    def told(self, run_id: str, at: datetime) -> None:
        """See RunStore."""
        self._update(run_id, told_at=at)

    def note(self, dag_id: str, run_id: str, name: str, content: dict[str, Any], at: datetime) -> None:
        """See RunStore."""
        parameters = {"dag_id": dag_id, "run_id": run_id, "name": name, "content": as_jsonb(content), "left_at": at}
        self._connection.execute(statement("guard/upsert_run_note"), parameters)

    def noted(self, dag_id: str, run_id: str, name: str) -> dict[str, Any] | None:
        """See RunStore."""
        parameters = {"dag_id": dag_id, "run_id": run_id, "name": name}
        row = self._connection.execute(statement("guard/select_run_note"), parameters).fetchone()
        return None if row is None else dict(row["content"])

    def _one(self, purpose: str | None = None, dag_id: str | None = None, run_id: str | None = None) -> RunGrant | None:
        parameters = {"purpose": purpose, "dag_id": dag_id, "run_id": run_id}
        row = self._connection.execute(statement("guard/select_run_grant"), parameters).fetchone()
        return None if row is None else _grant(row)

    def _update(self, run_id: str, begun_at: datetime | None = None, told_at: datetime | None = None) -> None:
        parameters = {"run_id": run_id, "begun_at": begun_at, "told_at": told_at}
        if self._connection.execute(statement("guard/update_run_grant"), parameters).fetchone() is None:
            raise BadInputError(f"run {run_id}: has no leave; allowed: a run that was granted")


def _grant(row: dict[str, Any]) -> RunGrant:
    return RunGrant(**{**row, "incident_id": optional_text(row["incident_id"])})
