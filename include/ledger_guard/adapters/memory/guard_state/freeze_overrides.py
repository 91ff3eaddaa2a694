"""Overrides of freezes in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ledger_guard.adapters.flag_stores.store_rules import require_running_override
from ledger_guard.adapters.memory.guard_state.tables import Store
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.freeze_overrides import FreezeOverride


class InMemoryFreezeOverrideStore(Store):
    """FreezeOverrideStore over the tables of one transaction."""

    def add(self, override: FreezeOverride) -> None:
        """See FreezeOverrideStore."""
        self._tables.overrides[override.override_id] = override

    def in_force(self, now: datetime, flag: str | None = None) -> list[FreezeOverride]:
        """See FreezeOverrideStore."""
        wanted = [each for each in self._tables.overrides.values() if flag in (None, each.flag)]
        return sorted(
            (each for each in wanted if each.is_in_force(each.flag, each.tenant_id, now)), key=lambda each: each.granted_at
        )

    def end(self, override_id: str, by: str, at: datetime) -> FreezeOverride:
        """See FreezeOverrideStore."""
        stored = self._tables.overrides.get(override_id)
        if stored is None:
            raise BadInputError(f"override {override_id}: does not exist; allowed: the id of an override that was granted")
        require_running_override(stored, at)
        self._tables.overrides[override_id] = ended = replace(stored, ended_at=at, ended_by=by)
        return ended
