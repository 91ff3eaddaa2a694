"""The severity rule `tenant_baseline` (docs/severity.md): every tenant against its own recent past.

One window after the other, all tenants at once; the tenants in alarm, always few, one by one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ledger_guard.detection import alarms as alarm
from ledger_guard.detection.alarms import Alarms
from ledger_guard.detection.baseline import Baselines, Normal
from ledger_guard.detection.engine import WindowBatch
from ledger_guard.detection.platform import Movement, common_factor, movement
from ledger_guard.detection.recent import RecentWindows
from ledger_guard.detection.tails import Floats, log_upper_tail
from ledger_guard.policy.schema import Detection

Flags = NDArray[np.bool_]

#: windows summed up for one test, where windows bring fresh evidence
ACCUMULATING_HORIZONS = (1, 3, 6, 12)
#: windows that wait before they are learned
DEPTH = max(ACCUMULATING_HORIZONS)
_COMMON_WINDOWS = 3
#: what a rise must still show by itself for its age to count, and what a burst must leave without its largest window
_LOOSE = float(np.log(0.01))
_SEEN_APART = float(np.log(0.001))


@dataclass(frozen=True)
class Evidence:
    """The tests of one window: one row a horizon, one column a tenant."""

    events: Floats
    expected: Floats
    variance: Floats
    #: log probability by chance; 0 where nothing had to be tested
    log_p: Floats
    #: passed: enough events, high enough, improbable enough
    passed: Flags


@dataclass(frozen=True)
class Judged:
    """All that the verdicts of one window are written from; arrays over tenants by index."""

    now: int
    hour: int
    present: Flags
    events: Floats
    exposure: Floats
    normal: Normal
    evidence: Evidence
    movement: Movement
    #: tenants whose traffic, at the severe ratio, would show enough events within the longest horizon
    is_sufficient: Flags
    #: tenants that were learned from for long enough
    is_known: Flags
    #: tenants whose recovery from an alarm is still in view
    is_recovering: Flags


class TenantBaselineRule:
    """What happens to the memory as windows arrive; the engine around it speaks to the world."""

    def __init__(self, detection: Detection, window_minutes: int, *, events_accumulate: bool) -> None:
        self.detection = detection
        self.window_minutes = window_minutes
        self.events_accumulate = events_accumulate
        self.horizons = ACCUMULATING_HORIZONS if events_accumulate else (1,)
        self.longest = max(self.horizons)
        self.baselines = Baselines(detection.baseline_half_life_hours, 60.0 / window_minutes)
        self.recent = RecentWindows(DEPTH)
        self.alarms = Alarms()
        self.is_widespread = False
        #: windows seen since the beginning, so that a fleet without a past judges nobody
        self.windows_seen = 0
        self._log_level = float(np.log(detection.false_alarm_probability / len(self.horizons)))

    def grow(self, count: int) -> None:
        """Make room for new tenants."""
        self.baselines.grow(count)
        self.recent.grow(count)
        self.alarms.grow(count)

    def step(self, now: int, hour: int, batch: WindowBatch, rows: NDArray[np.intp], quarantined: NDArray[np.intp]) -> Judged:
        """Take in window number `now`; `rows` are the indices of the batch's tenants."""
        self._learn_oldest(now)
        self.baselines.refresh()
        count = len(self.alarms.level)
        present = np.zeros(count, bool)
        events, exposure, subjects = np.zeros(count), np.zeros(count), np.zeros(count)
        if batch.is_complete:
            present[rows] = True
            events[rows], exposure[rows], subjects[rows] = batch.events, batch.exposure, batch.subjects
        normal = self.baselines.normal(exposure, hour)
        expected = np.where(present, normal.expected, 0.0)
        self._push(present, events, exposure, subjects, np.where(present, normal.flat, 0.0), expected)
        self.recent.memory["tainted"][0, quarantined] = 1.0
        is_known = self.baselines.memory["learned"] >= self.detection.baseline_minimum_windows
        moved = self._movement(present & is_known)
        self._adjust(moved, present & is_known)
        self._end_alarms(now, present)
        evidence = self._test(present)
        self._raise_alarms(now, evidence, moved, present & self._fleet_is_known())
        self.recent.memory["tainted"][0, self.alarms.is_on] = 1.0
        self.windows_seen += 1
        return Judged(
            now=now,
            hour=hour,
            present=present,
            events=events,
            exposure=exposure,
            normal=normal,
            evidence=evidence,
            movement=moved,
            is_sufficient=self._is_sufficient(exposure),
            is_known=is_known,
            is_recovering=self._is_recovering(now),
        )

    def skip(self, windows: int, first: int) -> None:
        """Let windows pass that nobody brought."""
        for now in range(first, first + min(windows, DEPTH)):
            self._learn_oldest(now)
            nothing = np.zeros(len(self.alarms.level))
            self._push(nothing > 0, nothing, nothing, nothing, nothing, nothing)

    # --- memory ---------------------------------------------------------------------------------------------------

    def _push(self, present: Flags, events: Floats, exposure: Floats, subjects: Floats, flat: Floats, expected: Floats) -> None:
        if not self.events_accumulate:
            subjects = np.where(np.isnan(subjects), events, subjects)
        self.recent.push(
            present=present,
            events=events,
            exposure=exposure,
            subjects=np.nan_to_num(subjects, nan=-1.0),
            flat=flat,
            expected=expected,
            adjusted=expected,
            tainted=np.zeros(len(events)),
        )
        self.recent.answer_for_silence()

    def _learn_oldest(self, now: int) -> None:
        recent = self.recent
        clean = np.flatnonzero((recent.oldest("present") > 0) & (recent.oldest("tainted") == 0))
        if not len(clean):
            return
        hour = int(((now - DEPTH) * self.window_minutes) // 60 % 24)
        events, expected = recent.oldest("events")[clean], recent.oldest("adjusted")[clean]
        self.baselines.learn(clean, events, recent.oldest("exposure")[clean], recent.oldest("flat")[clean], hour)
        whole = (recent.memory["tainted"].max(axis=0) == 0) & (recent.memory["present"].sum(axis=0) > DEPTH / 2)
        steady = whole[clean]
        clean, events, expected = clean[steady], events[steady], expected[steady]
        long_events, long_expected = recent.total("events", DEPTH)[clean], recent.total("adjusted", DEPTH)[clean]
        level = (long_events - events + 2.0) / (np.maximum(long_expected - expected, 0.0) + 2.0)
        self.baselines.learn_spread(clean, events, expected * level, long_events, long_expected)

    # --- tests ----------------------------------------------------------------------------------------------------

    def _movement(self, judged: Flags) -> Movement:
        """The platform against its tenants' plain baselines, each on the shortest horizon that can speak for it."""
        horizon = np.full(len(judged), self.longest)
        for windows in sorted(self.horizons, reverse=True):
            horizon[self._speaks(self.recent.total("expected", windows))] = windows
        events, expected = np.zeros(len(judged)), np.zeros(len(judged))
        for windows in self.horizons:
            here = horizon == windows
            events[here] = self.recent.total("events", windows)[here]
            expected[here] = self.recent.total("expected", windows)[here]
        judged = judged & self._speaks(expected)
        variance = self.baselines.variance(expected)
        moved = movement(events, expected, variance, judged, self.detection, was_widespread=self.is_widespread)
        self.is_widespread = moved.is_widespread
        return moved

    def _speaks(self, expected: Floats) -> Flags:
        return np.asarray(expected * self.detection.severe_ratio >= self.detection.minimum_expected_events)

    def _adjust(self, moved: Movement, judged: Flags) -> None:
        """Expect a little more of everybody when the quiet tenants rose together, unless that is the trouble itself."""
        if moved.is_widespread:
            return
        windows = _COMMON_WINDOWS if self.events_accumulate else 1
        expected = self.recent.total("expected", windows)
        heard = judged & ~self.alarms.is_on
        factor = common_factor(
            self.recent.total("events", windows), expected, self.baselines.variance(expected), heard, self.detection.mild_ratio
        )
        self.recent.memory["adjusted"][0] *= np.float32(factor)

    def _test(self, present: Flags) -> Evidence:
        """Upper tail tests on every horizon; only what is high enough to be an alarm costs anything."""
        shape = (len(self.horizons), len(present))
        events, expected, variance, log_p = np.zeros(shape), np.zeros(shape), np.zeros(shape), np.zeros(shape)
        passed = np.zeros(shape, bool)
        for i, windows in enumerate(self.horizons):
            k, mean = self.recent.total("events", windows), self.recent.total("adjusted", windows)
            spread = self.baselines.variance(mean)
            high = present & (k >= self.detection.minimum_events) & (k >= self.detection.mild_ratio * mean) & (mean > 0)
            high = np.flatnonzero(high)
            events[i], expected[i], variance[i] = k, mean, spread
            log_p[i, high] = log_upper_tail(k[high], mean[high], spread[high])
            found = high[log_p[i, high] <= self._log_level]
            passed[i, found] = self._is_no_single_burst(found, windows, k[found], mean[found])
        return Evidence(events, expected, variance, log_p, passed)

    def _is_no_single_burst(self, tenants: NDArray[np.intp], windows: int, events: Floats, expected: Floats) -> Flags:
        """Whether a rise is more than one unlucky window or one insistent player of a tenant too small to tell.

        A horizon that expects enough events speaks for itself. Below that, several distinct subjects must be behind the
        events, or what is left without the largest window must be improbable by itself.
        """
        subjects = self.recent.least_known_subjects(windows)[tenants]
        rest = events - self.recent.largest("events", windows)[tenants]
        apart = (rest >= 2) & (log_upper_tail(rest, expected, self.baselines.variance(expected, tenants)) <= _SEEN_APART)
        return self._speaks(expected) | (subjects >= self.detection.minimum_events) | apart

    def _is_sufficient(self, exposure: Floats) -> Flags:
        if self.events_accumulate:
            return self._speaks(self.recent.total("expected", self.longest))
        # a comparison sees every player: it is a count, not a sample
        return np.asarray(np.isnan(exposure) | (exposure >= self.detection.minimum_events))

    def _fleet_is_known(self) -> bool:
        return self.windows_seen >= self.detection.baseline_minimum_windows

    # --- alarms ---------------------------------------------------------------------------------------------------

    def _end_alarms(self, now: int, present: Flags) -> None:
        for tenant in np.flatnonzero(self.alarms.is_on & present):
            windows = self._recovered_within(int(tenant))
            if windows:
                self.alarms.end(int(tenant), now)
                self.recent.forget_before(int(tenant), windows)

    def _recovered_within(self, tenant: int) -> int:
        """How many of the newest windows show that a tenant is well again; 0 when none do."""
        depth = self.longest
        events = np.cumsum(self.recent.memory["events"][:depth, tenant], dtype=np.float64)
        expected = np.cumsum(self.recent.memory["adjusted"][:depth, tenant], dtype=np.float64)
        low = (events < self.detection.mild_ratio * expected) & (self._health(tenant, events, expected) >= alarm.EVIDENCE_OF_HEALTH)
        return int(np.argmax(low)) + 1 if low.any() else 0

    def _health(self, tenant: int, events: Floats, expected: Floats) -> Floats:
        rise = np.clip(self.alarms.rise[tenant], self.detection.mild_ratio, alarm.MOST_RISE)
        overdispersion, variance = self.baselines.overdispersion[tenant], self.baselines.ratio_variance[tenant]
        return alarm.evidence_of_health(events, expected, rise, overdispersion, variance)

    def _is_recovering(self, now: int) -> Flags:
        """Tenants too small for a judgement of their own, whose last alarm is still seen to be over."""
        recovering = np.zeros(len(self.alarms.level), bool)
        fresh = (self.alarms.over >= 0) & (now - self.alarms.over < self.longest) & ~self.alarms.is_on
        for tenant in np.flatnonzero(fresh):
            events, expected = (self.recent.memory[name][: self.longest, tenant].sum() for name in ("events", "adjusted"))
            recovering[tenant] = self._health(int(tenant), np.float64(events), np.float64(expected)) >= alarm.EVIDENCE_OF_HEALTH
        return recovering

    def _raise_alarms(self, now: int, evidence: Evidence, moved: Movement, may: Flags) -> None:
        elevated = may & evidence.passed.any(axis=0)
        with_platform = np.zeros_like(elevated)
        if moved.is_widespread:
            enough = self.recent.total("events", self.longest) >= self.detection.minimum_events
            with_platform = may & moved.moved & enough
        for tenant in np.flatnonzero(elevated | with_platform | (self.alarms.is_on & may)):
            self._raise_alarm(int(tenant), now, evidence, moved, elevated[tenant], with_platform[tenant])

    def _raise_alarm(
        self, tenant: int, now: int, evidence: Evidence, moved: Movement, elevated: np.bool_, with_platform: np.bool_
    ) -> None:
        events = self.recent.memory["events"][: self.longest, tenant].astype(np.float64)
        expected = self.recent.memory["adjusted"][: self.longest, tenant].astype(np.float64)
        windows = alarm.onset(events, expected)
        if elevated or with_platform:
            self.alarms.rise[tenant] = events[:windows].sum() / max(expected[:windows].sum(), 1e-9)
            self.alarms.seen[tenant] = now
            level, rule = alarm.MILD, (alarm.SLIGHT if elevated else alarm.PLATFORM)
            ratios = evidence.events[:, tenant] / np.maximum(evidence.expected[:, tenant], 1e-9)
            is_high = (evidence.passed[:, tenant] & (ratios >= self.detection.severe_ratio)).any()
            is_high |= with_platform and moved.ratio >= self.detection.severe_ratio
            if is_high and not self._is_one_subject(tenant):
                level, rule = alarm.SEVERE, (alarm.HIGH if elevated else alarm.PLATFORM)
            if not self.alarms.is_on[tenant]:
                self.recent.taint(np.array([tenant]))
            self.alarms.raise_to(tenant, level, rule, now - windows + 1)
        lasted = (now - int(self.alarms.since[tenant]) + 1) * self.window_minutes
        if lasted >= self.detection.sustained_minutes and self._still_stands(tenant) and not self._is_one_subject(tenant):
            self.alarms.raise_to(tenant, alarm.SEVERE, alarm.SUSTAINED, now)

    def _is_one_subject(self, tenant: int) -> bool:
        """Whether all events are known to come from one player or webhook that tries again and again."""
        subjects, events = self.recent.memory["subjects"][: self.longest, tenant], self.recent.memory["events"][: self.longest, tenant]
        return bool((events > 0).any() and ((subjects == 1) | (events == 0)).all() and events.sum() > 1)

    def _still_stands(self, tenant: int) -> bool:
        """Whether the newest half of the longest horizon shows the rise by itself: age alone makes nothing severe."""
        windows = max(self.longest // 2, 1)
        events = self.recent.memory["events"][:windows, tenant].sum(dtype=np.float64)
        expected = self.recent.memory["adjusted"][:windows, tenant].sum(dtype=np.float64)
        if expected <= 0 or events < self.detection.mild_ratio * expected:
            return False
        one = np.array([tenant])
        log_p = log_upper_tail(np.array([events]), np.array([expected]), self.baselines.variance(np.array([expected]), one))
        return bool(log_p[0] <= _LOOSE)
