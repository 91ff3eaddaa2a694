"""Freezes in Postgres."""

from __future__ import annotations

from ledger_guard.adapters.flag_stores.store_rules import require_root_cause
from ledger_guard.adapters.postgres.rows import Store, given
from ledger_guard.domain.errors import BadInputError, LedgerInvariantError, SafetyRefusal
from ledger_guard.domain.flags import Freeze
from ledger_guard.domain.identifiers import checked_uuid


class PostgresFreezeStore(Store):
    """FreezeStore; the database refuses a second standing freeze and a lifting without a root cause."""

    def add(self, freeze: Freeze) -> Freeze:
        """See FreezeStore."""
        parameters = given(freeze)
        if self._row("guard/insert_freeze", **parameters) is not None:
            return freeze
        standing = self._one(Freeze, "guard/select_same_freeze", **parameters)
        if standing is None:
            raise LedgerInvariantError(f"freeze of {freeze.flag}: was lifted while it was being opened; open it again")
        return standing

    def get(self, freeze_id: str) -> Freeze:
        """See FreezeStore."""
        freeze = self._one(Freeze, "guard/select_freeze", freeze_id=checked_uuid(freeze_id, "freeze"))
        if freeze is None:
            raise BadInputError(f"freeze {freeze_id}: does not exist; allowed: the id of a freeze that was opened")
        return freeze

    def standing(self, flag: str | None = None) -> list[Freeze]:
        """See FreezeStore."""
        return self._all(Freeze, "guard/select_standing_freezes", flag=flag)

    def lift(self, freeze: Freeze) -> None:
        """See FreezeStore."""
        require_root_cause(freeze)
        if self._row("guard/update_freeze_lifted", **given(freeze)) is None:
            stored = self.get(freeze.freeze_id)
            raise SafetyRefusal(f"freeze {freeze.freeze_id} of {stored.flag}: was lifted already, by {stored.lifted_by}")

    def recorded(self, flag: str | None = None) -> list[Freeze]:
        """See FreezeStore."""
        return self._all(Freeze, "guard/select_recorded_freezes", flag=flag)

    def set_right(self, freeze: Freeze) -> None:
        """See FreezeStore."""
        require_root_cause(freeze)
        self._execute("guard/upsert_lifted_freeze", **given(freeze))

    def of_incident(self, incident_id: str) -> list[Freeze]:
        """See FreezeStore."""
        return self._all(Freeze, "guard/select_freezes_of_incident", incident_id=checked_uuid(incident_id, "incident"))
