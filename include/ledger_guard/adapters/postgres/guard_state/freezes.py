"""Freezes in Postgres."""

from __future__ import annotations

from ledger_guard.adapters.flag_stores.store_rules import require_root_cause
from ledger_guard.adapters.postgres.connection import Connection, Row
from ledger_guard.adapters.postgres.guard_state.columns import given, optional_text
from ledger_guard.domain.errors import BadInputError, LedgerInvariantError, SafetyRefusal
from ledger_guard.domain.flags import Freeze
from ledger_guard.domain.identifiers import checked_uuid
from ledger_guard.sql import statement


class PostgresFreezeStore:
    """FreezeStore; the database refuses a second standing freeze and a lifting without a root cause."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, freeze: Freeze) -> Freeze:
        """See FreezeStore."""
        parameters = given(freeze)
        if self._connection.execute(statement("guard/insert_freeze"), parameters).fetchone() is not None:
            return freeze
        row = self._connection.execute(statement("guard/select_same_freeze"), parameters).fetchone()
        if row is None:
            raise LedgerInvariantError(f"freeze of {freeze.flag}: was lifted while it was being opened; open it again")
        return _freeze(row)

    def get(self, freeze_id: str) -> Freeze:
        """See FreezeStore."""
        key = {"freeze_id": checked_uuid(freeze_id, "freeze")}
        row = self._connection.execute(statement("guard/select_freeze"), key).fetchone()
        if row is None:
            raise BadInputError(f"freeze {freeze_id}: does not exist; allowed: the id of a freeze that was opened")
        return _freeze(row)

    def standing(self, flag: str | None = None) -> list[Freeze]:
        """See FreezeStore."""
        rows = self._connection.execute(statement("guard/select_standing_freezes"), {"flag": flag}).fetchall()
        return [_freeze(row) for row in rows]

    def lift(self, freeze: Freeze) -> None:
        """See FreezeStore."""
        require_root_cause(freeze)
        if self._connection.execute(statement("guard/update_freeze_lifted"), given(freeze)).fetchone() is None:
            stored = self.get(freeze.freeze_id)
            raise SafetyRefusal(f"freeze {freeze.freeze_id} of {stored.flag}: was lifted already, by {stored.lifted_by}")

    def recorded(self, flag: str | None = None) -> list[Freeze]:
        """See FreezeStore."""
        rows = self._connection.execute(statement("guard/select_recorded_freezes"), {"flag": flag}).fetchall()
        return [_freeze(row) for row in rows]

    def set_right(self, freeze: Freeze) -> None:
        """See FreezeStore."""
        require_root_cause(freeze)
        self._connection.execute(statement("guard/upsert_lifted_freeze"), given(freeze))

    def of_incident(self, incident_id: str) -> list[Freeze]:
        """See FreezeStore."""
        key = {"incident_id": checked_uuid(incident_id, "incident")}
        return [_freeze(row) for row in self._connection.execute(statement("guard/select_freezes_of_incident"), key).fetchall()]


def _freeze(row: Row) -> Freeze:
    return Freeze(**{**row, "freeze_id": str(row["freeze_id"]), "incident_id": optional_text(row["incident_id"])})
