"""When a window without rows is missing data, not quiet: judged by the usual traffic of all tenants."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from statistics import median

from ledger_guard.domain.signals import Reading
from ledger_guard.domain.windows import Window

#: number of complete windows before a window that define the usual number
USUAL_WINDOWS = 12
#: older windows are not used
USUAL_WITHIN = timedelta(days=1)


def exposures(readings: Iterable[Reading]) -> Counter[datetime]:
    """The fleet's attempts by window start."""
    totals: Counter[datetime] = Counter()
    for reading in readings:
        totals[reading.window.start] += reading.attempts
    return totals


class MissingDataWatch:
    """Judges one window after another, in order of time: is an empty window missing data?"""

    def __init__(self, missing_data_probability: float) -> None:
        self._chance = missing_data_probability
        #: starts and exposures of the last windows that were not missing
        self._recent: deque[tuple[datetime, float]] = deque(maxlen=USUAL_WINDOWS)

    def saw(self, start: datetime, total: float) -> None:
        """Add the exposure of a valid window."""
        self._recent.append((start, total))

    def why_missing(self, start: datetime) -> str | None:
        """Why a window without any row is missing data; None where it is plausible."""
        while self._recent and self._recent[0][0] < start - USUAL_WITHIN:
            self._recent.popleft()
        if not self._recent:
            return "no request of this kind arrived, and the usual number is not known"
        usual = median(total for _, total in self._recent)
        if math.exp(-usual) < self._chance:
            return f"no request of this kind arrived, usually {usual:.0f} per window: data are missing"
        self.saw(start, 0)
        return None


def missing_windows(
    windows: Sequence[Window], totals: Counter[datetime], usual: Sequence[int], missing_data_probability: float
) -> dict[datetime, str]:
    """Windows, in order of time, without any row although rows were expected: by start, with the reason.

    `usual` are the exposures of complete windows before the first. Nothing is implausible when traffic had died down
    already: at the median of the last twelve windows an empty one must be less likely than `missing_data_probability`.
    Where nothing is known about the day before, an empty window is missing data too: that nothing came is no evidence of health.
    """
    watch = MissingDataWatch(missing_data_probability)
    found: dict[datetime, str] = {}
    for window in windows[:1]:
        for total in usual:
            watch.saw(window.start, total)
    for window in windows:
        if totals[window.start]:
            watch.saw(window.start, totals[window.start])
        elif reason := watch.why_missing(window.start):
            found[window.start] = reason
    return found
