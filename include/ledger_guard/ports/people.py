"""Notifications to people, as Protocols."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from ledger_guard.domain.notices import Notice, ThreadRef


class Notifier(Protocol):
    """Tells people."""

    def post(self, notice: Notice, thread: ThreadRef | None) -> ThreadRef:
        """Post, under `thread` when given. Raises NotificationFailed when the channel failed."""


class LocalMarker(Protocol):
    """Remembers on this machine what was told, for when guard state can't."""

    def begin(self, about: str, at: datetime, every: timedelta) -> bool:
        """Whether `about` was not told within `every` before `at`; then it counts as told.

        True where nothing can be remembered.
        """

    def forget(self, about: str) -> None:
        """It was not told after all."""
