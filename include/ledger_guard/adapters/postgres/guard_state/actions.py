"""What was started for incidents, in Postgres."""

from __future__ import annotations

from ledger_guard.adapters.postgres.rows import Store, given
from ledger_guard.domain.errors import BadInputError, LedgerInvariantError
from ledger_guard.domain.identifiers import checked_uuid
from ledger_guard.domain.incidents import Action


class PostgresActionStore(Store):
    """ActionStore; two tasks that start the same action get the same one."""

    def start(self, action: Action) -> Action:
        """See ActionStore."""
        parameters = given(action)
        if self._row("guard/insert_action", **parameters) is not None:
            return action
        found = self._one(Action, "guard/select_same_action", **parameters)
        if found is None:
            raise LedgerInvariantError(f"action {action.kind} {action.target}: ended while it was being started; start it again")
        return found

    def finish(self, action: Action) -> None:
        """See ActionStore."""
        if self._row("guard/update_action", **given(action)) is None:
            raise BadInputError(f"action {action.action_id}: does not exist; allowed: an action that was started")

    def of_incident(self, incident_id: str) -> list[Action]:
        """See ActionStore."""
        return self._all(Action, "guard/select_actions", incident_id=checked_uuid(incident_id, "incident"))
