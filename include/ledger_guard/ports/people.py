"""Notifications to people, as Protocols."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from ledger_guard.domain.notices import Notice, ThreadRef
from ledger_guard.domain.wake import Matter


class Notifier(Protocol):
    """Tells people."""

    def post(self, notice: Notice, thread: ThreadRef | None) -> ThreadRef:
        """Post, under `thread` when given. Raises NotificationFailed when the channel failed."""


class Pager(Protocol):
    """Calls people. Each method raises PagingFailed when the service did not take it, in one sentence without any secret."""

    def open(self, matter: Matter, *, again: bool) -> None:
        """Call whoever is on duty there. `again`: it got worse since they were called; call them even if they acknowledged."""

    def acknowledge(self, matter: Matter, by: str) -> None:
        """Say that `by` took it, so that the service calls no one else."""

    def end(self, key: str, title: str, why: str) -> None:
        """Say that it is over."""


class LocalMarker(Protocol):
    """Remembers on this machine what was told, for when guard state can't."""

    def begin(self, about: str, at: datetime, every: timedelta) -> bool:
        """Whether `about` was not told within `every` before `at`; then it counts as told.

        True where nothing can be remembered.
        """

    def forget(self, about: str) -> None:
        """It was not told after all."""
