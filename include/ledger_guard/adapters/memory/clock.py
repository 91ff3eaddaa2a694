"""A clock that moves only when set."""

from __future__ import annotations

from datetime import datetime, timedelta

from ledger_guard.domain.windows import require_aware


class SettableClock:
    """Clock whose time is set by its owner."""

    def __init__(self, now: datetime) -> None:
        self._now = require_aware(now, "clock")

    def now(self) -> datetime:
        """The time it was set to."""
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move forward."""
        self._now += by
