"""Sums over the last windows, where rows may be missing."""

from __future__ import annotations

import numpy as np

from benchmarks.detection.curves import Floats


def rolling_sum(counts: Floats, windows: int) -> Floats:
    """The sum of each tenant's last `windows` windows up to and with each one, [window, tenant]; NaN counts as 0."""
    total = np.cumsum(np.nan_to_num(counts), axis=0)
    result = total.copy()
    result[windows:] -= total[:-windows]
    return np.asarray(result, dtype=np.float64)


def delayed(sums: Floats, windows: int) -> Floats:
    """The same figures `windows` later; 0 before there are any."""
    result = np.zeros_like(sums)
    result[windows:] = sums[:-windows]
    return result


def rate(events: Floats, exposure: Floats) -> Floats:
    """Events per attempt; 0 where nothing was attempted."""
    return np.asarray(np.divide(events, exposure, out=np.zeros_like(events), where=exposure > 0), dtype=np.float64)
