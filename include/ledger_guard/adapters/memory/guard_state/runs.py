"""Leave for runs and what their tasks left for each other, in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from ledger_guard.adapters.flag_stores.store_rules import plain_json
from ledger_guard.adapters.memory.guard_state.tables import Store
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.runs import RunGrant


class InMemoryRunStore(Store):
    """RunStore over the tables of one transaction."""

    def grant(self, grant: RunGrant) -> RunGrant:
        """See RunStore."""
        self._tables.require_incident(grant.incident_id)
        same = next((each for each in self._tables.run_grants.values() if each.purpose == grant.purpose), None)
        if same is None:
            self._tables.run_grants[grant.run_id] = replace(grant, conf=plain_json(grant.conf))
        return same or grant

    def granted(self, dag_id: str, run_id: str) -> RunGrant | None:
        """See RunStore."""
        found = self._tables.run_grants.get(run_id)
        return found if found is not None and found.dag_id == dag_id else None

    def begun(self, run_id: str, at: datetime) -> None:
        """See RunStore."""
        found = self._granted(run_id)
        self._tables.run_grants[run_id] = replace(found, begun_at=found.begun_at or at)

    def not_begun(self, before: datetime) -> list[RunGrant]:
        """See RunStore."""
        found = [
            each
            for each in self._tables.run_grants.values()
            if each.begun_at is None and each.told_at is None and each.granted_at < before
        ]
        return sorted(found, key=lambda each: (each.granted_at, each.run_id))[:100]

    def never_begun(self, after: datetime, before: datetime) -> list[RunGrant]:
        """See RunStore."""
        found = [each for each in self._tables.run_grants.values() if each.begun_at is None and after <= each.granted_at < before]
        return sorted(found, key=lambda each: (each.granted_at, each.run_id))[:100]

    def told(self, run_id: str, at: datetime) -> None:
        """See RunStore."""
        found = self._granted(run_id)
        self._tables.run_grants[run_id] = replace(found, told_at=found.told_at or at)

    def note(self, dag_id: str, run_id: str, name: str, content: dict[str, Any], at: datetime) -> None:
        """See RunStore."""
        self._tables.run_notes[dag_id, run_id, name] = (plain_json(content), at)

    def noted(self, dag_id: str, run_id: str, name: str) -> dict[str, Any] | None:
        """See RunStore."""
        found = self._tables.run_notes.get((dag_id, run_id, name))
        return None if found is None else plain_json(found[0])

    def _granted(self, run_id: str) -> RunGrant:
        found = self._tables.run_grants.get(run_id)
        if found is None:
            raise BadInputError(f"run {run_id}: has no leave; allowed: a run that was granted")
        return found
