"""backtest: recorded readings as the batches that the health check would have judged."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ledger_guard.detection.engine import WindowBatch
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.missing_data import MissingDataWatch
from ledger_guard.domain.windows import Window, iso

#: a file's own window length is used when at least so many windows show it
WINDOWS_TO_SEE_SPACING = 12
#: and all but this share of the distances agree
_ODD_DISTANCES = 0.1
#: a gap longer than this: probably two files
LONGEST_GAP = timedelta(days=31)


class RecordedWindow(Protocol):
    """The rows of one window, as a file gives them. The arrays are parallel to `tenant_ids`."""

    @property
    def start(self) -> datetime:
        """When the window begins."""

    @property
    def line(self) -> int:
        """Line of its first row in the file."""

    @property
    def tenant_ids(self) -> tuple[str, ...]:
        """Sorted, without repeats."""

    @property
    def events(self) -> NDArray[np.int64]:
        """Failures."""

    @property
    def exposure(self) -> NDArray[np.float64]:
        """Attempts; NaN where not known."""

    @property
    def subjects(self) -> NDArray[np.float64]:
        """Players or webhooks behind the failures; NaN where not known."""

    @property
    def cents(self) -> NDArray[np.float64] | None:
        """Money at risk; NaN where not known, None where the file tells of none."""


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


def batches(
    windows: Iterable[RecordedWindow], window_minutes: int, source: str, missing_data_probability: float
) -> Iterator[WindowBatch]:
    """Every window from first to last. `source` names the file in errors.

    A window without any row counts as unread, as in the health check: where an empty window is less likely than
    `missing_data_probability`.

    Raises:
        BadInputError: a window is off the grid of `window_minutes`, or too long after the one before. Correct the file or
        give the window length.
    """
    length = timedelta(minutes=window_minutes)
    watch = MissingDataWatch(missing_data_probability)
    last: Window | None = None
    for recorded in windows:
        window = Window.containing(recorded.start, length)
        if window.start != recorded.start:
            raise BadInputError(
                f"{source}: line {recorded.line}: window_start {recorded.start.isoformat()} is off the grid; "
                f"allowed: whole multiples of {window_minutes} minutes"
            )
        if last is not None and window.start - last.end > LONGEST_GAP:
            raise BadInputError(
                f"{source}: line {recorded.line}: nothing between {iso(last.end)} and {iso(window.start)}; "
                f"allowed: gaps of {LONGEST_GAP.days} days at most"
            )
        while last is not None and last.end < window.start:
            last = last.next
            yield _nothing(last, watch.why_missing(last.start))
        # counts alone have no attempts
        if not np.isnan(recorded.exposure).all():
            watch.saw(window.start, float(np.nansum(recorded.exposure)))
        yield WindowBatch(
            window=window,
            tenant_ids=recorded.tenant_ids,
            events=recorded.events,
            exposure=recorded.exposure,
            subjects=recorded.subjects,
            cents=recorded.cents,
        )
        last = window


def _nothing(window: Window, reason: str | None) -> WindowBatch:
    return WindowBatch(
        window=window,
        tenant_ids=(),
        events=np.zeros(0, np.int64),
        exposure=np.zeros(0),
        subjects=np.zeros(0),
        is_complete=reason is None,
        incomplete_reason=reason or "",
    )
