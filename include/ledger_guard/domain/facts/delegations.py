"""Facts about who answers instead of whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ledger_guard.domain.facts.codec import Fact, Later, Moment


@dataclass(frozen=True, kw_only=True)
class Delegated(Fact):
    """An approver let another person answer instead of them; the entry's actor is the approver, its time the beginning."""

    verbs: ClassVar[tuple[str, ...]] = ("delegate",)
    delegation_id: str
    to: str
    until: Moment
    reason: str
    #: whether a login proved who gave it; else it does not count
    is_proved: bool
    unkeyed: Later[bool] = None


@dataclass(frozen=True, kw_only=True)
class DelegationWithdrawn(Fact):
    """A delegation was ended before its time."""

    verbs: ClassVar[tuple[str, ...]] = ("withdraw",)
    delegation_id: str
    reason: str
    is_proved: bool
