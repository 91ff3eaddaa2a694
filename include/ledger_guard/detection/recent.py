"""The last few windows of every tenant: what is tested now, and what waits to be learned.

A window is learned only when it leaves here without having been part of an alarm, so the first windows of a trouble
are not in the baseline by the time it is found.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ledger_guard.detection.tails import Floats

#: events expected in a silence that is too long to be chance (about one in twenty)
_IMPLAUSIBLE_SILENCE = 3.0

#: what is kept of a window: `expected` is plain, `adjusted` follows the platform's common movement
FIELDS = ("events", "exposure", "expected", "adjusted", "subjects", "present", "tainted")


class RecentWindows:
    """A ring of the last `depth` windows over all tenants; index 0 is the newest."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.memory: dict[str, NDArray[np.float32]] = {name: np.zeros((depth, 0), np.float32) for name in FIELDS}

    def grow(self, count: int) -> None:
        """Make room for `count` new tenants that were not there before."""
        for name, known in self.memory.items():
            self.memory[name] = np.concatenate([known, np.zeros((self.depth, count), np.float32)], axis=1)

    def push(self, **newest: Floats) -> None:
        """Slide by one window: the oldest is lost, `newest` becomes index 0."""
        for name, known in self.memory.items():
            known[1:] = known[:-1].copy()
            known[0] = newest[name]

    def oldest(self, name: str) -> Floats:
        """The window that the next push drops."""
        oldest: Floats = self.memory[name][-1].astype(np.float64)
        return oldest

    def total(self, name: str, windows: int) -> Floats:
        """Sum over the newest `windows`."""
        total: Floats = self.memory[name][:windows].sum(axis=0, dtype=np.float64)
        return total

    def largest(self, name: str, windows: int) -> Floats:
        """The largest single window of the newest `windows`."""
        largest: Floats = self.memory[name][:windows].max(axis=0).astype(np.float64)
        return largest

    def least_known_subjects(self, windows: int) -> Floats:
        """Distinct subjects that the newest `windows` prove at least; NaN where a window with events does not tell."""
        subjects, events = self.memory["subjects"][:windows], self.memory["events"][:windows]
        unknown = ((events > 0) & ~(subjects > 0)).any(axis=0)
        proven: Floats = np.where(unknown, np.nan, np.where(events > 0, subjects, 0.0).max(axis=0))
        return proven

    def taint(self, tenant: int) -> None:
        """Keep all that is here out of a tenant's baseline."""
        self.memory["tainted"][:, tenant] = 1.0

    def forget_before(self, tenant: int, windows: int) -> None:
        """Leave only the newest `windows` of a tenant to be tested (its alarm is over)."""
        for name in ("events", "expected", "adjusted", "subjects"):
            self.memory[name][windows:, tenant] = 0.0

    def answer_for_silence(self) -> None:
        """Let a window with events answer for the silent windows just before it.

        Failures that arrive late leave windows without events and pile up in the next: against that one window alone
        they would look like a rise. Silence that is plausible by chance is left where it is.
        """
        events, adjusted = self.memory["events"], self.memory["adjusted"]
        silent = np.logical_and.accumulate(events[1:] == 0, axis=0)
        waiting = np.where(silent, adjusted[1:], 0.0).sum(axis=0)
        late = silent & (events[0] > 0) & (waiting >= _IMPLAUSIBLE_SILENCE)
        for name in ("expected", "adjusted"):
            moved = np.where(late, self.memory[name][1:], np.float32(0.0))
            self.memory[name][0] += moved.sum(axis=0)
            self.memory[name][1:] -= moved
