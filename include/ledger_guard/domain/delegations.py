"""Delegation: an approver lets another person answer instead of them for a limited time, read from the audit log alone.

Entries are only ever added there. A delegation counts when a login proved who gave it and, where an audit key is set, the entry
has its mark. Any withdrawal ends it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from ledger_guard.domain.attestations import AttestingLog, is_marked
from ledger_guard.domain.audit import AuditEntry
from ledger_guard.domain.facts.codec import told
from ledger_guard.domain.facts.delegations import Delegated, DelegationWithdrawn
from ledger_guard.domain.identities import same_person
from ledger_guard.domain.shown_text import one_line
from ledger_guard.domain.windows import iso

#: the subject of all these entries
SUBJECT = "delegations"
VERBS = ("delegate", "withdraw")


@dataclass(frozen=True)
class Delegation:
    """`to` may answer instead of `by`, from `since` until just before `until`."""

    delegation_id: str
    by: str
    to: str
    since: datetime
    until: datetime
    reason: str

    def covers(self, start: datetime, end: datetime) -> bool:
        """Whether it holds at both moments."""
        return self.since <= start and end < self.until

    @property
    def sentence(self) -> str:
        """For people: `boris answers instead of anna until 2026-11-28T20:00:00Z`."""
        return f"{one_line(self.to)} answers instead of {one_line(self.by)} until {iso(self.until)}"


def delegations_at(log: AttestingLog, at: datetime, longest: timedelta, named: Iterable[str]) -> tuple[Delegation, ...]:
    """Those that hold at this moment, in their order.

    `longest` and `named` are of the current policy: nothing holds for longer, or for a person whom it does not name.
    """
    entries, people = log.about(SUBJECT, VERBS), set(named)
    ended = {fact.delegation_id for each in entries if (fact := told(each.event, DelegationWithdrawn))}
    given = (each for entry in entries for each in _given(log, entry, longest))
    return tuple(
        each for each in given if each.delegation_id not in ended and each.covers(at, at) and {each.by, each.to} <= people
    )


def _given(log: AttestingLog, entry: AuditEntry, longest: timedelta) -> Iterator[Delegation]:
    fact, by = told(entry.event, Delegated), entry.event.actor
    if fact is None or not fact.is_proved or same_person(by, fact.to):
        return
    if log.keys.newest is None or is_marked(entry, log.keys):
        until = min(fact.until, entry.event.at + longest)
        yield Delegation(fact.delegation_id, by, fact.to, entry.event.at, until, fact.reason)
