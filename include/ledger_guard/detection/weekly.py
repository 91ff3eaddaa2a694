"""Which hours of the week were high recently: a rise that repeats at the same hour of the week is no alarm."""

from __future__ import annotations

import numpy as np

from ledger_guard.detection.arrays import Blank, Flags, Floats, TenantMemory

HOURS_OF_WEEK = 168
#: the hour ran high when it did by this many standard deviations and by this ratio
_CLEARLY, _HIGH = 2.5, 1.3
#: this much higher is not a weekly habit but a rise
_NO_HABIT = 4.0
#: now it may be this much higher than then
_ALLOWED = 1.5
#: of a habit that was not seen this week, this much is kept for the next
_KEEP = 0.5
#: events added to both sides of a ratio
_SHRINK = 1.0


_BLANK: Blank = {"ratio": (1.0, (HOURS_OF_WEEK,), np.float32)}


class WeekBefore(TenantMemory):
    """Ratio to the expected of every hour of the week as it last ran, 1 where it did not run high."""

    ratio: np.ndarray[tuple[int, ...], np.dtype[np.float32]]

    def __init__(self) -> None:
        super().__init__(_BLANK)

    def learn(self, which: Flags, hour: int, events: Floats, expected: Floats, variance: Floats) -> None:
        """Take an hour of the tenants in `which`, with an alarm or without; others keep what they had."""
        ratio, before = (events + _SHRINK) / (expected + _SHRINK), self.ratio[hour]
        is_high = (ratio > _HIGH) & (events - expected > _CLEARLY * np.sqrt(variance + 1e-9))
        habit = np.where(is_high, np.maximum(ratio, before), 1.0 + _KEEP * (before - 1.0))
        # an hour this high was a rise: it neither adds to a habit nor removes one
        self.ratio[hour] = np.where(which & ~(is_high & (ratio >= _NO_HABIT)), habit, before)

    def explains(self, hour: int, ratio: Floats) -> Flags:
        """Whether a rise by `ratio` at this hour is what the same hours of the last weeks showed."""
        beside = [(hour - 1) % HOURS_OF_WEEK, hour, (hour + 1) % HOURS_OF_WEEK]
        then = self.ratio[beside].max(axis=0)
        return np.asarray((then > _HIGH) & (ratio < _ALLOWED * then))
