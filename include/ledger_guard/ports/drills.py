"""The place where a drill is played, as a Protocol."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from ledger_guard.domain.signals import Reading
from ledger_guard.policy.schema import Policy
from ledger_guard.ports import Dependencies


class DrillRoom(Protocol):
    """A guard with an empty state of its own and sources that know only what is delivered here. It reaches nothing outside."""

    @property
    def deps(self) -> Dependencies:
        """That guard's ports."""

    def deliver(self, reading: Reading) -> None:
        """Let the reading's window pass: the source is complete to its end, and the clock shows when it is read."""


#: the policy, and the time before the first reading → an empty room
OpenDrillRoom = Callable[[Policy, datetime], DrillRoom]
