"""Drills: an incident of a canary tenant, played in memory; read from the audit log alone. Nothing here permits a write."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Protocol

from ledger_guard.domain.audit import AuditEntry
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.facts.codec import Fact, SomeFact, told
from ledger_guard.domain.facts.drills import DrillBegun, DrillEnded, DrillJudged, DrillRequested, DrillTold
from ledger_guard.domain.shown_text import duration
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.stops import named
from ledger_guard.domain.windows import iso

#: what every title of a drill begins with
MARK = "DRILL · "
DAG_ID = "guard_drill"
_FACTS: tuple[type[Fact], ...] = (DrillRequested, DrillBegun, DrillJudged, DrillTold, DrillEnded)


class DrillLog(Protocol):
    """The part of the audit log that drills are read from."""

    def of_kind(self, kind: str, verb: str) -> Sequence[AuditEntry]:
        """Entries of this verb whose subject is of this kind, in order."""


class DrillOutcome(str, Enum):
    """How a drill ended."""

    #: alarm and notice came, and a person who may answer did, with Approve or Reject
    ANSWERED = "answered"
    #: no one answered in time, or its run was ended before
    TIMED_OUT = "timed_out"
    #: no alarm, no notice, or an answer that does not count
    FAILED = "failed"


@dataclass(frozen=True)
class Drill:
    """One drill, with the time of each step."""

    drill_id: str
    requested_by: str
    requested_at: datetime
    request: DrillRequested
    begun_at: datetime | None = None
    run_id: str | None = None
    judged_at: datetime | None = None
    judged: DrillJudged | None = None
    told_at: datetime | None = None
    ended_at: datetime | None = None
    ended: DrillEnded | None = None

    @property
    def trigger(self) -> str:
        """The word of the trigger that it plays."""
        return self.request.trigger

    @property
    def by(self) -> str:
        """Who asked for it, for people."""
        return named(self.requested_by, self.request.is_proved)

    @property
    def state(self) -> str:
        """The outcome, or how far it is: requested, running."""
        if self.ended is not None:
            return self.ended.outcome
        return "requested" if self.begun_at is None else "running"

    @property
    def seconds(self) -> dict[str, int | None]:
        """From the request to each step; None where it did not come."""
        answered_at = self.ended.answered_at if self.ended is not None else None
        steps = {"begin": self.begun_at, "verdict": self.judged_at, "notice": self.told_at, "answer": answered_at}
        return {name: None if at is None else self._since_request(at) for name, at in steps.items()}

    def _since_request(self, at: datetime) -> int:
        # an answer is dated by another clock
        return max(0, int((at - self.requested_at).total_seconds()))


@dataclass(frozen=True)
class LastDrill:
    """The newest drill of a trigger; None when there never was one."""

    trigger: Trigger
    drill: Drill | None
    read_at: datetime
    #: the policy's `every_days`; None: no reminder
    every: timedelta | None

    @property
    def age(self) -> timedelta | None:
        """Since it was asked for."""
        return None if self.drill is None else self.read_at - self.drill.requested_at

    @property
    def is_due(self) -> bool:
        """Whether the policy asks for a newer one."""
        return self.every is not None and (self.age is None or self.age > self.every)

    @property
    def sentence(self) -> str:
        """For people: how long ago, by whom, how it ended."""
        due = f"; due every {duration(self.every)}" if self.every is not None and self.is_due else ""
        if self.drill is None or self.age is None:
            return f"{self.trigger.value}: never{due}"
        how = self.drill.ended.sentence if self.drill.ended is not None else f"until {iso(self.drill.request.ends_by)} at most"
        state = self.drill.state.replace("_", " ")
        return f"{self.trigger.value}: {duration(self.age)} ago by {self.drill.by}, {state}: {how}{_steps(self.drill)}{due}"

    def as_json(self) -> dict[str, Any]:
        """As plain JSON."""
        age = None if self.age is None else int(self.age.total_seconds())
        found: dict[str, Any] = {"trigger": self.trigger.value, "age_seconds": age, "is_due": self.is_due}
        if self.drill is None:
            return {**found, "state": "never"}
        ended = self.drill.ended
        return {
            **found,
            "state": self.drill.state,
            "drill_id": self.drill.drill_id,
            "requested_by": self.drill.requested_by,
            "is_proved": self.drill.request.is_proved,
            "requested_at": iso(self.drill.requested_at),
            "seconds_to": self.drill.seconds,
            "answer": ended.answer if ended else None,
            "answered_by": ended.answered_by if ended else None,
            "sentence": ended.sentence if ended else "",
        }


def _steps(drill: Drill) -> str:
    known = [f"{name} after {duration(timedelta(seconds=after))}" for name, after in drill.seconds.items() if after is not None]
    return f" ({', '.join(known)})" if known else ""


def subject_of(drill_id: str) -> str:
    """The subject of a drill's audit entries."""
    return f"drill:{drill_id}"


def drills(log: DrillLog) -> list[Drill]:
    """Every drill on record, oldest first. An entry that can't be read is left out: drills decide nothing."""
    found: dict[str, list[AuditEntry]] = defaultdict(list)
    for fact in _FACTS:
        for entry in log.of_kind("drill", fact.verbs[0]):
            found[entry.event.subject.removeprefix(subject_of(""))].append(entry)
    made = [_drill(drill_id, entries) for drill_id, entries in found.items()]
    return sorted((each for each in made if each is not None), key=lambda each: (each.requested_at, each.drill_id))


def drill_of(log: DrillLog, drill_id: str) -> Drill:
    """The drill of this id. Raises BadInputError when there is none."""
    for each in drills(log):
        if each.drill_id == drill_id:
            return each
    raise BadInputError(f"drill: {drill_id[:60]!r} is unknown; allowed: the id of a drill on record")


def last_drills(triggers: Mapping[Trigger, object], log: DrillLog, now: datetime, every: timedelta | None) -> list[LastDrill]:
    """The newest drill of each trigger, in the policy's order."""
    newest = {each.trigger: each for each in drills(log)}
    return [LastDrill(trigger, newest.get(trigger.value), now, every) for trigger in triggers]


def _drill(drill_id: str, entries: Sequence[AuditEntry]) -> Drill | None:
    requested_at, request = _first(entries, DrillRequested)
    if requested_at is None or request is None:
        return None
    begun_at, begun = _first(entries, DrillBegun)
    judged_at, judged = _first(entries, DrillJudged)
    told_at, _ = _first(entries, DrillTold)
    ended_at, ended = _first(entries, DrillEnded)
    return Drill(
        drill_id=drill_id,
        requested_by=next(entry.event.actor for entry in entries if entry.event.verb == DrillRequested.verbs[0]),
        requested_at=requested_at,
        request=request,
        begun_at=begun_at,
        run_id=None if begun is None else begun.run_id,
        judged_at=judged_at,
        judged=judged,
        told_at=told_at,
        ended_at=ended_at,
        ended=ended,
    )


def _first(entries: Sequence[AuditEntry], kind: type[SomeFact]) -> tuple[datetime | None, SomeFact | None]:
    """The first such fact: a step that was repeated by hand took place when it was done first."""
    for entry in entries:
        fact = told(entry.event, kind)
        if fact is not None:
            return entry.event.at, fact
    return None, None
