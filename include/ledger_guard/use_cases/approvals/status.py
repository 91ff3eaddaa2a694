"""status: whether the guard may write, and what waits for people. Read-only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ledger_guard.domain.budgets import Used
from ledger_guard.domain.facts.codec import json_of
from ledger_guard.domain.stops import Stop, active_stop
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.approvals.budget import budget_used


@dataclass(frozen=True)
class GuardStatus:
    """The guard's current state."""

    read_at: datetime
    currency: str
    #: None: it may write
    stop: Stop | None
    #: what may be written without a human, the hour's first
    budgets: tuple[Used, ...]
    #: questions that wait for an answer
    waiting_approvals: int
    #: questions of drills, which permit nothing
    waiting_drills: int
    open_incidents: int
    standing_freezes: int

    def as_json(self) -> dict[str, Any]:
        """As plain JSON, with `is_stopped` beside the stop."""
        found = {"is_stopped": self.stop is not None, **json_of(self)}
        return {**found, "budgets": [each.as_json() for each in self.budgets]}

    def lines(self) -> list[str]:
        """For people, the stop first."""
        return [
            f"guard      {self.stop.sentence if self.stop else 'running: it may write'}",
            *(f"budget     {each.sentence(self.currency)}" for each in self.budgets),
            f"approvals  {self.waiting_approvals} waiting",
            *([f"drills     {self.waiting_drills} waiting for an answer"] if self.waiting_drills else []),
            f"incidents  {self.open_incidents} open",
            f"freezes    {self.standing_freezes} active",
        ]


def guard_status(deps: Dependencies) -> GuardStatus:
    """Read it from one snapshot. Raises SourceUnavailable when guard state does not answer: nothing is written then either."""
    now = deps.wall_clock.now()
    with deps.state.snapshot() as state:
        waiting = [each.request for each in state.approvals.waiting(now)]
        return GuardStatus(
            read_at=now,
            currency=deps.policy.platform.currency,
            stop=active_stop(state.audit),
            budgets=budget_used(deps, state),
            waiting_approvals=sum(not each.is_drill for each in waiting),
            waiting_drills=sum(each.is_drill for each in waiting),
            open_incidents=len(state.incidents.listed(include_resolved=False)),
            standing_freezes=len(state.freezes.standing()),
        )
