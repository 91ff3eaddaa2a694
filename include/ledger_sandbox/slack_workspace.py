"""The stand-in's workspace: its channels, what was posted there, and what it refuses on demand."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ledger_sandbox.slack_rules import SlackRefusal, checked_blocks, checked_text

BOT_USER_ID = "U0SANDBOX"


@dataclass
class PostedMessage:
    """One message as the workspace keeps it."""

    channel: str
    ts: str
    text: str
    blocks: list[dict[str, Any]]
    #: the first message of the thread it was posted under; None at the top of the channel
    thread_ts: str | None = None
    username: str | None = None
    is_edited: bool = False
    #: a reply that stands in the channel as well
    is_broadcast: bool = False

    def as_json(self) -> dict[str, Any]:
        """As `GET /messages` gives it; the channel by its id."""
        return vars(self).copy()


@dataclass
class Limits:
    """What is refused on demand, beyond what Slack would refuse by itself."""

    #: this many coming posts are answered with 429
    rate_limited_posts: int = 0
    retry_after_seconds: int = 1
    #: Slack's error word for every post until it is None again
    refuse_with: str | None = None


class RateLimited(Exception):
    """Answer 429 with Retry-After."""

    def __init__(self, retry_after_seconds: int) -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__(f"retry after {retry_after_seconds} s")


@dataclass
class Workspace:
    """Messages of some channels. Safe to read while the server writes."""

    #: names with their `#`
    channel_names: Sequence[str]
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        """Give each channel an id."""
        self.channel_ids = {name: f"C0SANDBOX{number}" for number, name in enumerate(self.channel_names, start=1)}
        self._messages: list[PostedMessage] = []
        self._lock = threading.Lock()

    @property
    def messages(self) -> list[PostedMessage]:
        """What was posted, oldest first."""
        with self._lock:
            return list(self._messages)

    def clear(self) -> None:
        """Forget what was posted."""
        with self._lock:
            self._messages.clear()

    def post(self, fields: Mapping[str, Any]) -> PostedMessage:
        """Take a message; raises SlackRefusal or RateLimited."""
        with self._lock:
            self._refuse_on_demand()
            channel = self._channel(fields)
            blocks = checked_blocks(fields)
            text = checked_text(fields, blocks)
            thread_ts = fields.get("thread_ts") or None
            if thread_ts is not None:
                parent = self._find(channel, thread_ts, "thread_not_found")
                # A reply's own timestamp leads to the thread it stands in.
                thread_ts = parent.thread_ts or parent.ts
            is_broadcast = thread_ts is not None and fields.get("reply_broadcast") is True
            username = fields.get("username")
            message = PostedMessage(channel, self._next_ts(), text, blocks, thread_ts, username, is_broadcast=is_broadcast)
            self._messages.append(message)
            return message

    def update(self, fields: Mapping[str, Any]) -> PostedMessage:
        """Change a posted message; raises SlackRefusal or RateLimited."""
        with self._lock:
            self._refuse_on_demand()
            message = self._find(self._channel(fields), fields.get("ts"), "message_not_found")
            blocks = checked_blocks(fields)
            message.text, message.blocks, message.is_edited = checked_text(fields, blocks), blocks, True
            return message

    def _refuse_on_demand(self) -> None:
        if self.limits.rate_limited_posts > 0:
            self.limits.rate_limited_posts -= 1
            raise RateLimited(self.limits.retry_after_seconds)
        if self.limits.refuse_with is not None:
            raise SlackRefusal(self.limits.refuse_with)

    def _channel(self, fields: Mapping[str, Any]) -> str:
        asked = str(fields.get("channel") or "")
        for name, channel_id in self.channel_ids.items():
            if asked in (channel_id, name, name.lstrip("#")):
                return channel_id
        raise SlackRefusal("channel_not_found")

    def _find(self, channel: str, ts: Any, error: str) -> PostedMessage:
        for message in self._messages:
            if message.channel == channel and message.ts == ts:
                return message
        raise SlackRefusal(error)

    def _next_ts(self) -> str:
        """Seconds and a running number: unique, and in order of posting."""
        newest = float(self._messages[-1].ts) if self._messages else 0.0
        return f"{max(time.time(), newest + 2e-6):.6f}"
