"""How alarms begin, escalate and end, from each tenant's probability of a rise.

An alarm may come once a rise is likelier than health by more than (begins · windows in 1,000 tenant-days) / (false alarms
allowed in them). The posterior odds over the chance that a rise begins are a Shiryaev-Roberts statistic, whose mean in
health grows by one a window, so that it passes a threshold A on average at most once in A windows: the policy's number is a
bound, as far as the model of health is right.
"""

from __future__ import annotations

import numpy as np

from ledger_guard.detection import alarms as alarm
from ledger_guard.detection.alarms import Alarms
from ledger_guard.detection.arrays import Flags, Floats
from ledger_guard.detection.last_hour import LastHour
from ledger_guard.detection.pooled_evidence import PooledEvidence
from ledger_guard.detection.rise_filter import Believed, RiseFilter
from ledger_guard.detection.weekly import HOURS_OF_WEEK, WeekBefore
from ledger_guard.policy.detection import Detection

#: an alarm is over when health is believed this much again: asking for more keeps small tenants in alarm for hours after the
#: rise, and a rise that continues alarms again
_HEALTHY_AGAIN = 0.1
#: probability, given a rise, that it is high or has lasted, from which it is severe
_GRAVE = 0.6
#: a ratio counts as high from this share of the severe ratio on, and an age as sustained a little before its time:
#: what is believed of both is spread to both sides
_NEARLY_HIGH, _NEARLY_SUSTAINED = 0.92, 0.87
#: the believed ratio may fall this far short of the mild one
_NEARLY_MILD = 0.93
#: while the platform is in trouble: how much likelier than health a tenant's own must be
_JOINS_MILD, _JOINS_SEVERE = 80.0, 200.0


class AlarmLifecycle:
    """Moves the alarms of all tenants through one window."""

    def __init__(
        self,
        detection: Detection,
        window_minutes: int,
        rises: RiseFilter,
        pooled: PooledEvidence,
        week: WeekBefore,
        last_hour: LastHour,
        alarms: Alarms,
    ) -> None:
        self._detection, self._minutes = detection, window_minutes
        self._rises, self._pooled, self._week, self._last_hour, self._alarms = rises, pooled, week, last_hour, alarms
        windows = 1000.0 * 1440.0 / window_minutes
        self._severe_odds = rises.begins * windows / detection.severe_false_alarms
        self._mild_odds = rises.begins * windows / detection.mild_false_alarms

    def advance(self, now: int, tells: Flags, is_known: Flags, believed: Believed, hour_events: Floats) -> Flags:
        """Take the tenants that window number `now` `tells` something of one step on; says which rises are held to be the week's.

        Missing data end and begin nothing.
        """
        alarms, rises, detection = self._alarms, self._rises, self._detection
        doubt, odds, ratio = believed.doubt, believed.odds, believed.ratio
        alarms.end(tells & (doubt < 1.0 - _HEALTHY_AGAIN), now)
        still_supposed = (rises.healthy < 1.0 - _HEALTHY_AGAIN / 2.0) | self._pooled.is_widespread
        alarms.is_supposed = alarms.is_supposed & still_supposed
        usable = tells & is_known
        is_weekly = usable & (odds > self._mild_odds)
        if is_weekly.any():
            is_weekly &= self._week.explains(now * self._minutes // 60 % HOURS_OF_WEEK, ratio)
        may = usable & (hour_events >= detection.minimum_events) & ~is_weekly & (ratio >= _NEARLY_MILD * detection.mild_ratio)
        found = may & (odds > np.where(alarms.is_supposed, _JOINS_MILD, self._mild_odds))
        if not found.any():
            return is_weekly
        sure = found & (odds > np.where(alarms.is_supposed, _JOINS_SEVERE, self._severe_odds))
        high, lasting = self._grave()
        severe = sure & (high + lasting > _GRAVE * doubt) & ~self._last_hour.is_one_subject()
        level = np.where(severe, alarm.SEVERE, np.where(found, alarm.MILD, alarm.QUIET))
        rule = np.where(severe, np.where(high >= lasting, alarm.HIGH, alarm.SUSTAINED), alarm.SLIGHT)
        rule = np.where(alarms.is_supposed, alarm.PLATFORM, rule)
        windows_ago = believed.age_minutes / self._minutes
        since = now - np.rint(windows_ago).astype(np.int64)
        alarms.raise_to(level, rule, since, found & self._pooled.is_part_of_it(now - windows_ago))
        return is_weekly

    def _grave(self) -> tuple[Floats, Floats]:
        """Probability that a tenant's rise is high, and that it is small but has lasted."""
        rises, detection = self._rises, self._detection
        # the grid is sorted
        first_high = int(np.searchsorted(rises.ratios, _NEARLY_HIGH * detection.severe_ratio))
        is_old = rises.age_minutes[:first_high] >= _NEARLY_SUSTAINED * detection.sustained_minutes
        high: Floats = rises.rise[first_high:].sum(axis=0)
        lasting: Floats = (rises.rise[:first_high] * is_old).sum(axis=0)
        return high, lasting
