"""What was started for incidents, in Postgres."""

from __future__ import annotations

from ledger_guard.adapters.postgres.connection import Connection, Row
from ledger_guard.adapters.postgres.guard_state.columns import given
from ledger_guard.domain.errors import BadInputError, LedgerInvariantError
from ledger_guard.domain.identifiers import checked_uuid
from ledger_guard.domain.incidents import Action, ActionStatus
from ledger_guard.sql import statement


class PostgresActionStore:
    """ActionStore; two tasks that start the same action get the same one."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def start(self, action: Action) -> Action:
        """See ActionStore."""
        parameters = given(action)
        if self._connection.execute(statement("guard/insert_action"), parameters).fetchone() is not None:
            return action
        row = self._connection.execute(statement("guard/select_same_action"), parameters).fetchone()
        if row is None:
            raise LedgerInvariantError(f"action {action.kind} {action.target}: ended while it was being started; start it again")
        return _action(row)

    def finish(self, action: Action) -> None:
        """See ActionStore."""
        if self._connection.execute(statement("guard/update_action"), given(action)).fetchone() is None:
            raise BadInputError(f"action {action.action_id}: does not exist; allowed: an action that was started")

    def of_incident(self, incident_id: str) -> list[Action]:
        """See ActionStore."""
        rows = self._connection.execute(
            statement("guard/select_actions"), {"incident_id": checked_uuid(incident_id, "incident")}
        ).fetchall()
        return [_action(row) for row in rows]


def _action(row: Row) -> Action:
    return Action(
        **{
            **row,
            "action_id": str(row["action_id"]),
            "incident_id": str(row["incident_id"]),
            "status": ActionStatus(row["status"]),
        }
    )
