"""What the guard senses: triggers, readings of a window, and whether a window could be read at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.windows import Window


class Trigger(str, Enum):
    """The runbook's three signals."""

    #: HTTP 400 INSUFFICIENT_FUNDS out of withdraw requests that reached the funds check
    INSUFFICIENT_FUNDS = "T1"
    #: HTTP 401 WEBHOOK_SIGNATURE_INVALID out of webhook calls
    WEBHOOK_SIGNATURE = "T2"
    #: players whose wallet differs from their player row, out of players compared
    BALANCE_MISMATCH = "T3"

    @property
    def signal_name(self) -> str:
        """The signal in words, as in `insufficient_funds`."""
        return self.name.lower()

    @classmethod
    def parse(cls, word: object) -> Trigger:
        """Read `T1`, `T2` or `T3`; raises BadInputError for any other word."""
        for trigger in cls:
            if word in (trigger, trigger.value):
                return trigger
        raise BadInputError(f"trigger: {str(word)[:60]!r} is unknown; allowed: {', '.join(t.value for t in cls)}")


class WindowState(str, Enum):
    """Whether a window could be read."""

    #: the source was complete through the window's end
    COMPLETE = "complete"
    #: the source did not answer, was not complete in time, or had no rows where it should have
    NO_DATA = "no_data"


@dataclass(frozen=True)
class Reading:
    """One trigger, one tenant, one window."""

    trigger: Trigger
    tenant_id: str
    window: Window
    #: refusals, failures or mismatches (k >= 0); may exceed `exposure` in rare rows
    events: int
    #: requests, calls or players compared (n >= 0)
    exposure: int
    #: distinct players or webhook ids behind `events`
    subjects: int


@dataclass(frozen=True)
class SensedWindow:
    """The state of one trigger's window over all tenants."""

    trigger: Trigger
    window: Window
    state: WindowState
    #: why there is no data; empty when complete
    reason: str
    sensed_at: datetime
    #: 0 at first sight; one more each time late data changed a reading
    revision: int = 0
