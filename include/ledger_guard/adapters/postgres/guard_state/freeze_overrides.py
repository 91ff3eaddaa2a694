"""Overrides of freezes in Postgres."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ledger_guard.adapters.flag_stores.store_rules import require_running_override
from ledger_guard.adapters.postgres.rows import Store, given
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.freeze_overrides import FreezeOverride
from ledger_guard.domain.identifiers import checked_uuid


class PostgresFreezeOverrideStore(Store):
    """FreezeOverrideStore; the database refuses one for everybody, one without an end, and one by nobody."""

    def add(self, override: FreezeOverride) -> None:
        """See FreezeOverrideStore."""
        self._execute("guard/insert_freeze_override", **given(override))

    def in_force(self, now: datetime, flag: str | None = None) -> list[FreezeOverride]:
        """See FreezeOverrideStore."""
        return self._all(FreezeOverride, "guard/select_overrides_in_force", now=now, flag=flag)

    def end(self, override_id: str, by: str, at: datetime) -> FreezeOverride:
        """See FreezeOverrideStore."""
        key = {"override_id": checked_uuid(override_id, "override")}
        override = self._one(FreezeOverride, "guard/lock_freeze_override", **key)
        if override is None:
            raise BadInputError(f"override {override_id}: does not exist; allowed: the id of an override that was granted")
        require_running_override(override, at)
        self._execute("guard/update_override_ended", **key, ended_at=at, ended_by=by)
        return replace(override, ended_at=at, ended_by=by)
