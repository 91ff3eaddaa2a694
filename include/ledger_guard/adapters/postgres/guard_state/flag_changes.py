"""Writes to flag stores, recorded in Postgres."""

from __future__ import annotations

from ledger_guard.adapters.postgres.rows import Store, given
from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.flags import FlagChange
from ledger_guard.domain.identifiers import checked_uuid


class PostgresFlagChangeStore(Store):
    """FlagChangeStore; an approval leads to one change, whoever else tries at the same moment."""

    def add(self, change: FlagChange) -> None:
        """See FlagChangeStore."""
        parameters = given(change)
        if self._row("guard/insert_flag_change", **parameters) is not None:
            return
        if self._row("guard/select_flag_change_id", **parameters) is None:
            used = self.of_approval(change.approval_id)
            raise SafetyRefusal(
                f"approval {change.approval_id}: was used already, for change {used.change_id if used else 'unknown'}"
            )

    def save(self, change: FlagChange) -> None:
        """See FlagChangeStore."""
        if self._row("guard/update_flag_change", **given(change)) is None:
            raise BadInputError(f"flag change {change.change_id}: does not exist; allowed: a change that was recorded")

    def of_approval(self, approval_id: str) -> FlagChange | None:
        """See FlagChangeStore."""
        return self._one(FlagChange, "guard/select_flag_change_of_approval", approval_id=checked_uuid(approval_id, "approval"))

    def latest(self, flag: str, tenant_id: str) -> FlagChange | None:
        """See FlagChangeStore."""
        return self._one(FlagChange, "guard/select_latest_flag_change", flag=flag, tenant_id=tenant_id)

    def of_incident(self, incident_id: str) -> list[FlagChange]:
        """See FlagChangeStore."""
        return self._all(FlagChange, "guard/select_flag_changes_of_incident", incident_id=checked_uuid(incident_id, "incident"))
