"""The platform's tenants as it said last, unknown ones and dark ones, in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from ledger_guard.adapters.memory.guard_state.tables import Store
from ledger_guard.domain.dark_tenants import DarkTenant
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.unknown_tenants import SetApart, TenantList


class InMemoryTenantStore(Store):
    """TenantStore over the tables of one transaction."""

    def listed(self) -> TenantList | None:
        """See TenantStore."""
        return self._tables.tenant_list.get("")

    def save_list(self, listed: TenantList) -> None:
        """See TenantStore."""
        self._tables.tenant_list[""] = listed

    def set_apart(self, trigger: Trigger, start: datetime, end: datetime, found: Sequence[SetApart]) -> None:
        """See TenantStore."""
        for key in [key for key in self._tables.set_apart if key[0] == trigger and start <= key[1] < end]:
            del self._tables.set_apart[key]
        self._tables.set_apart.update({(trigger, each.window_start): each for each in found})

    def apart(self, trigger: Trigger, start: datetime, end: datetime) -> list[SetApart]:
        """See TenantStore."""
        keys = sorted(key[1] for key in self._tables.set_apart if key[0] == trigger and start <= key[1] < end)
        return [self._tables.set_apart[trigger, moment] for moment in keys]

    def see_dark(self, trigger: Trigger, found: Sequence[DarkTenant]) -> None:
        """See TenantStore."""
        for each in found:
            self._tables.dark_tenants.setdefault((trigger, each.tenant_id), (each, None))

    def not_dark(self, trigger: Trigger, tenants: Collection[str], at: datetime) -> None:  # noqa: ARG002  forgotten at once
        """See TenantStore."""
        for tenant_id in tenants:
            self._tables.dark_tenants.pop((trigger, tenant_id), None)

    def dark(self, trigger: Trigger, *, untold_only: bool = False) -> list[DarkTenant]:
        """See TenantStore."""
        standing = sorted((key[1], value) for key, value in self._tables.dark_tenants.items() if key[0] == trigger)
        return [each for _, (each, told_at) in standing if told_at is None or not untold_only]

    def told_of_dark(self, trigger: Trigger, tenants: Collection[str], at: datetime) -> None:
        """See TenantStore."""
        for tenant_id in tenants:
            if known := self._tables.dark_tenants.get((trigger, tenant_id)):
                self._tables.dark_tenants[trigger, tenant_id] = (known[0], known[1] or at)
