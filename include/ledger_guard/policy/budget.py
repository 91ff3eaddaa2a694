"""The policy's section on what may be written without a human over time."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from ledger_guard.domain.budgets import Bound
from ledger_guard.policy.section import Section


class BudgetOfPeriod(Section):
    """The most within one period, over all incidents, runs and tenants together."""

    rows: int = Field(ge=1)
    cents: int = Field(ge=1)
    tenants: int = Field(ge=1)


class Budget(Section):
    """What may be written without a human. Approved plans and undos count, and are never held."""

    per_hour: BudgetOfPeriod
    per_day: BudgetOfPeriod

    @property
    def bounds(self) -> tuple[Bound, ...]:
        """Both periods, the shorter one first."""
        periods = (("hourly", timedelta(hours=1), self.per_hour), ("daily", timedelta(days=1), self.per_day))
        return tuple(Bound(name, period, each.rows, each.cents, each.tenants) for name, period, each in periods)
