"""backtest: judge recorded readings as the health check would have, window by window."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np

from ledger_guard.detection.engine import JudgedWindow, SeverityEngine, WindowBatch
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.windows import Window, iso

#: a file's own spacing is believed when at least so many windows show it
WINDOWS_TO_SEE_SPACING = 12
#: and all but this share of their distances agree
_ODD_DISTANCES = 0.1
#: without rows for longer than this, a file is more likely two files
LONGEST_GAP = timedelta(days=31)


class RecordedWindow(Protocol):
    """The rows of one window, as a file gives them."""

    @property
    def start(self) -> datetime:
        """When the window begins."""

    @property
    def line(self) -> int:
        """Where in the file its first row stands."""

    @property
    def tenants(self) -> Mapping[str, tuple[int, float]]:
        """Events and exposure (NaN: not known) by tenant."""


def spacing_minutes(windows: Iterable[RecordedWindow], policy_minutes: int) -> int:
    """The distance between windows at a file's beginning; the policy's, where too few windows show another one."""
    starts = [window.start for window in windows]
    distances = Counter(later - earlier for earlier, later in itertools.pairwise(starts))
    if len(starts) < WINDOWS_TO_SEE_SPACING:
        return policy_minutes
    usual, times = distances.most_common(1)[0]
    minutes, beside = divmod(usual, timedelta(minutes=1))
    if beside or not 1 <= minutes <= 60 or times < (1 - _ODD_DISTANCES) * distances.total():
        return policy_minutes
    return int(minutes)


def backtest(engine: SeverityEngine, windows: Iterable[RecordedWindow], window_minutes: int) -> Iterator[JudgedWindow]:
    """Verdicts of every window from the first to the last, those without any row included.

    Raises:
        BadInputError: a window is off the grid of `window_minutes`, or too long after the one before. Mend the file or give
            the window length.
    """
    length = timedelta(minutes=window_minutes)
    last: Window | None = None
    for recorded in windows:
        window = Window.containing(recorded.start, length)
        if window.start != recorded.start:
            raise BadInputError(
                f"line {recorded.line}: window_start {recorded.start.isoformat()} is off the grid; "
                f"allowed: whole multiples of {window_minutes} minutes"
            )
        if last is not None and window.start - last.end > LONGEST_GAP:
            raise BadInputError(
                f"line {recorded.line}: nothing between {iso(last.end)} and {iso(window.start)}; "
                f"allowed: gaps of {LONGEST_GAP.days} days at most"
            )
        while last is not None and last.end < window.start:
            last = last.next
            yield engine.judge(_batch(last, {}, is_complete=False))
        yield engine.judge(_batch(window, recorded.tenants, is_complete=True))
        last = window


def _batch(window: Window, tenants: Mapping[str, tuple[int, float]], *, is_complete: bool) -> WindowBatch:
    tenant_ids = tuple(sorted(tenants))
    rows = [tenants[tenant_id] for tenant_id in tenant_ids]
    return WindowBatch(
        window=window,
        tenant_ids=tenant_ids,
        events=np.array([events for events, _ in rows], dtype=np.int64),
        exposure=np.array([exposure for _, exposure in rows], dtype=np.float64),
        subjects=np.full(len(rows), np.nan),
        is_complete=is_complete,
        incomplete_reason="" if is_complete else "the file has no row of any tenant",
    )
