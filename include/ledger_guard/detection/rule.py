"""The severity rule `tenant_baseline` (docs/severity.md): every tenant against its own recent past, all of them at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ledger_guard.detection.alarms import Alarms
from ledger_guard.detection.baseline import HOURS, Baselines, Normal
from ledger_guard.detection.course import AlarmCourse
from ledger_guard.detection.engine import WindowBatch
from ledger_guard.detection.evidence import Evidence, Flags, HorizonTests
from ledger_guard.detection.platform import Movement, collapse, common_factor, movement
from ledger_guard.detection.recent import RecentWindows
from ledger_guard.detection.tails import Floats, log_upper_tail
from ledger_guard.policy.schema import Detection

#: windows summed up for one test, where windows bring fresh evidence
ACCUMULATING_HORIZONS = (1, 3, 6, 12)
#: and where a count merely stands: one look at its level
STANDING_HORIZONS = (1,)
#: windows that wait before they are learned
DEPTH = max(ACCUMULATING_HORIZONS)
#: windows that the platform's common movement is taken from
_COMMON_WINDOWS = 3


@dataclass(frozen=True)
class Judged:
    """What one window came to, as arrays over tenants by index."""

    now: int
    hour: int
    present: Flags
    events: Floats
    exposure: Floats
    normal: Normal
    evidence: Evidence
    movement: Movement
    #: how far all rose together without trouble, between 1 and the mild ratio
    common_factor: float
    #: traffic that would show a severe rise within the longest horizon
    is_sufficient: Flags
    #: learned from for long enough
    is_known: Flags
    is_recovering: Flags


class TenantBaselineRule:
    """Memory and judgement of one trigger; tenants are told by index, windows by number since the Unix epoch."""

    def __init__(self, detection: Detection, window_minutes: int, *, events_accumulate: bool) -> None:
        self.detection = detection
        self.window_minutes = window_minutes
        self.events_accumulate = events_accumulate
        self.baselines = Baselines(detection.baseline_half_life_hours, 60.0 / window_minutes)
        self.recent = RecentWindows(DEPTH)
        self.alarms = Alarms()
        horizons = ACCUMULATING_HORIZONS if events_accumulate else STANDING_HORIZONS
        self.tests = HorizonTests(detection, horizons, self.baselines, self.recent)
        self.course = AlarmCourse(self.tests, self.baselines, self.recent, self.alarms, window_minutes)
        self.is_widespread = False
        #: complete windows so far: a fleet without a past judges nobody
        self.windows_seen = 0

    def grow(self, count: int) -> None:
        """Make room for new tenants."""
        self.baselines.grow(count)
        self.recent.grow(count)
        self.alarms.grow(count)

    def step(self, now: int, batch: WindowBatch, rows: NDArray[np.intp], quarantined: NDArray[np.intp]) -> Judged:
        """Take in window number `now`; `rows` are the indices of the batch's tenants."""
        self._learn_oldest(now)
        self.baselines.refresh()
        hour = self._hour(now)
        present = np.zeros(len(self.alarms.level), bool)
        events, exposure, subjects = np.zeros(len(present)), np.zeros(len(present)), np.zeros(len(present))
        if batch.is_complete:
            present[rows] = True
            events[rows], exposure[rows], subjects[rows] = batch.events, batch.exposure, batch.subjects
            self.windows_seen += 1
        normal = self.baselines.normal(exposure, hour)
        self._push(present, events, exposure, subjects, normal)
        self.recent.memory["tainted"][0, quarantined] = 1.0
        is_known = self.baselines.memory["learned"] >= self.detection.baseline_minimum_windows
        moved = self._movement(present & is_known)
        factor = 1.0 if moved.is_widespread else self._common_factor(present & is_known & ~self.alarms.is_on)
        self.recent.memory["adjusted"][0] *= np.float32(factor)
        ended = self.course.end(now, present)
        evidence = self.tests.run(present)
        is_fleet_known = bool(is_known.any()) and self.windows_seen > self.detection.baseline_minimum_windows
        self.course.advance(now, evidence, moved, present & ~ended & is_fleet_known)
        self.recent.memory["tainted"][0, self.alarms.is_on] = 1.0
        return Judged(
            now=now,
            hour=hour,
            present=present,
            events=events,
            exposure=exposure,
            normal=normal,
            evidence=evidence,
            movement=moved,
            common_factor=factor,
            is_sufficient=self._is_sufficient(exposure),
            is_known=is_known,
            is_recovering=self.course.is_recovering(now),
        )

    def skip(self, first: int, windows: int) -> None:
        """Let windows pass that nobody brought, from number `first` on."""
        nothing = np.zeros(len(self.alarms.level))
        for now in range(first, first + min(windows, DEPTH)):
            self._learn_oldest(now)
            self._push(nothing > 0, nothing, nothing, nothing, Normal(nothing, nothing))

    def _hour(self, window: int) -> int:
        return window * self.window_minutes // 60 % HOURS

    def _push(self, present: Flags, events: Floats, exposure: Floats, subjects: Floats, normal: Normal) -> None:
        expected = np.where(present, normal.expected, 0.0)
        if not self.events_accumulate:
            # what is compared are players: each event is one of them
            subjects = np.where(np.isnan(subjects), events, subjects)
        self.recent.push(
            present=present.astype(np.float64),
            events=events,
            exposure=exposure,
            subjects=np.nan_to_num(subjects, nan=-1.0),
            expected=expected,
            adjusted=expected,
            tainted=np.zeros(len(events)),
        )
        self.recent.answer_for_silence()

    def _learn_oldest(self, now: int) -> None:
        recent = self.recent
        clean = np.flatnonzero((recent.oldest("present") > 0) & (recent.oldest("tainted") == 0))
        events, expected = recent.oldest("events")[clean], recent.oldest("adjusted")[clean]
        is_known = self.baselines.memory["learned"][clean] >= self.detection.baseline_minimum_windows
        self.baselines.learn(clean, events, recent.oldest("exposure")[clean], self._hour(now - DEPTH), is_known)
        is_whole = (recent.memory["tainted"].max(axis=0) == 0) & (recent.memory["present"].sum(axis=0) > DEPTH / 2)
        steady = is_whole[clean] & is_known
        clean, events, expected = clean[steady], events[steady], expected[steady]
        long_events, long_expected = recent.total("events", DEPTH)[clean], recent.total("adjusted", DEPTH)[clean]
        level = (long_events - events + 2.0) / (np.maximum(long_expected - expected, 0.0) + 2.0)
        self.baselines.learn_spread(clean, events, expected * level, long_events, long_expected)

    def _movement(self, is_known: Flags) -> Movement:
        """The platform against its tenants' plain baselines, each on the shortest horizon that can speak for it."""
        events = self.recent.total("events", self.tests.longest)
        expected = self.recent.total("expected", self.tests.longest)
        for windows in sorted(self.tests.horizons, reverse=True):
            k, mean = self.recent.total("events", windows), self.recent.total("expected", windows)
            speaks = self.tests.speaks(mean)
            events, expected = np.where(speaks, k, events), np.where(speaks, mean, expected)
        judged = is_known & self.tests.speaks(expected)
        variance = self.baselines.variance(expected)
        moved = movement(events, expected, variance, judged, self.detection, was_widespread=self.is_widespread)
        if not moved.is_widespread and self.events_accumulate:
            fallen = self._collapse(is_known)
            moved = fallen if fallen.is_widespread else moved
        self.is_widespread = moved.is_widespread
        return moved

    def _collapse(self, is_known: Flags) -> Movement:
        """The platform once more, over all tenants whose near-total failure would show, on each one's worst horizon."""
        least = np.zeros(len(is_known))
        events, expected = least.copy(), least.copy()
        for windows in self.tests.horizons:
            k, mean = self.recent.total("events", windows), self.recent.total("expected", windows)
            some = np.flatnonzero(is_known & (k >= 2))
            log_p = np.zeros(len(is_known))
            log_p[some] = log_upper_tail(k[some], mean[some], self.baselines.variance(mean[some], some))
            worse = log_p < least
            least[worse], events[worse], expected[worse] = log_p[worse], k[worse], mean[worse]
        heard = is_known & (self.recent.total("exposure", self.tests.longest) >= self.detection.minimum_events)
        return collapse(least, events, expected, heard, self.detection, was_widespread=self.is_widespread)

    def _common_factor(self, heard: Flags) -> float:
        """How much more to expect of everybody because the quiet tenants rose together."""
        windows = _COMMON_WINDOWS if self.events_accumulate else 1
        events, expected = self.recent.total("events", windows), self.recent.total("expected", windows)
        return common_factor(events, expected, self.baselines.variance(expected), heard, self.detection.mild_ratio)

    def _is_sufficient(self, exposure: Floats) -> Flags:
        if self.events_accumulate:
            return self.tests.speaks(self.recent.total("expected", self.tests.longest))
        # a comparison sees every player: it is a count, not a sample
        return np.asarray(np.isnan(exposure) | (exposure >= self.detection.minimum_events))
