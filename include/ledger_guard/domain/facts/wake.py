"""Facts about calling people: who was called, who took it, how it ended, and who silenced what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from ledger_guard.domain.facts.codec import Fact, Moment


@dataclass(frozen=True, kw_only=True)
class PeopleCalled(Fact):
    """A pager is being called for a matter (`is_done` false), or took the call."""

    verbs: ClassVar[tuple[str, ...]] = ("wake",)
    step: Literal["called"] = "called"
    pager: str
    stage: str
    is_done: bool


@dataclass(frozen=True, kw_only=True)
class CallFailed(Fact):
    """A pager did not take a call."""

    verbs: ClassVar[tuple[str, ...]] = ("wake",)
    step: Literal["failed"] = "failed"
    pager: str
    stage: str
    error: str


@dataclass(frozen=True, kw_only=True)
class CallEnded(Fact):
    """What people were called for is over, and these pagers were told."""

    verbs: ClassVar[tuple[str, ...]] = ("wake",)
    step: Literal["ended"] = "ended"
    pagers: tuple[str, ...]
    why: str


@dataclass(frozen=True, kw_only=True)
class CallAcknowledged(Fact):
    """Somebody took it: nobody else is called for this stage."""

    verbs: ClassVar[tuple[str, ...]] = ("acknowledge",)
    stage: str
    #: where: the board, the command line, a reaction in Slack
    how: str
    #: whether a login proved who it was
    is_proved: bool


@dataclass(frozen=True, kw_only=True)
class CallsSilenced(Fact):
    """Nobody is called for a while."""

    verbs: ClassVar[tuple[str, ...]] = ("silence",)
    silence_id: str
    ends_at: Moment
    reason: str
    triggers: tuple[str, ...]
    tenants: tuple[str, ...]
    is_proved: bool


@dataclass(frozen=True, kw_only=True)
class SilenceEnded(Fact):
    """A silence was ended before its time."""

    verbs: ClassVar[tuple[str, ...]] = ("end_silence",)
    silence_id: str
    reason: str
    is_proved: bool
