"""How people are reached, as Protocols."""

from __future__ import annotations

from typing import Protocol

from ledger_guard.domain.notices import Notice, ThreadRef


class Notifier(Protocol):
    """Tells people."""

    def post(self, notice: Notice, thread: ThreadRef | None) -> ThreadRef:
        """Post, under `thread` when given. Raises NotificationFailed when the channel failed."""
