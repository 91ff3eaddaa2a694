"""Writes to flag stores, recorded in Postgres."""

from __future__ import annotations

from ledger_guard.adapters.postgres.connection import Connection, Row
from ledger_guard.adapters.postgres.guard_state.columns import given, optional_text
from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.flags import ChangeStatus, FlagChange
from ledger_guard.domain.identifiers import checked_uuid
from ledger_guard.sql import statement


class PostgresFlagChangeStore:
    """FlagChangeStore; an approval leads to one change, whoever else tries at the same moment."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, change: FlagChange) -> None:
        """See FlagChangeStore."""
        parameters = given(change)
        if self._connection.execute(statement("guard/insert_flag_change"), parameters).fetchone() is not None:
            return
        if self._connection.execute(statement("guard/select_flag_change_id"), parameters).fetchone() is None:
            used = self.of_approval(change.approval_id)
            raise SafetyRefusal(
                f"approval {change.approval_id}: was used already, for change {used.change_id if used else 'unknown'}"
            )

    def save(self, change: FlagChange) -> None:
        """See FlagChangeStore."""
        if self._connection.execute(statement("guard/update_flag_change"), given(change)).fetchone() is None:
            raise BadInputError(f"flag change {change.change_id}: does not exist; allowed: a change that was recorded")

    def of_approval(self, approval_id: str) -> FlagChange | None:
        """See FlagChangeStore."""
        key = {"approval_id": checked_uuid(approval_id, "approval")}
        row = self._connection.execute(statement("guard/select_flag_change_of_approval"), key).fetchone()
        return None if row is None else _change(row)

    def latest(self, flag: str, tenant_id: str) -> FlagChange | None:
        """See FlagChangeStore."""
        row = self._connection.execute(
            statement("guard/select_latest_flag_change"), {"flag": flag, "tenant_id": tenant_id}
        ).fetchone()
        return None if row is None else _change(row)

    def of_incident(self, incident_id: str) -> list[FlagChange]:
        """See FlagChangeStore."""
        key = {"incident_id": checked_uuid(incident_id, "incident")}
        return [
            _change(row) for row in self._connection.execute(statement("guard/select_flag_changes_of_incident"), key).fetchall()
        ]


def _change(row: Row) -> FlagChange:
    return FlagChange(
        **{
            **row,
            "change_id": str(row["change_id"]),
            "incident_id": optional_text(row["incident_id"]),
            "approval_id": str(row["approval_id"]),
            "status": ChangeStatus(row["status"]),
        }
    )
