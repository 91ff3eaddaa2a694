"""A notifier that keeps its notices."""

from __future__ import annotations

from dataclasses import dataclass

from ledger_guard.domain.errors import NotificationFailed
from ledger_guard.domain.notices import Notice, ThreadRef


@dataclass(frozen=True)
class PostedNotice:
    """A notice, its thread, and where it was posted."""

    notice: Notice
    thread: ThreadRef | None
    ref: ThreadRef


class InMemoryNotifier:
    """Keeps notices in order; can be made to refuse them as a channel that is down does."""

    def __init__(self, channel: str = "C0MEMORY") -> None:
        self.posted: list[PostedNotice] = []
        self._channel = channel
        self._fault: str | None = None

    def break_down(self, fault: str) -> None:
        """Refuse everything from now on, for this reason."""
        self._fault = fault

    def recover(self) -> None:
        """Take notices again."""
        self._fault = None

    def post(self, notice: Notice, thread: ThreadRef | None) -> ThreadRef:
        """Keep the notice. Raises NotificationFailed while broken down, or for a thread of another channel."""
        if self._fault is not None:
            raise NotificationFailed(f"the channel {self._channel} refused the notice: {self._fault}")
        if thread is not None and thread.channel != self._channel:
            raise NotificationFailed(f"channel_not_found: {thread.channel} is not known; allowed: {self._channel}")
        ref = ThreadRef(self._channel, f"1700000000.{len(self.posted) + 1:06d}")
        self.posted.append(PostedNotice(notice, thread, ref))
        return ref
