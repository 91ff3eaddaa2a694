"""Calling people: who is called for what, and when not. Pure rules over what is on record.

A matter is a severe incident, or the questions of an incident that wait. Each has one key, under which every pager opens,
acknowledges and resolves it. Its stage says how bad it is: when that changes for the worse, people are called anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta, tzinfo
from enum import Enum

from ledger_guard.domain.attestations import AttestingLog, is_marked
from ledger_guard.domain.audit import AuditEntry, AuditEvent
from ledger_guard.domain.facts.codec import told
from ledger_guard.domain.facts.wake import (
    CallAcknowledged,
    CallEnded,
    CallFailed,
    CallsSilenced,
    PeopleCalled,
    SilenceEnded,
)

VERBS = ("wake", "acknowledge")
#: the subject of entries about silences
SILENCES = "silence"
#: how long a call that is under way counts as made: a process that died in it is not waited for
UNDER_WAY = timedelta(minutes=2)


class Weekday(str, Enum):
    """A day of the week."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


@dataclass(frozen=True)
class Matter:
    """Something that people are called for."""

    key: str
    #: how bad it is, in words; another one calls anew
    stage: str
    trigger: str
    tenants: frozenset[str]
    #: by the matrix row
    owner: str
    #: one line with the numbers
    title: str
    #: what is known and what is needed from whom
    text: str
    #: label and address
    links: tuple[tuple[str, str], ...]
    incident_id: str | None
    #: since when it is what it is: earlier calls were about something else
    since: datetime | None = None
    #: why people are called once more
    anew: str = "It got worse."


@dataclass(frozen=True)
class Hours:
    """Hours of the day in a time zone, beginning on these days; over midnight when they end before they begin."""

    begin: time
    end: time
    zone: tzinfo
    days: Sequence[Weekday]

    def include(self, moment: datetime) -> bool:
        """Whether `moment` lies in them, `begin` included and `end` not."""
        local = moment.astimezone(self.zone)
        now, today = local.time(), list(Weekday)[local.weekday()]
        if self.begin < self.end:
            return today in self.days and self.begin <= now < self.end
        yesterday = list(Weekday)[local.weekday() - 1]
        return (now >= self.begin and today in self.days) or (now < self.end and yesterday in self.days)


@dataclass(frozen=True)
class Step:
    """Pagers that are called so long after the first step."""

    after_minutes: int
    pagers: tuple[str, ...]


@dataclass(frozen=True)
class Route:
    """For which matters these steps are taken; an empty set fits all."""

    triggers: frozenset[str]
    tenants: frozenset[str]
    owners: frozenset[str]
    hours: Hours | None
    steps: tuple[Step, ...]

    def fits(self, matter: Matter, at: datetime) -> bool:
        """Whether it is for this matter at this time."""
        return (
            (not self.triggers or matter.trigger in self.triggers)
            and (not self.tenants or not self.tenants.isdisjoint(matter.tenants))
            and (not self.owners or matter.owner in self.owners)
            and (self.hours is None or self.hours.include(at))
        )


@dataclass(frozen=True)
class Silence:
    """A time in which nobody is called, for a reason. An empty set is about all."""

    #: empty: planned in the policy
    silence_id: str
    starts_at: datetime
    ends_at: datetime
    reason: str
    by: str
    triggers: frozenset[str] = frozenset()
    tenants: frozenset[str] = frozenset()

    def covers(self, matter: Matter, at: datetime) -> bool:
        """Whether all of the matter is silenced: one tenant outside of it is enough to call."""
        return (
            self.starts_at <= at < self.ends_at
            and (not self.triggers or matter.trigger in self.triggers)
            and (not self.tenants or (bool(matter.tenants) and matter.tenants <= self.tenants))
        )


@dataclass(frozen=True)
class Calls:
    """What is on record about the calls of one matter, in its stage of now."""

    #: when people were called first in this stage
    began_at: datetime | None = None
    #: pagers that were called, under way or done
    called: frozenset[str] = frozenset()
    #: pagers that failed since they were called last, with why
    failed: Mapping[str, str] = field(default_factory=dict)
    acknowledged_by: str | None = None
    #: pagers that were called in any stage, and not told of an end
    open_at: frozenset[str] = frozenset()


