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
    #: a source names tenants that the platform does not have
    UNKNOWN_TENANTS = "unknown_tenants"
    #: log lines came after their windows were settled
    TOO_LATE = "too_late"
    #: log lines were ahead of the clock
    FUTURE = "future"


#: kinds that are seen now and then: over only when nothing of the kind was seen for so long
NOW_AND_THEN = frozenset({GuardAlertKind.UNKNOWN_TENANTS, GuardAlertKind.TOO_LATE, GuardAlertKind.FUTURE})
QUIET_AFTER = timedelta(days=1)


#: by kind: the text, with its subject and since when
_WORDS = {
    GuardAlertKind.PAUSED: "{about} is paused (seen since {since}): none of its runs starts, not even emergencies.",
    GuardAlertKind.QUEUED: "Runs of {about} have stayed queued since {since}; an emergency may be among them.",
    GuardAlertKind.OVERDUE: "Questions expired with no answer on record (seen since {since}): their runs have ended, or "
    "Airflow is not running.",
    GuardAlertKind.UNKNOWN_TENANTS: "{about}: {detail} (seen since {since}).",
    GuardAlertKind.TOO_LATE: "{about}: {detail} (seen since {since}).",
    GuardAlertKind.FUTURE: "{about}: {detail} (seen since {since}).",
}


@dataclass(frozen=True)
class GuardAlert:
    """One alert, over an unbroken series of checks that saw it."""

    kind: GuardAlertKind
    #: the DAG, trigger or source; empty without one
    about: str
    #: the first check of the series
    since: datetime
    #: the newest
    seen_at: datetime
    #: when it was reported; None: not yet
    told_at: datetime | None = None
    #: what the newest check saw, where the kind says more than its words
    detail: str = ""

    def is_over(self, now: datetime) -> bool:
        """Whether it is one that is seen now and then, and was not for `QUIET_AFTER`."""
        return self.kind in NOW_AND_THEN and now - self.seen_at >= QUIET_AFTER

    def is_firing(self, now: datetime) -> bool:
        """Whether it is due to be reported: queued runs after `QUEUED_AT_MOST`, anything else at once."""
        return self.kind is not GuardAlertKind.QUEUED or now - self.since >= QUEUED_AT_MOST

    @property
    def sentence(self) -> str:
        """For people."""
        return _WORDS[self.kind].format(about=self.about, since=iso(self.since), detail=self.detail)
