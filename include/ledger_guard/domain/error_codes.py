"""Whether failures of a kind can be told apart at all: an ingress that logs no codes makes all of them look like none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

#: how long ago a code may have been seen
CODES_SEEN_WITHIN = timedelta(days=7)
#: and where so many failures or more have none, as when a deploy loses the header
_SEVERAL, _OF_SEVERAL_WITHIN = 5, timedelta(hours=1)


@dataclass(frozen=True)
class CodesOfWindow:
    """The errors of a trigger's requests in one window."""

    start: datetime
    #: answers with the trigger's status whose code is empty
    without_code: int
    #: when the newest error with a code came, whatever its status; None: none
    coded_at: datetime | None


def suspicious_windows(windows: Iterable[CodesOfWindow], length: timedelta) -> list[CodesOfWindow]:
    """Windows with failures of which none says why, and no error with a code before their end that is among these windows."""
    found, newest = [], None
    for window in sorted(windows, key=lambda each: each.start):
        newest = window.coded_at or newest
        if window.without_code and not _is_seen(newest, window, length):
            found.append(window)
    return found


def without_codes(
    windows: Iterable[CodesOfWindow], coded_before: datetime | None, length: timedelta, status: int
) -> dict[datetime, str]:
    """Why such windows have no data, by their start.

    `coded_before` is when the newest error with a code came before all windows that were looked at.
    """
    return {
        window.start: f"{window.without_code} answer(s) {status} without an error code, and no error of such requests had one in "
        f"{'an hour' if window.without_code >= _SEVERAL else '7 days'}: the log may lack it. Refuse one on purpose and look for "
        "its code, or set error_codes_may_be_absent: true"
        for window in windows
        if not _is_seen(coded_before, window, length)
    }


def _is_seen(coded_at: datetime | None, window: CodesOfWindow, length: timedelta) -> bool:
    within = _OF_SEVERAL_WITHIN if window.without_code >= _SEVERAL else CODES_SEEN_WITHIN
    return coded_at is not None and coded_at >= window.start + length - within
