"""Overrides: a person's word that one tenant may be enabled although a freeze stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ledger_guard.domain.flags import EVERYWHERE


@dataclass(frozen=True)
class FreezeOverride:
    """Lets one tenant be enabled in spite of freezes until it expires; the freezes stand, and an approval is still needed."""

    override_id: str
    flag: str
    #: one tenant; never `*`
    tenant_id: str
    reason: str
    granted_by: str
    granted_at: datetime
    #: from this moment on it counts no more
    expires_at: datetime
    #: set when somebody ended it before that
    ended_at: datetime | None = None
    ended_by: str | None = None

    def is_in_force(self, flag: str, tenant_id: str, now: datetime) -> bool:
        """Whether it lets `flag` be enabled for exactly this tenant at `now`."""
        return (
            tenant_id != EVERYWHERE
            and (self.flag, self.tenant_id) == (flag, tenant_id)
            and self.ended_at is None
            and self.granted_at <= now < self.expires_at
        )
