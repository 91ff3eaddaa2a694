"""What the guard senses: triggers, readings of a window, and whether a window could be read at all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.findings import RowCause
from ledger_guard.domain.money import Cents
from ledger_guard.domain.windows import Window

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}")
_ALLOWED = "1 to 32 letters, digits or '_', beginning with a letter"


class Trigger(str):
    """The word of one signal that is watched, as in `policy.triggers`; which words there are is the policy's to say."""

    __slots__ = ()

    def __new__(cls, word: object) -> Trigger:
        """Raises BadInputError for what can't be such a word: it names Airflow tasks and rows."""
        if isinstance(word, cls):
            return word
        if not isinstance(word, str) or not _WORD.fullmatch(word):
            raise BadInputError(f"trigger: {str(word)[:60]!r} is not a trigger name; allowed: {_ALLOWED}")
        return super().__new__(cls, word)

    @property
    def value(self) -> str:
        """The plain word, for JSON and SQL."""
        return str.__str__(self)


@dataclass(frozen=True)
class Nouns:
    """What is counted, in words for people, in the plural."""

    #: as in `refused withdrawals`
    events: str
    #: what they are counted out of, as in `withdrawals`
    exposure: str
    #: who or what is affected, as in `players`
    subjects: str


class WindowState(str, Enum):
    """Whether a window could be read."""

    #: the source was complete through the window's end
    COMPLETE = "complete"
    #: the source did not answer, was not complete in time, or had no rows where it should have
    NO_DATA = "no_data"


@dataclass(frozen=True)
class MoneyAtRisk:
    """What the events of one reading sum up to, in cents of the platform's currency."""

    #: refused requests: what they asked for; wallets: by how much they differ, available and held each by itself and without
    #: sign. None: there are events, and the amount of none of them is known
    cents: Cents | None
    #: events whose amount is not known: with any, `cents` is the least that it can be
    without_amount: int = 0
    #: of a comparison: `cents` by cause; None where no amount is known
    by_cause: Mapping[RowCause, Cents | None] = field(default_factory=dict, hash=False)
    #: of a comparison: since when the tenant was never seen without a difference, at the latest: the start of a window
    differs_since: datetime | None = None


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
    #: None: not known, as of a reading stored before money was summed
    money: MoneyAtRisk | None = None

    @property
    def attempts(self) -> int:
        """The exposure, or the events where these are more: what failed was attempted."""
        return max(self.events, self.exposure)


@dataclass(frozen=True)
class SensedWindow:
    """The state of one trigger's window over all tenants."""

    trigger: Trigger
    window: Window
    state: WindowState
    #: why there is no data; empty when complete
    reason: str
    sensed_at: datetime
    #: 0 at first; plus one each time late data changed a reading
    revision: int = 0
