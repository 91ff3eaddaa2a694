"""How fast an engine judges, and how much it remembers."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.labels import START
from benchmarks.detection.settings import WorldSettings
from benchmarks.detection.traffic import sizes
from ledger_guard.detection.engine import SeverityEngine, WindowBatch
from ledger_guard.domain.windows import Window

FAILURE_RATE = 0.01
WINDOW_LENGTH = timedelta(minutes=5)


@dataclass(frozen=True)
class Speed:
    """What was measured with one number of tenants."""

    tenants: int
    #: of the middle one of the windows timed
    milliseconds_a_window: float
    #: windows seen → size of the dumped state
    bytes_a_tenant: dict[int, float]

    @property
    def verdicts_a_second(self) -> float:
        """On one core."""
        return self.tenants / self.milliseconds_a_window * 1000


def tenant_names(tenants: int) -> tuple[str, ...]:
    """Sorted."""
    return tuple(f"tenant-{index:06d}" for index in range(tenants))


def healthy_traffic(tenants: int, windows: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Attempts and failures of every tenant, window by window."""
    rng = np.random.default_rng(tenants)
    mean = sizes(rng, WorldSettings(tenants=tenants))
    for _ in range(windows):
        attempts = rng.poisson(mean)
        yield attempts, rng.binomial(attempts, FAILURE_RATE)


def measured(engine: SeverityEngine, tenants: int, dumps_at: Sequence[int], timed_windows: int) -> Speed:
    """Feed an empty engine healthy traffic until the last of `dumps_at`, in windows, and time the last windows of it.

    Making the traffic is not timed.
    """
    names = tenant_names(tenants)
    took_seconds: list[float] = []
    bytes_a_tenant: dict[int, float] = {}
    for window, (attempts, events) in enumerate(healthy_traffic(tenants, max(dumps_at))):
        batch = WindowBatch(
            window=Window(START + window * WINDOW_LENGTH, WINDOW_LENGTH),
            tenant_ids=names,
            events=events,
            exposure=attempts.astype(np.float64),
            subjects=np.full(tenants, np.nan),
        )
        began = time.perf_counter()
        engine.judge(batch)
        took_seconds.append(time.perf_counter() - began)
        if window + 1 in dumps_at:
            bytes_a_tenant[window + 1] = len(engine.dump()) / tenants
    return Speed(tenants, 1000 * statistics.median(took_seconds[-timed_windows:]), bytes_a_tenant)
