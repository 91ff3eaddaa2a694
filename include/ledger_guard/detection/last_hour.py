"""The last hour of every tenant, window by window: for empty windows that late counts fill, and for how much there was to see."""

from __future__ import annotations

import numpy as np

from ledger_guard.detection.arrays import Blank, Flags, Floats, TenantMemory

#: events expected in empty windows that are too many to be chance (about one in twenty)
_IMPLAUSIBLY_EMPTY = 3.0
_MINUTES = 60.0


class LastHour(TenantMemory):
    """Rings over the last hour's windows; the row of a window is its number modulo the depth."""

    def __init__(self, window_minutes: int) -> None:
        self.depth = max(2, round(_MINUTES / window_minutes))
        axes = (self.depth,)
        blank: Blank = {
            "events": (0.0, axes, np.float32),
            "expected": (0.0, axes, np.float32),
            #: what an empty window still waits for, and whether a window was seen without any event
            "waiting": (0.0, axes, np.float32),
            "is_empty": (False, axes, np.bool_),
            #: distinct players or webhooks behind the events; NaN where not known
            "subjects": (0.0, axes, np.float32),
        }
        super().__init__(blank)
        self.events: Floats
        self.expected: Floats
        self.waiting: Floats
        self.is_empty: Flags
        self.subjects: Floats

    def awaited(self, now: int, events: Floats) -> Floats:
        """What a window with events answers for beside its own: the expectation of the empty windows just before it.

        Failures that arrive late leave windows without events and pile up in the next one; against that window alone they would
        look like a rise. Empty windows that are plausible by chance are not counted.
        """
        awaited = np.zeros(len(events))
        after_empty = np.flatnonzero((events > 0) & self.is_empty[(now - 1) % self.depth])
        if not len(after_empty):
            return awaited
        before = (now - np.arange(1, self.depth)) % self.depth
        going_on = np.logical_and.accumulate(self.is_empty[before[:, None], after_empty], axis=0)
        waiting = np.where(going_on, self.waiting[before[:, None], after_empty], 0.0).sum(axis=0, dtype=np.float64)
        awaited[after_empty] = np.where(waiting >= _IMPLAUSIBLY_EMPTY, waiting, 0.0)
        return awaited

    def push(self, now: int, events: Floats, expected: Floats, tracked: Floats, subjects: Floats, answered: Flags) -> None:
        """Take window number `now`; events and expectations are 0 without a row. Windows `answered` for wait no longer."""
        row = now % self.depth
        if answered.any():
            self.waiting[:, answered] = 0.0
        self.events[row], self.expected[row], self.waiting[row] = events, expected, tracked
        self.is_empty[row] = events == 0
        self.subjects[row] = np.where(events > 0, subjects, 0.0)

    def total_events(self) -> Floats:
        """Events of the last hour."""
        return np.asarray(self.events.sum(axis=0, dtype=np.float64))

    def total_expected(self) -> Floats:
        """Events that were expected in it."""
        return np.asarray(self.expected.sum(axis=0, dtype=np.float64))

    def is_one_subject(self) -> Flags:
        """Whether all events of the last hour are known to come from one player or webhook that tries again and again."""
        one = ((self.events == 0) | (self.subjects == 1)).all(axis=0)
        return np.asarray(one & (self.total_events() > 1))
