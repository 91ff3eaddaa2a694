"""Which rows exist: tenants that appear late, leave, or flicker."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.settings import WorldSettings


def lifetimes(rng: np.random.Generator, settings: WorldSettings) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First window and window after the last of each tenant."""
    first = np.zeros(settings.tenants, dtype=np.int64)
    last = np.full(settings.tenants, settings.windows, dtype=np.int64)
    lot = rng.uniform(size=settings.tenants)
    is_late = lot < settings.late_share
    is_leaving = lot > 1 - settings.leaving_share
    first[is_late] = rng.integers(1, int(settings.windows * 0.7), int(is_late.sum()))
    last[is_leaving] = rng.integers(int(settings.windows * 0.6), settings.windows, int(is_leaving.sum()))
    return first, last


def missing_rows(rng: np.random.Generator, settings: WorldSettings) -> NDArray[np.bool_]:
    """Rows that are not there, [window, tenant], besides those before and after a tenant's life."""
    is_missing = rng.uniform(size=(settings.windows, settings.tenants)) < settings.missing_share
    for tenant in np.flatnonzero(rng.uniform(size=settings.tenants) < settings.flickering_share):
        share, mean_length = rng.uniform(0.05, 0.4), rng.uniform(1.5, 12)
        lengths = rng.geometric(1 / mean_length, settings.windows)
        pauses = rng.geometric(min(1.0, share / (1 - share) / mean_length), settings.windows)
        ends = np.cumsum(lengths + pauses)
        for end, length in zip(ends[ends < settings.windows], lengths, strict=False):
            is_missing[end - length : end, tenant] = True
    return is_missing
