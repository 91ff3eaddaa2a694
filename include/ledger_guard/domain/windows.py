"""Windows: half-open slices of event time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

UTC = timezone.utc
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def require_aware(moment: datetime, what: str) -> datetime:
    """Return `moment` in UTC; a moment without a zone is a programming error, never guessed at."""
    if moment.tzinfo is None:
        raise ValueError(f"{what} has no time zone: {moment.isoformat()}")
    return moment.astimezone(UTC)


def iso(moment: datetime) -> str:
    """UTC text with a `Z`, to the second (`2026-03-01T00:05:00Z`)."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, order=True)
class Window:
    """`[start, start + length)` in event time, on the grid that counts from the Unix epoch."""

    start: datetime
    length: timedelta

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", require_aware(self.start, "window start"))

    @property
    def end(self) -> datetime:
        """First moment after the window."""
        return self.start + self.length

    @property
    def next(self) -> Window:
        """The window that begins where this one ends."""
        return Window(self.end, self.length)

    @classmethod
    def containing(cls, moment: datetime, length: timedelta) -> Window:
        """The grid window that holds `moment`."""
        elapsed = require_aware(moment, "moment") - _EPOCH
        return cls(_EPOCH + (elapsed // length) * length, length)


def closed_windows(since: datetime, now: datetime, length: timedelta) -> Iterator[Window]:
    """Grid windows that begin at or after `since` and have ended at `now`, oldest first."""
    window = Window.containing(since, length)
    if window.start < require_aware(since, "since"):
        window = window.next
    while window.end <= now:
        yield window
        window = window.next
