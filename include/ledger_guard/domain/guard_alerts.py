"""Alerts about the guard itself: what keeps runs from beginning or questions from being answered, until it is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from ledger_guard.domain.windows import iso

#: so long may runs of a DAG stay queued; Airflow begins a run within seconds
QUEUED_AT_MOST = timedelta(minutes=2)


class GuardAlertKind(str, Enum):
    """What can stand in the way."""

    #: the DAG is paused
    PAUSED = "paused"
    #: runs of the DAG have not begun
    QUEUED = "queued"
    #: questions expired and no answer was recorded, not even silence
    OVERDUE = "overdue"


#: by kind: what to say of it, after whom it is about and since when
_WORDS = {
    GuardAlertKind.PAUSED: "{about} is paused (seen since {since}): its runs do not begin, emergencies included.",
    GuardAlertKind.QUEUED: "Runs of {about} have stayed queued since {since}; an emergency may be among them.",
    GuardAlertKind.OVERDUE: "Questions expired without anything on record (seen since {since}): their runs have ended, or "
    "Airflow stands still.",
}


@dataclass(frozen=True)
class GuardAlert:
    """One thing that stands in the way, through an unbroken row of looks that saw it."""

    kind: GuardAlertKind
    #: the DAG; empty where it is of none
    about: str
    #: the first look of the row
    since: datetime
    #: the newest
    seen_at: datetime
    #: when people were told; None while nobody was
    told_at: datetime | None = None

    def is_firing(self, now: datetime) -> bool:
        """Whether it has stood long enough to be told: queued runs for `QUEUED_AT_MOST`, anything else at once."""
        return self.kind is not GuardAlertKind.QUEUED or now - self.since >= QUEUED_AT_MOST

    @property
    def sentence(self) -> str:
        """For people."""
        return _WORDS[self.kind].format(about=self.about, since=iso(self.since))
