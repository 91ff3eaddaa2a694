"""How alarms begin, grow graver and end, window by window."""

from __future__ import annotations

import numpy as np

from ledger_guard.detection import alarms as alarm
from ledger_guard.detection.alarms import Alarms
from ledger_guard.detection.baseline import Baselines
from ledger_guard.detection.evidence import Evidence, Flags, HorizonTests
from ledger_guard.detection.platform import Movement
from ledger_guard.detection.recent import RecentWindows
from ledger_guard.detection.tails import Floats


class AlarmCourse:
    """Moves the alarms of all tenants through one window; the few in alarm are looked at one by one."""

    def __init__(
        self, tests: HorizonTests, baselines: Baselines, recent: RecentWindows, alarms: Alarms, window_minutes: int
    ) -> None:
        self._tests = tests
        self._detection = tests.detection
        self._baselines = baselines
        self._recent = recent
        self._alarms = alarms
        self._window_minutes = window_minutes

    def end(self, now: int, present: Flags) -> Flags:
        """End the alarms whose tenants show that they are well, and say whose; silence and luck end none."""
        alarms, detection = self._alarms, self._detection
        watched = np.flatnonzero(present & (alarms.is_on | self._in_view(now)))
        events, expected = (
            self._recent.memory["events"][0].astype(np.float64),
            self._recent.memory["adjusted"][0].astype(np.float64),
        )
        alarms.watch(
            watched,
            events[watched],
            expected[watched],
            self._baselines.overdispersion[watched],
            self._baselines.ratio_variance[watched],
        )
        # a window that is no healthy one by itself is where the rise may have ended, not where health began
        alarms.forget_health(np.intersect1d(watched, np.flatnonzero(~self._is_low(events, expected))))
        over = alarms.is_on & present & (alarms.health >= alarm.EVIDENCE_OF_HEALTH)
        over &= self._is_low(alarms.health_events, alarms.health_expected)
        follows = np.flatnonzero(alarms.is_on & ~alarms.is_own & present)
        # what began with the platform ends with it: the evidence of all who only followed is pooled
        low = alarms.health_events[follows].sum() < detection.mild_ratio * alarms.health_expected[follows].sum()
        if low and alarms.health[follows].sum() >= 2.0 * alarm.EVIDENCE_OF_HEALTH:
            over[follows] = True
            alarms.health[follows] = np.maximum(alarms.health[follows], alarm.EVIDENCE_OF_HEALTH)
        ended = np.flatnonzero(over)
        alarms.end(ended, now)
        for tenant in ended:
            self._recent.forget_before(int(tenant), max(int(alarms.health_windows[tenant]), 1))
        return over

    def is_recovering(self, now: int) -> Flags:
        """Tenants, perhaps too small to be judged by themselves, whose last alarm is still seen to be over."""
        recovering = self._in_view(now) & ~self._alarms.is_on & (self._alarms.health >= alarm.EVIDENCE_OF_HEALTH)
        return np.asarray(recovering)

    def advance(self, now: int, evidence: Evidence, moved: Movement, may: Flags) -> None:
        """Open alarms and make them graver, among the tenants that `may` be in alarm."""
        elevated = may & evidence.passed.any(axis=0)
        joined = np.zeros_like(elevated)
        if moved.is_widespread:
            enough = self._recent.total("events", self._tests.longest) >= self._detection.minimum_events
            joined = may & moved.moved & enough & (self._odds_of_joining(moved) >= alarm.EVIDENCE_OF_JOINING)
        for tenant in np.flatnonzero(elevated | joined).tolist():
            self._rise(tenant, now, evidence, moved, is_own=bool(elevated[tenant]))
        for tenant in np.flatnonzero(self._alarms.is_on & may).tolist():
            self._grow_old(tenant, now)

    def _rise(self, tenant: int, now: int, evidence: Evidence, moved: Movement, *, is_own: bool) -> None:
        alarms, longest = self._alarms, self._tests.longest
        events = self._recent.memory["events"][:longest, tenant].astype(np.float64)
        expected = self._recent.memory["adjusted"][:longest, tenant].astype(np.float64)
        windows = alarm.onset(events, expected)
        if not alarms.is_on[tenant]:
            self._recent.taint(tenant)
        level, rule = alarm.MILD, (alarm.SLIGHT if is_own else alarm.PLATFORM)
        if self._is_high(tenant, evidence, moved, is_own=is_own) and not self._tests.is_one_subject(tenant):
            level, rule = alarm.SEVERE, (alarm.HIGH if is_own else alarm.PLATFORM)
        alarms.raise_to(tenant, level, rule, now - windows + 1)
        alarms.rise[tenant] = events[:windows].sum() / max(expected[:windows].sum(), 1e-9)
        alarms.is_own[tenant] |= is_own

    def _is_high(self, tenant: int, evidence: Evidence, moved: Movement, *, is_own: bool) -> bool:
        if not is_own:
            return moved.ratio >= self._detection.severe_ratio
        is_high = evidence.events[:, tenant] >= self._detection.severe_ratio * evidence.expected[:, tenant]
        return bool((is_high & evidence.passed[:, tenant]).any())

    def _grow_old(self, tenant: int, now: int) -> None:
        """Make an alarm severe that has lasted long and is seen to last."""
        lasted = (now - int(self._alarms.since[tenant]) + 1) * self._window_minutes
        if self._alarms.level[tenant] == alarm.SEVERE or lasted < self._detection.sustained_minutes:
            return
        if self._tests.still_stands(tenant) and not self._tests.is_one_subject(tenant):
            self._alarms.raise_to(tenant, alarm.SEVERE, alarm.SUSTAINED, now)

    def _in_view(self, now: int) -> Flags:
        return np.asarray((self._alarms.over >= 0) & (now - self._alarms.over < self._recent.depth))

    def _is_low(self, events: Floats, expected: Floats) -> Flags:
        """Whether counts are below a rise, or, where few are expected, as near to the expectation as chance brings them."""
        near = expected + 2.0 * np.sqrt(self._baselines.overdispersion * expected)
        return np.asarray(events < np.maximum(self._detection.mild_ratio * expected, near))

    def _odds_of_joining(self, moved: Movement) -> Floats:
        """Log odds, for each tenant, of having moved with the platform against having stayed.

        Before its own counts speak, a tenant joined as likely as the others did; then the horizon that speaks most counts.
        """
        rise = max(moved.ratio, self._detection.mild_ratio)
        share = min(max(moved.share, 0.01), 0.99)
        best = np.full(len(moved.moved), -np.inf)
        for windows in self._tests.horizons:
            events, expected = self._recent.total("events", windows), self._recent.total("expected", windows)
            thinned = self._baselines.overdispersion + self._baselines.ratio_variance * expected
            best = np.maximum(best, (events * np.log(rise) - expected * (rise - 1.0)) / thinned)
        odds: Floats = best + np.log(share / (1.0 - share))
        return odds
