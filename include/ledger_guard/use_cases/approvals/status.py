"""status: whether the guard may write, and what waits for people. Read-only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ledger_guard.domain.budgets import Used
from ledger_guard.domain.delegations import Delegation
from ledger_guard.domain.facts.codec import json_of
from ledger_guard.domain.flag_record import flag_record
from ledger_guard.domain.freeze_breaches import breaches_of
from ledger_guard.domain.modes_on_record import RowMode, modes_in_short, notable_modes
from ledger_guard.domain.partitions import STRAYS_COUNTED, storage_notes
from ledger_guard.domain.stops import Stop, active_stop
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.approvals.budget import budget_used
from ledger_guard.use_cases.approvals.delegate import delegations_now
from ledger_guard.use_cases.approvals.modes import modes_now
from ledger_guard.use_cases.approvals.settle import what_settles
from ledger_guard.use_cases.approvals.stop import running_scripts


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
    #: who answers instead of whom now
    delegations: tuple[Delegation, ...]
    #: rows whose mode is not `act`, or not the policy's
    modes: tuple[RowMode, ...]
    #: scopes whose value in the flag store is not the one on record, as the last check noticed
    flags_past_the_guard: int
    #: of them, enabled during a freeze
    flags_enabled_in_a_freeze: int
    #: flags that the last check could not compare, or that none has compared yet
    flags_not_compared: int
    #: what settles, runs of the platform's script that may still write, and what partitions lack, a sentence each
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As plain JSON, with `is_stopped` beside the stop."""
        found = {"is_stopped": self.stop is not None, **json_of(self)}
        return {**found, "budgets": [each.as_json() for each in self.budgets]}

    @property
    def _flags(self) -> str:
        past, broken, unread = self.flags_past_the_guard, self.flags_enabled_in_a_freeze, self.flags_not_compared
        found = [f"{broken} ENABLED DURING A FREEZE"] if broken else []
        found += [f"{past} changed past the guard"] if past else []
        found += [f"{unread} not compared with the record"] if unread else []
        return "; ".join(found) or "as on record"

    def lines(self) -> list[str]:
        """For people, the stop first."""
        return [
            f"guard      {self.stop.sentence if self.stop else 'running: it may write'}",
            *(f"budget     {each.sentence(self.currency)}" for each in self.budgets),
            f"approvals  {self.waiting_approvals} waiting",
            *([f"drills     {self.waiting_drills} waiting for an answer"] if self.waiting_drills else []),
            *(f"delegated  {each.sentence}" for each in self.delegations),
            f"incidents  {self.open_incidents} open",
            f"freezes    {self.standing_freezes} active",
            *(f"note       {each}" for each in self.notes),
            *(f"modes      {line}" for line in modes_in_short(self.modes)),
            f"flags      {self._flags}",
        ]


def guard_status(deps: Dependencies) -> GuardStatus:
    """Read it from one snapshot. Raises SourceUnavailable when guard state does not answer: nothing is written then either."""
    now = deps.wall_clock.now()
    with deps.state.snapshot() as state:
        settling = what_settles(deps, state)
        waiting = [each.request for each in state.approvals.waiting(now)]
        freezes, overrides = state.freezes.standing(), state.overrides.in_force(now)
        records = [flag_record(state.audit, flag, rules.safe_value) for flag, rules in deps.policy.flags.items()]
        breaches = [breach for record in records for breach in breaches_of(record, freezes, overrides, now)]
        return GuardStatus(
            read_at=now,
            currency=deps.policy.platform.currency,
            stop=active_stop(state.audit),
            budgets=budget_used(deps, state),
            waiting_approvals=sum(not each.is_drill for each in waiting),
            waiting_drills=sum(each.is_drill for each in waiting),
            open_incidents=len(state.incidents.listed(include_resolved=False)),
            delegations=delegations_now(deps, state),
            modes=notable_modes(modes_now(deps, state)),
            standing_freezes=len(freezes),
            flags_past_the_guard=sum(len(record.unrecorded) for record in records),
            flags_enabled_in_a_freeze=sum(len(breach.scopes) for breach in breaches),
            flags_not_compared=sum(record.unread is not None or not record.is_compared for record in records),
            notes=(
                *running_scripts(deps, state),
                *([settling] if settling else []),
                *storage_notes(state.partitions.all(), state.partitions.strays(STRAYS_COUNTED), deps.clock.now()),
            ),
        )
