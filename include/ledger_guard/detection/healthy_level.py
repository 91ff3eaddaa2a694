"""Where each tenant's healthy rate stands now against its baseline: a slow and a fast wobble, tracked by a Kalman filter.

The log of the rate over its baseline is the sum of two Ornstein-Uhlenbeck processes of known variance. Observations are
counts, so the update is linearised around the expected count, and a window may pull no further than three standard deviations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ledger_guard.detection.arrays import Blank, Flags, Floats, TenantMemory
from ledger_guard.detection.spread import FAST_MINUTES, SLOW_HOURS, Spread

_MOST_PULL = 3.0
#: neither wobble is believed further out than this many of its standard deviations
_MOST_STRAY = 3.0
#: chance in a window that a level that had sunk is back at its baseline at once
BACK_AT_ONCE = 0.01


@dataclass(frozen=True)
class Prediction:
    """What health expects of one window."""

    #: events at the baseline, and at the tracked level
    baseline: Floats
    expected: Floats
    #: log of the tracked level over the baseline
    level: Floats
    #: variance of the tracked level's logarithm, and of the level when nothing is tracked
    level_variance: Floats
    free_variance: Floats


_BLANK: Blank = {
    "slow": (0.0, (), np.float64),
    "fast": (0.0, (), np.float64),
    "slow_variance": (0.1, (), np.float64),
    "fast_variance": (0.02, (), np.float64),
    "shared": (0.0, (), np.float64),
}


class HealthyLevel(TenantMemory):
    """State of the filter over tenants. The variances are of the two wobbles' logarithms, `shared` their covariance."""

    slow: Floats
    fast: Floats
    slow_variance: Floats
    fast_variance: Floats
    shared: Floats

    def __init__(self, window_minutes: int) -> None:
        super().__init__(_BLANK)
        self.keep_fast = float(np.exp(-window_minutes / FAST_MINUTES))
        self.keep_slow = float(np.exp(-window_minutes / 60.0 / SLOW_HOURS))

    @property
    def level(self) -> Floats:
        """The log of the tracked level over the baseline."""
        level: Floats = self.slow + self.fast
        return level

    def unsettle(self, hour_variance: Floats, slow_limit: Floats) -> None:
        """A new hour of the day: how far its own rate lies from what was learned is not known."""
        self.slow_variance = np.minimum(self.slow_variance + hour_variance, slow_limit)

    def pass_time(self, windows: int, slow_limit: Floats, spread: Spread) -> None:
        """Drift towards the baseline for `windows`; `slow_limit` is the slow wobble's variance with what is not known."""
        fast, slow = self.keep_fast**windows, self.keep_slow**windows
        self.slow, self.fast = self.slow * slow, self.fast * fast
        self.slow_variance = slow**2 * self.slow_variance + (1.0 - slow**2) * slow_limit
        self.fast_variance = fast**2 * self.fast_variance + (1.0 - fast**2) * spread.fast
        self.shared = slow * fast * self.shared

    def predict(self, baseline: Floats, slow_limit: Floats, spread: Spread) -> Prediction:
        """What this window should show, given `baseline` events at the tenant's plain rate."""
        level = self.level
        variance = self.slow_variance + self.fast_variance + 2.0 * self.shared
        return Prediction(baseline, baseline * np.exp(level), level, variance, slow_limit + spread.fast)

    def update(
        self, seen: Prediction, events: Floats, weight: Floats, returned: Floats, slow_limit: Floats, spread: Spread
    ) -> None:
        """Learn from a window, as far (`weight`, 0 to 1) as the tenant is believed to be healthy.

        `returned` is the probability that a sunken level went back to its baseline at once; where that is the likelier story,
        the filter starts anew there.
        """
        expected = seen.expected
        back = returned > 0.5
        if back.any():
            expected = np.where(back, seen.baseline, expected)
            self._start_anew(back, slow_limit, spread)
        slow_sum, fast_sum = self.slow_variance + self.shared, self.fast_variance + self.shared
        against = np.maximum(expected, 1e-9)
        total = slow_sum + fast_sum + spread.overdispersion / against + spread.white
        reach = _MOST_PULL * np.sqrt(total)
        surprise = _within((events - expected) / against, reach)
        slow_step, fast_step = weight * slow_sum / total, weight * fast_sum / total
        self.slow = _within(self.slow + slow_step * surprise, _MOST_STRAY * np.sqrt(slow_limit))
        self.fast = _within(self.fast + fast_step * surprise, _MOST_STRAY * np.sqrt(spread.fast))
        self.slow_variance = self.slow_variance - slow_step * slow_sum
        self.fast_variance = self.fast_variance - fast_step * fast_sum
        self.shared = self.shared - slow_step * fast_sum

    def _start_anew(self, which: Flags, slow_limit: Floats, spread: Spread) -> None:
        self.slow, self.fast = np.where(which, 0.0, self.slow), np.where(which, 0.0, self.fast)
        self.slow_variance = np.where(which, slow_limit, self.slow_variance)
        self.fast_variance = np.where(which, spread.fast, self.fast_variance)
        self.shared = np.where(which, 0.0, self.shared)


def _within(value: Floats, reach: Floats) -> Floats:
    within: Floats = np.minimum(np.maximum(value, -reach), reach)
    return within
