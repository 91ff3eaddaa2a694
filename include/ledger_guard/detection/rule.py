"""The severity rule `level_filter` (docs/severity.md): one window of all tenants in, alarms out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ledger_guard.detection.alarms import Alarms
from ledger_guard.detection.arrays import Flags, Floats, TenantMemory
from ledger_guard.detection.baseline import HOURS, Baselines
from ledger_guard.detection.engine import WindowBatch
from ledger_guard.detection.healthy_level import HealthyLevel, Prediction
from ledger_guard.detection.hours import HourNow
from ledger_guard.detection.last_hour import LastHour
from ledger_guard.detection.lifecycle import AlarmLifecycle
from ledger_guard.detection.observations import Observations, observe
from ledger_guard.detection.pooled_evidence import JOINS, Movement, PooledEvidence
from ledger_guard.detection.rise_filter import Believed, RiseFilter
from ledger_guard.detection.rule_result import RuleResult
from ledger_guard.detection.spread import Spread
from ledger_guard.detection.weekly import HOURS_OF_WEEK, WeekBefore
from ledger_guard.policy.detection import Detection

#: how sure of a tenant's health its windows must be to teach the spread
_CALM = 0.9
#: the largest probability of a rise in an hour that is still learned
_CLEAN = 0.3
#: days learned before the spread is learned: a day's hours must be known first
_DAYS_BEFORE_SPREAD = 1.0


class LevelFilterRule:
    """Memory and judgement of one trigger; tenants are told by index, windows by number since the Unix epoch."""

    def __init__(self, detection: Detection, window_minutes: int, *, events_accumulate: bool) -> None:
        self.detection, self.window_minutes, self.events_accumulate = detection, window_minutes, events_accumulate
        self.baselines = Baselines()
        self.spread = Spread(window_minutes)
        self.level = HealthyLevel(window_minutes)
        self.rises = RiseFilter(detection, window_minutes)
        self.pooled = PooledEvidence(detection, window_minutes, self.rises.prior)
        self.week = WeekBefore()
        self.last_hour = LastHour(window_minutes)
        self.hour = HourNow()
        self.alarms = Alarms()
        self.lifecycle = AlarmLifecycle(
            detection, window_minutes, self.rises, self.pooled, self.week, self.last_hour, self.alarms
        )
        self._per_hour = 60.0 / window_minutes

    @property
    def parts(self) -> dict[str, TenantMemory]:
        """Everything remembered of tenants, by name."""
        names = ("baselines", "spread", "level", "rises", "pooled", "week", "last_hour", "hour", "alarms")
        return {name: getattr(self, name) for name in names}

    def grow(self, count: int) -> None:
        """Make room for new tenants."""
        for part in self.parts.values():
            part.grow(count)
        self._refresh()

    def skip(self, windows: int) -> None:
        """Skip missing windows."""
        self.level.pass_time(windows, self._slow_limit(self.hour.number % HOURS), self.spread)
        self.rises.grow_old(windows * self.window_minutes)
        self.last_hour.forget()
        self.pooled.forget()
        self.spread.forget_deviations()

    def step(self, now: int, batch: WindowBatch, rows: NDArray[np.intp], quarantined: NDArray[np.intp]) -> RuleResult:
        """Take in window number `now`; `rows` are the indices of the batch's tenants."""
        hour = now * self.window_minutes // 60
        self._turn_hour(hour)
        observed = self._observed(batch, rows)
        events = observed.events
        slow_limit = self._slow_limit(hour % HOURS)
        self.level.pass_time(1, slow_limit, self.spread)
        baseline = self.baselines.expected(observed.attempts, hour % HOURS)
        awaited = self.last_hour.awaited(now, events)
        seen = self.level.predict(baseline + awaited, slow_limit, self.spread)
        tells = (observed.attempts > 0) & ~self._is_standing(now, events)
        begins = JOINS * self.window_minutes / 5.0 if self.pooled.is_widespread else self.rises.begins
        self.rises.pass_time(self.level, tells, begins)
        weighed = self.rises.weigh(events, observed.is_several, seen, self.spread)
        self.rises.update(weighed, tells)
        is_known = self.baselines.learned >= self.detection.baseline_minimum_windows
        usable = tells & is_known
        movement = self.pooled.watch(now, weighed, usable)
        if movement.has_begun:
            self._suppose(movement)
        believed = self.rises.believed()
        self.level.update(seen, events, tells * believed.healthy, tells * weighed.returned, slow_limit, self.spread)
        is_late = awaited > 0
        calm = tells & (believed.healthy > _CALM) & ~is_late
        calm &= self.baselines.learned >= _DAYS_BEFORE_SPREAD * HOURS * self._per_hour
        self.spread.learn(now, calm, events, baseline)
        self.last_hour.push(now, events, baseline, np.where(is_late, 0.0, seen.expected), observed.subjects, is_late)
        hour_events = self.last_hour.total_events()
        is_weekly = self.lifecycle.advance(now, tells, is_known, believed, hour_events)
        doubt = usable * believed.doubt
        doubt[quarantined] = 1.0
        self.hour.take(events, observed.attempts, baseline, doubt)
        return self._result(now, observed, seen, movement, is_known, is_weekly, believed, hour_events)

    def _observed(self, batch: WindowBatch, rows: NDArray[np.intp]) -> Observations:
        several = self.detection.minimum_events
        observed = observe(batch, rows, len(self.alarms.level), several, events_accumulate=self.events_accumulate)
        self.baselines.counts_only = np.where(observed.present, np.isnan(observed.exposure), self.baselines.counts_only)
        return observed

    def _is_standing(self, now: int, events: Floats) -> Flags:
        """Where balances are compared: the same number as a window ago is the same differences, and no fresh evidence."""
        if self.events_accumulate:
            return np.zeros(len(events), bool)
        before = self.last_hour.events[(now - 1) % self.last_hour.depth]
        return np.asarray((events > 0) & (events == before))

    def _slow_limit(self, hour: int) -> Floats:
        limit: Floats = self.spread.slow + self.baselines.rate_variance + self.baselines.hour_variance[hour]
        return limit

    def _turn_hour(self, hour: int) -> None:
        """When an hour is over: learn the one before it, if neither had a rise, and recompute what is usual."""
        if hour == self.hour.number:
            return
        done = self.hour.turn(hour)
        if done is not None:
            clean = (done.windows > 0) & (done.doubt <= _CLEAN)
            self.baselines.learn(clean, done.number % HOURS, done.events, done.exposure, done.windows)
            spread = self.spread
            noise = spread.slow + spread.fast / 2.0 + spread.white / self._per_hour
            variance = spread.overdispersion * done.expected + noise * done.expected**2
            self.week.learn(done.windows > 0, done.number % HOURS_OF_WEEK, done.events, done.expected, variance)
        self._refresh()
        self.level.unsettle(self.baselines.hour_variance[hour % HOURS], self._slow_limit(hour % HOURS))

    def _refresh(self) -> None:
        self.spread.refresh()
        self.baselines.refresh(self.spread, self._per_hour)

    def _suppose(self, movement: Movement) -> None:
        assert movement.probability is not None
        assert movement.shares is not None
        likelier = movement.probability > self.rises.in_rise
        self.rises.suppose(likelier, movement.probability, movement.shares, movement.age_minutes)
        self.alarms.is_supposed |= likelier

    def _result(
        self,
        now: int,
        observed: Observations,
        seen: Prediction,
        movement: Movement,
        is_known: Flags,
        is_weekly: Flags,
        believed: Believed,
        hour_events: Floats,
    ) -> RuleResult:
        detection, alarms = self.detection, self.alarms
        hour_expected = self.last_hour.total_expected()
        if self.events_accumulate:
            is_sufficient = hour_expected * detection.severe_ratio >= detection.minimum_expected_events
        else:
            # a comparison sees every player: it is a count, not a sample
            is_sufficient = np.isnan(observed.exposure) | (observed.exposure >= detection.minimum_events)
        total = self.spread.white + seen.level_variance
        return RuleResult(
            now=now,
            present=observed.present,
            events=observed.events,
            exposure=observed.exposure,
            seen=seen,
            movement=movement,
            is_sufficient=is_sufficient,
            is_known=is_known,
            is_recovering=alarms.ended_within(now, self.last_hour.depth),
            healthy=believed.healthy,
            ratio=believed.ratio,
            age_minutes=believed.age_minutes,
            is_weekly=is_weekly,
            level=alarms.level,
            rule=alarms.rule,
            is_widespread=alarms.is_widespread,
            since=alarms.since,
            count_variance=self.spread.overdispersion * seen.expected + total * seen.expected**2,
            overdispersion=self.spread.overdispersion,
            usual_exposure=self.baselines.usual_exposure(),
            learned=self.baselines.learned,
            hour_events=hour_events,
            hour_expected=hour_expected,
        )
