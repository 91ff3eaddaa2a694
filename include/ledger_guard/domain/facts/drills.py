"""Facts about drills. A drill is played in memory: these entries, its question and its run are all that it leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ledger_guard.domain.facts.codec import Fact, Moment


@dataclass(frozen=True, kw_only=True)
class DrillRequested(Fact):
    """A person asked for a drill."""

    verbs: ClassVar[tuple[str, ...]] = ("request_drill",)
    trigger: str
    #: the canary tenant
    canary_id: str
    #: whether a login proved who it was; otherwise the name was stated on a command line
    is_proved: bool
    #: a drill that has not ended by then is ended by the health check
    ends_by: Moment


@dataclass(frozen=True, kw_only=True)
class DrillBegun(Fact):
    """The run of a drill began."""

    verbs: ClassVar[tuple[str, ...]] = ("begin_drill",)
    run_id: str


@dataclass(frozen=True, kw_only=True)
class DrillJudged(Fact):
    """The made-up readings were judged."""

    verbs: ClassVar[tuple[str, ...]] = ("judge_drill",)
    severity: str
    scope: str
    is_alarm: bool
    #: the verdict in words
    sentence: str
    #: what the policy's row would have done; empty without an alarm
    actions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class DrillTold(Fact):
    """The notice of a drill was posted."""

    verbs: ClassVar[tuple[str, ...]] = ("tell_drill",)
    title: str


@dataclass(frozen=True, kw_only=True)
class DrillEnded(Fact):
    """A drill ended."""

    verbs: ClassVar[tuple[str, ...]] = ("end_drill",)
    #: answered, timed_out or failed
    outcome: str
    #: for people
    sentence: str
    #: approved or rejected; None when no one answered
    answer: str | None
    answered_by: str | None
    answered_at: Moment | None
