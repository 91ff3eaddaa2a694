"""Who has what when, so that no two troubles or traps of a tenant touch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.settings import WorldSettings

MARGIN_HOURS = 4
HISTORY_DAYS = 3


class Calendar:
    """Free and taken windows of every tenant."""

    def __init__(self, settings: WorldSettings, first: NDArray[np.int64], last: NDArray[np.int64]) -> None:
        """`first` and `last` (exclusive) are the windows between which each tenant has rows."""
        self._margin = MARGIN_HOURS * settings.per_hour
        self._history = HISTORY_DAYS * 24 * settings.per_hour
        window = np.arange(settings.windows)[:, None]
        self.is_present = (window >= first) & (window < last)
        self._first = first
        self._last = last
        self._free = self.is_present.copy()

    def is_free(self, tenant: int, start: int, end: int) -> bool:
        """Whether [start, end) and the hours around it are free, and the tenant has been there for days."""
        if start < self._first[tenant] + self._history or end + self._margin > self._last[tenant]:
            return False
        return bool(self._free[start - self._margin : end + self._margin, tenant].all())

    def take(self, tenant: int, start: int, end: int) -> None:
        """Book [start, end)."""
        self._free[start:end, tenant] = False
