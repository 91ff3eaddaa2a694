"""The policy's section on when the guard asks a human although a plan is within guardrails and budget."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from ledger_guard.policy.section import Section

_LONGEST_HOURS = 24 * 7


def _rising(hours: tuple[int, ...]) -> tuple[int, ...]:
    if any(not 1 <= each <= _LONGEST_HOURS for each in hours) or list(hours) != sorted(set(hours)):
        raise ValueError(f"{list(hours)} is not a list of hours; allowed: 1 to {_LONGEST_HOURS}, each more than the one before")
    return hours


class Autonomy(Section):
    """What holds the guard back after it wrote, and after something else changed. 0 switches a rule off."""

    #: a tenant that was repaired within so many days is not repaired again without a human: the cause is not fixed
    repaired_again_days: int = Field(7, ge=0, le=365)
    #: so long after any write to a tenant's wallets nothing is written to it without a human
    cool_down_minutes: int = Field(60, ge=0, le=7 * 24 * 60)
    #: so long after a flag change, a restore or a recorded deploy nothing is written without a human
    settle_minutes: int = Field(30, ge=0, le=24 * 60)
    #: so many hours after a repair its players are compared again; empty: never
    verify_again_hours: Annotated[tuple[int, ...], AfterValidator(_rising)] = (1, 24)

    @property
    def repaired_again_within(self) -> timedelta:
        """Zero: off."""
        return timedelta(days=self.repaired_again_days)

    @property
    def cool_down(self) -> timedelta:
        """Zero: off."""
        return timedelta(minutes=self.cool_down_minutes)

    @property
    def settle_time(self) -> timedelta:
        """Zero: off."""
        return timedelta(minutes=self.settle_minutes)
