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
    """Asks of one window after another, in order of time, whether nothing at all is silence."""

    def __init__(self, silence_probability: float) -> None:
        self._chance = silence_probability
        #: starts and exposures of the last windows that were not silent
        self._recent: deque[tuple[datetime, float]] = deque(maxlen=USUAL_WINDOWS)

    def saw(self, start: datetime, total: float) -> None:
        """The fleet's exposure of a window that is what it is."""
        self._recent.append((start, total))

    def why_missing(self, start: datetime) -> str | None:
        """Why a window without any row is silent; None where that is no wonder."""
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
    windows: Sequence[Window], totals: Counter[datetime], usual: Sequence[int], silence_probability: float
) -> dict[datetime, str]:
    """Windows, in order of time, without any row although rows were to be expected: by start, with the reason.

    `usual` are the exposures of complete windows before the first. Nothing is implausible when traffic had died down
    already: at the median of the last twelve windows an empty one must be less likely than `silence_probability`.
    Where nothing is known about the day before, an empty window is silent too: that nothing came is no evidence of health.
    """
    watch = MissingDataWatch(silence_probability)
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