def subject_of(key: str) -> str:
    """The subject of audit entries about a matter's calls."""
    return f"call:{key}"


def counts(log: AttestingLog, entry: AuditEntry) -> bool:
    """Whether an entry about calls or silences counts: where there is a key, only what it marked does."""
    return log.keys.newest is None or is_marked(entry, log.keys)


def calls_on_record(log: AttestingLog, matter: Matter, now: datetime) -> Calls:
    """What was called for a matter in its stage of now."""
    found = _Found(matter.stage, matter.since, now)
    for entry in log.about(subject_of(matter.key), VERBS):
        if counts(log, entry):
            found.take(entry.event)
    return Calls(found.began_at, frozenset(found.called), found.failed, found.acknowledged_by, frozenset(found.open_at))


@dataclass
class _Found:
    """What entries tell, oldest first."""

    stage: str
    since: datetime | None
    now: datetime
    began_at: datetime | None = None
    called: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    acknowledged_by: str | None = None
    open_at: set[str] = field(default_factory=set)

    def take(self, event: AuditEvent) -> None:
        if placed := told(event, PeopleCalled):
            self._place(event, placed)
        elif missed := told(event, CallFailed):
            self._miss(event, missed)
        elif (taken := told(event, CallAcknowledged)) and self._is_now(event, taken.stage):
            self.acknowledged_by = event.actor
        elif ended := told(event, CallEnded):
            self.open_at -= set(ended.pagers)
            self.began_at = self.acknowledged_by = None
            self.called.clear()
            self.failed.clear()

    def _place(self, event: AuditEvent, placed: PeopleCalled) -> None:
        if placed.is_done:
            self.open_at.add(placed.pager)
        if not self._is_now(event, placed.stage):
            return
        self.began_at = self.began_at or event.at
        if placed.is_done or self.now - event.at < UNDER_WAY:
            self.called.add(placed.pager)
        if placed.is_done:
            self.failed.pop(placed.pager, None)

    def _miss(self, event: AuditEvent, missed: CallFailed) -> None:
        if self._is_now(event, missed.stage):
            self.failed[missed.pager] = missed.error
            self.called.discard(missed.pager)

    def _is_now(self, event: AuditEvent, stage: str) -> bool:
        return stage == self.stage and (self.since is None or event.at >= self.since)


def due(steps: Sequence[Step], calls: Calls, now: datetime) -> tuple[str, ...]:
    """The pagers to call now, each once and in order: of each step whose time has come, and of the next where all of one failed.

    None once somebody has acknowledged. A pager that failed is tried again.
    """
    if calls.acknowledged_by is not None:
        return ()
    since = (now - calls.began_at) if calls.began_at else timedelta(0)
    wanted: list[str] = []
    has_failed = False
    for step in steps:
        # who would be called later is called now instead of those who can't be reached
        if timedelta(minutes=step.after_minutes) > since and not has_failed:
            break
        wanted += step.pagers
        has_failed = all(pager in calls.failed for pager in step.pagers)
    return tuple(dict.fromkeys(pager for pager in wanted if pager not in calls.called))


def silences_on_record(log: AttestingLog, at: datetime) -> tuple[Silence, ...]:
    """Silences that people made and that are not over. Where there is a key, only what it marked counts."""
    found: dict[str, Silence] = {}
    for entry in log.about(SILENCES, ("silence", "end_silence")):
        if not counts(log, entry):
            continue
        event = entry.event
        if made := told(event, CallsSilenced):
            about = frozenset(made.triggers), frozenset(made.tenants)
            found[made.silence_id] = Silence(made.silence_id, event.at, made.ends_at, made.reason, event.actor, *about)
        elif ended := told(event, SilenceEnded):
            found.pop(ended.silence_id, None)
    return tuple(each for each in found.values() if each.starts_at <= at < each.ends_at)
