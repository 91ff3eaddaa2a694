"""Overrides: a person allows one tenant to be enabled although a freeze is active."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ledger_guard.domain.flags import EVERYWHERE, scope_words
from ledger_guard.domain.windows import iso


@dataclass(frozen=True)
class FreezeOverride:
    """Lets one tenant be enabled despite freezes until it expires; the freezes stay active, and an approval is still needed."""

    override_id: str
    flag: str
    #: one tenant; never `*`
    tenant_id: str
    reason: str
    granted_by: str
    granted_at: datetime
    #: it is valid until this time
    expires_at: datetime
    #: set when it was ended earlier
    ended_at: datetime | None = None
    ended_by: str | None = None

    @property
    def sentence(self) -> str:
        """For people: `webhook_signature_enforced for tenant acme until 2026-11-28T20:00:00Z`."""
        return f"{self.flag} for {scope_words(self.tenant_id)} until {iso(self.expires_at)}"

    def is_in_force(self, flag: str, tenant_id: str, now: datetime) -> bool:
        """Whether it lets `flag` be enabled for exactly this tenant at `now`."""
        return (
            tenant_id != EVERYWHERE
            and (self.flag, self.tenant_id) == (flag, tenant_id)
            and self.ended_at is None
            and self.granted_at <= now < self.expires_at
        )
