"""The stop: one switch that holds every write of the guard, read from the audit log alone.

Entries are only ever added there, so that nobody ends a stop by editing a row. Any stop entry stops; a release counts when it
carries the mark of an audit key (where one is set) and is by another person than everybody who stopped.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ledger_guard.domain.attestations import AttestingLog, is_marked
from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.facts.codec import told
from ledger_guard.domain.facts.stops import GuardReleased, GuardStopped
from ledger_guard.domain.identities import bare, same_person, stated
from ledger_guard.domain.shown_text import one_line, wrote
from ledger_guard.domain.windows import iso

#: the subject of entries about the guard as a whole
SUBJECT = "guard"
VERBS = ("stop", "release")


def named(person: str, is_proved: bool) -> str:
    """A person for people to read, and whether only their word says who they are."""
    return one_line(person) if is_proved else one_line(stated(person))


@dataclass(frozen=True)
class Stop:
    """A stop that is active."""

    since: datetime
    #: everybody who stopped the guard since it was released last; none of them may release it
    stopped_by: tuple[str, ...]
    reason: str
    #: whether a login proved who stopped it first
    is_proved: bool

    @property
    def sentence(self) -> str:
        """For people: `stopped since 2026-11-28T14:03:00Z by anna, who wrote "two tenants were paid twice"`."""
        return f"stopped since {iso(self.since)} by {named(self.stopped_by[0], self.is_proved)}, who {wrote(self.reason)}"

    def is_of(self, person: str) -> bool:
        """Whether this person stopped the guard, under any spelling, also as records show a name that no login proved."""
        return any(same_person(bare(person), bare(each)) for each in self.stopped_by)


def active_stop(log: AttestingLog) -> Stop | None:
    """The stop that is active, or None."""
    found: Stop | None = None
    for entry in log.about(SUBJECT, VERBS):
        event = entry.event
        if event.verb == "stop":
            stopped = told(event, GuardStopped)
            if found is None:
                reason, is_proved = (stopped.reason, stopped.is_proved) if stopped else ("the entry can't be read", False)
                found = Stop(event.at, (event.actor,), reason, is_proved)
            else:
                found = Stop(found.since, (*found.stopped_by, event.actor), found.reason, found.is_proved)
        elif found is not None and told(event, GuardReleased) and (log.keys.newest is None or is_marked(entry, log.keys)):
            found = found if found.is_of(event.actor) else None
    return found


def require_running(log: AttestingLog, what: str) -> None:
    """Raise SafetyRefusal while the guard is stopped. For every task that writes, inside it, before each batch."""
    stop = active_stop(log)
    if stop is not None:
        raise SafetyRefusal(
            f"{what}: refused: the guard is {stop.sentence}; what was done is journaled; needed: a second person releases it "
            "(`release`), then start this again"
        )
