"""Leave for runs and what their tasks left for each other, in Postgres."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ledger_guard.adapters.postgres.rows import Store, as_jsonb, given
from ledger_guard.domain.errors import BadInputError, LedgerInvariantError
from ledger_guard.domain.runs import RunGrant


class PostgresRunStore(Store):
    """RunStore."""

    def grant(self, grant: RunGrant) -> RunGrant:
        """See RunStore."""
        if self._row("guard/insert_run_grant", **given(grant)) is not None:
            return grant
        found = self._granted(purpose=grant.purpose)
        if found is None:
            raise LedgerInvariantError(f"leave for {grant.purpose}: went away while it was being given; try again")
        return found

    def granted(self, dag_id: str, run_id: str) -> RunGrant | None:
        """See RunStore."""
        return self._granted(dag_id=dag_id, run_id=run_id)

    def begun(self, run_id: str, at: datetime) -> None:
        """See RunStore."""
        self._update(run_id, begun_at=at)

    def not_begun(self, before: datetime) -> list[RunGrant]:
        """See RunStore."""
        return self._all(RunGrant, "guard/select_run_grants_not_begun", before=before)

    def never_begun(self, after: datetime, before: datetime) -> list[RunGrant]:
        """See RunStore."""
        return self._all(RunGrant, "guard/select_run_grants_never_begun", after=after, before=before)

    def told(self, run_id: str, at: datetime) -> None:
        """See RunStore."""
        self._update(run_id, told_at=at)

    def note(self, dag_id: str, run_id: str, name: str, content: dict[str, Any], at: datetime) -> None:
        """See RunStore."""
        left = as_jsonb(content)
        self._execute("guard/upsert_run_note", dag_id=dag_id, run_id=run_id, name=name, content=left, left_at=at)

    def noted(self, dag_id: str, run_id: str, name: str) -> dict[str, Any] | None:
        """See RunStore."""
        row = self._row("guard/select_run_note", dag_id=dag_id, run_id=run_id, name=name)
        return None if row is None else dict(row["content"])

    def _granted(self, purpose: str | None = None, dag_id: str | None = None, run_id: str | None = None) -> RunGrant | None:
        return self._one(RunGrant, "guard/select_run_grant", purpose=purpose, dag_id=dag_id, run_id=run_id)

    def _update(self, run_id: str, begun_at: datetime | None = None, told_at: datetime | None = None) -> None:
        if self._row("guard/update_run_grant", run_id=run_id, begun_at=begun_at, told_at=told_at) is None:
            raise BadInputError(f"run {run_id}: has no leave; allowed: a run that was granted")
