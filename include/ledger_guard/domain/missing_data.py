"""When no rows at all is no data rather than quiet: judged by what the whole fleet usually does."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from statistics import median

from ledger_guard.domain.signals import Reading
from ledger_guard.domain.windows import Window

#: how many complete windows before a window tell what is usual
USUAL_WINDOWS = 12
#: older windows say nothing about now
USUAL_WITHIN = timedelta(days=1)


def exposures(readings: Iterable[Reading]) -> Counter[datetime]:
    """The fleet's exposure by window start."""
    totals: Counter[datetime] = Counter()
    for reading in readings:
        totals[reading.window.start] += reading.exposure
    return totals


class MissingDataWatch:
    """Asks of one window after another, in order of time, whether no row at all is missing data."""

    def __init__(self, missing_data_probability: float) -> None:
        self._chance = missing_data_probability
        #: starts and exposures of the last windows that were not missing
        self._recent: deque[tuple[datetime, float]] = deque(maxlen=USUAL_WINDOWS)

    def saw(self, start: datetime, total: float) -> None:
        """The fleet's exposure of a window that is what it is."""
        self._recent.append((start, total))

    def why_missing(self, start: datetime) -> str | None:
        """Why a window without any row is missing data; None where that is no wonder."""
        while self._recent and self._recent[0][0] < start - USUAL_WITHIN:
            self._recent.popleft()
        if not self._recent:
            return "no request of this kind arrived, and nothing is known about what is usual"
        usual = median(total for _, total in self._recent)
        if math.exp(-usual) < self._chance:
            return f"no request of this kind arrived; usual are {usual:.0f} in a window: the source fell silent"
        self.saw(start, 0)
        return None


def missing_windows(
    windows: Sequence[Window], totals: Counter[datetime], usual: Sequence[int], missing_data_probability: float
) -> dict[datetime, str]:
    """Windows, in order of time, without any row although rows were to be expected: by start, with the reason.

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
