"""Facts about the stop that holds every write of the guard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ledger_guard.domain.facts.codec import Fact


@dataclass(frozen=True, kw_only=True)
class GuardStopped(Fact):
    """Somebody stopped the guard: it writes nothing until it is released."""

    verbs: ClassVar[tuple[str, ...]] = ("stop",)
    reason: str
    #: whether a login proved who it was; otherwise the name was stated on a command line
    is_proved: bool


@dataclass(frozen=True, kw_only=True)
class GuardReleased(Fact):
    """A second person released the guard."""

    verbs: ClassVar[tuple[str, ...]] = ("release",)
    reason: str
    is_proved: bool
    #: who had stopped it
    stopped_by: str
