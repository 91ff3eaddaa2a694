"""Changes past the guard near the time of an incident, as triage and reports list them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ledger_guard.domain.attestations import is_marked
from ledger_guard.domain.facts.codec import told
from ledger_guard.domain.facts.past_the_guard import ChangedPastTheGuard
from ledger_guard.domain.flag_record import FlagLog
from ledger_guard.domain.flags import EVERYWHERE
from ledger_guard.domain.past_the_guard_words import change_words, who_changed_it
from ledger_guard.domain.windows import iso

#: a change can be the cause of failures that begin within this time after it
SHORTLY = timedelta(hours=2)
#: a check may notice a change so much later than it was made
NOTICED_WITHIN = timedelta(minutes=15)


@dataclass(frozen=True)
class PastChange:
    """One change past the guard."""

    flag: str
    noticed_at: datetime
    fact: ChangedPastTheGuard

    @property
    def at(self) -> datetime:
        """When it was made: by the store's own account where that is possible, else when it was noticed."""
        claimed = self.fact.changed_at
        return claimed if claimed is not None and claimed < self.noticed_at else self.noticed_at

    @property
    def words(self) -> str:
        """Flag, scopes, old and new value."""
        return change_words(self.flag, self.fact)

    @property
    def who(self) -> str:
        """Who and when, or that the store does not know."""
        return who_changed_it(self.fact)

    @property
    def sentence(self) -> str:
        """For people, on one line."""
        return f"{self.words}, changed past the guard, noticed {iso(self.noticed_at)} ({self.who})"

    @property
    def is_global(self) -> bool:
        """Whether the value for everyone changed."""
        return EVERYWHERE in self.fact.scopes


def changes_past_the_guard(log: FlagLog, flag: str, since: datetime, until: datetime) -> list[PastChange]:
    """A flag's changes in this time, oldest first; with a key only marked ones.

    One that was noticed in it counts, whatever time the store claims, and so does one that the store says was made in it.
    """
    found = []
    for entry in log.in_any_scope(flag, ChangedPastTheGuard.verbs[0]):
        changed = told(entry.event, ChangedPastTheGuard)
        if changed is None or (log.keys.newest is not None and not is_marked(entry, log.keys)):
            continue
        times = (entry.event.at, changed.changed_at)
        if any(at is not None and since <= at <= until for at in times):
            found.append(PastChange(flag, entry.event.at, changed))
    return found
