"""Overrides of freezes in Postgres."""

from __future__ import annotations

from datetime import datetime

from ledger_guard.adapters.flag_stores.store_rules import require_running_override
from ledger_guard.adapters.postgres.connection import Connection, Row
from ledger_guard.adapters.postgres.guard_state.columns import given
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.freeze_overrides import FreezeOverride
from ledger_guard.domain.identifiers import checked_uuid
from ledger_guard.sql import statement


class PostgresFreezeOverrideStore:
    """FreezeOverrideStore; the database refuses one for everybody, one without an end, and one by nobody."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, override: FreezeOverride) -> None:
        """See FreezeOverrideStore."""
        self._connection.execute(statement("guard/insert_freeze_override"), given(override))

    def in_force(self, now: datetime, flag: str | None = None) -> list[FreezeOverride]:
        """See FreezeOverrideStore."""
        rows = self._connection.execute(statement("guard/select_overrides_in_force"), {"now": now, "flag": flag})
        return [_override(row) for row in rows]

    def end(self, override_id: str, by: str, at: datetime) -> FreezeOverride:
        """See FreezeOverrideStore."""
        key = {"override_id": checked_uuid(override_id, "override")}
        row = self._connection.execute(statement("guard/lock_freeze_override"), key).fetchone()
        if row is None:
            raise BadInputError(f"override {override_id}: does not exist; allowed: the id of an override that was granted")
        require_running_override(_override(row), at)
        ended = {**key, "ended_at": at, "ended_by": by}
        self._connection.execute(statement("guard/update_override_ended"), ended)
        return _override({**row, "ended_at": at, "ended_by": by})


def _override(row: Row) -> FreezeOverride:
    return FreezeOverride(**{**row, "override_id": str(row["override_id"])})
