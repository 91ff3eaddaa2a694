"""Stored readings as the windows that a severity engine judges."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import numpy as np

from ledger_guard.detection.engine import WindowBatch
from ledger_guard.domain.signals import Reading, SensedWindow, Trigger, WindowState
from ledger_guard.ports.guard_state import ReadingStore

#: windows whose readings are in memory at once: a history of any length is read in flat memory
_AT_ONCE = 12


def with_readings(
    store: ReadingStore, trigger: Trigger, windows: Sequence[SensedWindow]
) -> Iterator[tuple[SensedWindow, list[Reading]]]:
    """Each of these windows, which are in order of time, with its readings."""
    for first in range(0, len(windows), _AT_ONCE):
        some = windows[first : first + _AT_ONCE]
        by_window: dict[datetime, list[Reading]] = defaultdict(list)
        for reading in store.readings(trigger, some[0].window.start, some[-1].window.end):
            by_window[reading.window.start].append(reading)
        for sensed in some:
            yield sensed, by_window.get(sensed.window.start, [])


def batch(sensed: SensedWindow, readings: Iterable[Reading], quarantined: frozenset[str]) -> WindowBatch:
    """One window, with tenants in the engine's order."""
    ordered = sorted(readings, key=lambda reading: reading.tenant_id)
    return WindowBatch(
        window=sensed.window,
        tenant_ids=tuple(reading.tenant_id for reading in ordered),
        events=np.array([reading.events for reading in ordered], dtype=np.int64),
        exposure=np.array([reading.exposure for reading in ordered], dtype=np.float64),
        subjects=np.array([reading.subjects for reading in ordered], dtype=np.float64),
        is_complete=sensed.state is WindowState.COMPLETE,
        incomplete_reason=sensed.reason,
        quarantined=quarantined,
    )
