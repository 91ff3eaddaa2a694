"""Policy section: for how long what grows with traffic and tenants is kept, and the least that the guard works with."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import Field

from ledger_guard.domain.partitions import Kept
from ledger_guard.policy.section import Section
from ledger_guard.policy.words import Problem

if TYPE_CHECKING:
    from ledger_guard.policy.schema import Policy

_MOST_DAYS = 3660
_MINUTES_A_DAY = 24 * 60
#: a partition is dropped a day late rather than early
_MARGIN_DAYS = 1


class Retention(Section):
    """Days after which whole partitions are dropped. The audit log, incidents, plans and their verdicts are always kept."""

    #: access events, unreadable and rejected lines
    events_days: int = Field(30, ge=2, le=_MOST_DAYS)
    #: readings by window; their hourly sums stay
    readings_days: int = Field(30, ge=2, le=_MOST_DAYS)
    #: verdicts that are no alarm and belong to no incident; all others stay
    verdicts_days: int = Field(7, ge=2, le=_MOST_DAYS)
    #: hourly sums of readings
    hours_days: int = Field(400, ge=2, le=_MOST_DAYS)

    def keep(self, kept: Kept) -> timedelta:
        """How long this is kept."""
        return timedelta(days=getattr(self, kept.value))


def least_days(policy: Policy) -> dict[Kept, tuple[int, str]]:
    """The least that is kept, with what reads it."""
    history = policy.sensing.history_days, "sensing.history_days"
    forgery = policy.forgery.days_before + math.ceil(policy.forgery.hours_before / 24) + 1, "forgery.days_before and hours_before"
    quiet = 2 * policy.restore.quiet_windows * policy.window_minutes
    restore = math.ceil(max(quiet, policy.restore.watch_minutes, _MINUTES_A_DAY) / _MINUTES_A_DAY), "restore and its watch"
    readings = policy.retention.readings_days - _MARGIN_DAYS, "readings_days: the sums go on where readings end"
    found = {Kept.EVENTS: max(history, forgery), Kept.READINGS: history, Kept.VERDICTS: restore, Kept.HOURS: readings}
    return {kept: (days + _MARGIN_DAYS, why) for kept, (days, why) in found.items()}


def retention_suffices(policy: Policy) -> Iterator[Problem]:
    """One problem for each length that is less than what the guard reads."""
    for kept, (least, why) in least_days(policy).items():
        given = policy.retention.keep(kept).days
        if given < least:
            yield f"retention.{kept.value}", f"{given} is less than what is read ({why}); allowed: {least} or more"
