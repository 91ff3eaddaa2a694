"""The tests of one window: is what each tenant showed lately more than its own normal, and more than one bad moment?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ledger_guard.detection.baseline import Baselines
from ledger_guard.detection.recent import RecentWindows
from ledger_guard.detection.tails import Floats, log_upper_tail, normal_score
from ledger_guard.policy.schema import Detection

Flags = NDArray[np.bool_]

#: what a rise must still show by itself for its age to count
_STILL_STANDS = float(np.log(0.01))
#: what a burst must leave without its largest window
_SEEN_APART = float(np.log(0.001))


@dataclass(frozen=True)
class Evidence:
    """One row a horizon, one column a tenant."""

    events: Floats
    expected: Floats
    #: log probability by chance; 0 where nothing had to be tested
    log_p: Floats
    #: enough events, high enough, too improbable, and no single burst
    passed: Flags


class HorizonTests:
    """Upper tail tests over the newest 1, 3, 6 … windows, sharing the accepted probability of a false alarm."""

    def __init__(self, detection: Detection, horizons: tuple[int, ...], baselines: Baselines, recent: RecentWindows) -> None:
        self.detection = detection
        self.horizons = horizons
        self.longest = max(horizons)
        self._baselines = baselines
        self._recent = recent
        level = detection.false_alarm_probability / len(horizons)
        self._log_level = float(np.log(level))
        #: counts have a longer upper tail than a normal variable, so what is nearer than this need not be tested
        self._least_score = 0.8 * normal_score(min(level, 0.49))

    def speaks(self, expected: Floats) -> Flags:
        """Whether so many expected events would show a severe rise by enough events."""
        return np.asarray(expected * self.detection.severe_ratio >= self.detection.minimum_expected_events)

    def run(self, present: Flags) -> Evidence:
        """Test every tenant on every horizon; only what is high enough to be an alarm costs anything."""
        shape = (len(self.horizons), len(present))
        events, expected, log_p = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        passed = np.zeros(shape, bool)
        for i, windows in enumerate(self.horizons):
            k, mean = self._recent.total("events", windows), self._recent.total("adjusted", windows)
            spread = self._baselines.variance(mean)
            is_high = present & (k >= self.detection.minimum_events) & (k >= self.detection.mild_ratio * mean) & (mean > 0)
            high = np.flatnonzero(is_high & (k - mean >= self._least_score * np.sqrt(spread)))
            events[i], expected[i] = k, mean
            log_p[i, high] = log_upper_tail(k[high], mean[high], spread[high])
            found = high[log_p[i, high] <= self._log_level]
            passed[i, found] = self._is_no_single_burst(found, windows, k[found], mean[found])
        return Evidence(events, expected, log_p, passed)

    def still_stands(self, tenant: int) -> bool:
        """Whether the newest half of the longest horizon shows the rise by itself: age alone makes nothing severe."""
        windows, one = max(self.longest // 2, 1), np.array([tenant])
        events = self._recent.total("events", windows)[one]
        expected = self._recent.total("adjusted", windows)[one]
        if expected[0] <= 0 or events[0] < self.detection.mild_ratio * expected[0]:
            return False
        return bool(log_upper_tail(events, expected, self._baselines.variance(expected, one))[0] <= _STILL_STANDS)

    def is_one_subject(self, tenant: int) -> bool:
        """Whether all events are known to come from one player or webhook that tries again and again."""
        subjects = self._recent.memory["subjects"][: self.longest, tenant]
        events = self._recent.memory["events"][: self.longest, tenant]
        return bool(events.sum() > 1 and ((subjects == 1) | (events == 0)).all())

    def _is_no_single_burst(self, tenants: NDArray[np.intp], windows: int, events: Floats, expected: Floats) -> Flags:
        """Whether a rise is more than one unlucky window or one insistent player of a tenant too small to tell.

        A horizon that expects enough events speaks for itself. Below that, several distinct subjects must be behind the
        events, or what is left without the largest window must be improbable by itself.
        """
        subjects = self._recent.least_known_subjects(windows)[tenants]
        rest = events - self._recent.largest("events", windows)[tenants]
        log_p = log_upper_tail(rest, expected, self._baselines.variance(expected, tenants))
        is_seen_apart = (rest >= 2) & (log_p <= _SEEN_APART)
        return self.speaks(expected) | (subjects >= self.detection.minimum_events) | is_seen_apart
