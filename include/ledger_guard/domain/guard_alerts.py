"""Alerts about the guard itself: what blocks runs from starting or questions from being answered, until it is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from ledger_guard.domain.windows import iso

#: how long runs of a DAG may stay queued; Airflow starts a run within seconds
QUEUED_AT_MOST = timedelta(minutes=2)


class GuardAlertKind(str, Enum):
    """Kinds of alerts."""

    #: the DAG is paused
    PAUSED = "paused"
    #: runs of the DAG have not started
    QUEUED = "queued"
    #: questions expired and nothing was recorded, not even a timeout
    OVERDUE = "overdue"


#: by kind: the text, with its subject and since when
_WORDS = {
    GuardAlertKind.PAUSED: "{about} is paused (seen since {since}): none of its runs starts, not even emergencies.",
    GuardAlertKind.QUEUED: "Runs of {about} have stayed queued since {since}; an emergency may be among them.",
    GuardAlertKind.OVERDUE: "Questions expired with no answer on record (seen since {since}): their runs have ended, or "
    "Airflow is not running.",
}


@dataclass(frozen=True)
class GuardAlert:
    """One alert, over an unbroken series of checks that saw it."""

    kind: GuardAlertKind
    #: the DAG; empty without one
    about: str
    #: the first check of the series
    since: datetime
    #: the newest
    seen_at: datetime
    #: when it was reported; None: not yet
    told_at: datetime | None = None

    def is_firing(self, now: datetime) -> bool:
        """Whether it is due to be reported: queued runs after `QUEUED_AT_MOST`, anything else at once."""
        return self.kind is not GuardAlertKind.QUEUED or now - self.since >= QUEUED_AT_MOST

    @property
    def sentence(self) -> str:
        """For people."""
        return _WORDS[self.kind].format(about=self.about, since=iso(self.since))
