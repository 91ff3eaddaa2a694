"""Policy section about refusals caused by strangers: when they count as forged."""

from __future__ import annotations

from pydantic import Field

from ledger_guard.domain.forged_calls import ForgeryLimits
from ledger_guard.policy.section import Section


class ForgeryRules(Section):
    """When refused webhooks are likely forged, so that no rollback of signatures is proposed."""

    #: genuine calls are as many as usual when more than this share of the usual number is accepted
    kept_share: float = Field(0.8, ge=0.5, le=0.99)
    #: the chance at which so many accepted calls, or so few, are not put down to luck
    chance_of_luck: float = Field(0.05, ge=0.0001, le=0.2)
    #: how much of an incident's newest time is looked at
    look_minutes: int = Field(30, ge=5, le=24 * 60)
    #: what is usual: so many hours, up to one hour before the incident
    hours_before: int = Field(3, ge=1, le=48)
    #: and the same time of so many earlier days; of the day a week ago alone where that is known
    days_before: int = Field(7, ge=1, le=28)

    @property
    def limits(self) -> ForgeryLimits:
        """For the rule."""
        return ForgeryLimits(self.kept_share, self.chance_of_luck)
