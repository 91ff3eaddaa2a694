"""The platform's tenants as it said last, unknown ones and dark ones, in Postgres."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from ledger_guard.adapters.postgres.rows import Store
from ledger_guard.domain.dark_tenants import DarkTenant
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.unknown_tenants import SetApart, TenantList


class PostgresTenantStore(Store):
    """TenantStore."""

    def listed(self) -> TenantList | None:
        """See TenantStore."""
        row = self._row("guard/select_tenant_list")
        return TenantList(frozenset(row["tenant_ids"]), row["listed_at"]) if row else None

    def save_list(self, listed: TenantList) -> None:
        """See TenantStore."""
        self._execute("guard/upsert_tenant_list", tenant_ids=sorted(listed.tenant_ids), listed_at=listed.listed_at)

    def set_apart(self, trigger: Trigger, start: datetime, end: datetime, found: Sequence[SetApart]) -> None:
        """See TenantStore."""
        self._execute("guard/clear_set_apart", trigger=trigger.value, start=start, end=end)
        if found:
            self._execute(
                "guard/upsert_set_apart",
                trigger=trigger.value,
                window_starts=[each.window_start for each in found],
                tenants=[each.tenants for each in found],
                events=[each.events for each in found],
                exposures=[each.exposure for each in found],
            )

    def apart(self, trigger: Trigger, start: datetime, end: datetime) -> list[SetApart]:
        """See TenantStore."""
        return self._all(SetApart, "guard/select_set_apart", trigger=trigger.value, start=start, end=end)

    def see_dark(self, trigger: Trigger, found: Sequence[DarkTenant]) -> None:
        """See TenantStore."""
        if found:
            self._execute(
                "guard/upsert_dark_tenants",
                trigger=trigger.value,
                tenant_ids=[each.tenant_id for each in found],
                since=[each.since for each in found],
                usual=[each.usual for each in found],
            )

    def not_dark(self, trigger: Trigger, tenants: Collection[str], at: datetime) -> None:
        """See TenantStore."""
        if tenants:
            self._execute("guard/end_dark_tenants", trigger=trigger.value, tenant_ids=sorted(tenants), at=at)

    def dark(self, trigger: Trigger, *, untold_only: bool = False) -> list[DarkTenant]:
        """See TenantStore."""
        return self._all(DarkTenant, "guard/select_dark_tenants", trigger=trigger.value, untold_only=untold_only)

    def told_of_dark(self, trigger: Trigger, tenants: Collection[str], at: datetime) -> None:
        """See TenantStore."""
        self._execute("guard/mark_dark_tenants_told", trigger=trigger.value, tenant_ids=sorted(tenants), at=at)
