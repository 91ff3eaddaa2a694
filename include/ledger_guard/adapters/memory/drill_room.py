"""Where a drill is played: a whole guard in memory, whose clock moves with what is delivered."""

from __future__ import annotations

from datetime import datetime, timedelta

from ledger_guard.adapters.memory.dependencies import memory_world
from ledger_guard.domain.signals import Reading
from ledger_guard.policy.schema import Policy
from ledger_guard.ports import Dependencies


class InMemoryDrillRoom:
    """DrillRoom over a new in-memory guard."""

    def __init__(self, policy: Policy, now: datetime) -> None:
        self._world = memory_world(policy, now)
        self._lateness = timedelta(seconds=policy.sensing.allowed_lateness_seconds)

    @property
    def deps(self) -> Dependencies:
        """See DrillRoom."""
        return self._world.deps

    def deliver(self, reading: Reading) -> None:
        """See DrillRoom."""
        self._world.signals.deliver([reading])
        self._world.signals.complete(reading.trigger, reading.window.end)
        read_at = reading.window.end + min(self._lateness, reading.window.length / 2)
        for clock in (self._world.clock, self._world.wall_clock):
            clock.advance(read_at - clock.now())
