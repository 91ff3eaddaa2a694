"""Rules that others have published, for comparison: the answers of each to arrays [window, tenant] of events and attempts.

Each sees a window and earlier ones only, says `no_data` where there is no row, and knows no scope. What their authors leave
to the operator was chosen for the best headline figure on worlds of other seeds than those that are scored by default.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.curves import Floats
from benchmarks.detection.rolling import delayed, rate, rolling_sum
from benchmarks.detection.verdicts import Verdicts, Word

Flags = NDArray[np.bool_]


def answered(exposure: Floats, is_mild: Flags, is_severe: Flags) -> Verdicts:
    """Verdicts where severe outranks mild and a missing row outranks both."""
    words = np.where(is_severe, Word.SEVERE, np.where(is_mild, Word.MILD, Word.NONE))
    return Verdicts(np.where(np.isnan(exposure), Word.NO_DATA, words).astype(np.int8))


def stood(is_high: Flags, windows: int) -> Flags:
    """True where it has been high for `windows` windows on end, this one included."""
    return np.asarray(rolling_sum(is_high.astype(np.float64), windows) >= windows, dtype=bool)


@dataclass(frozen=True)
class FixedThreshold:
    """One threshold for every tenant, with `for: 10m`: the alert that most dashboards begin with.

    Source: Prometheus, "Alerting rules" (the `for` clause): an expression has to be true at each evaluation for that long.
    The expression is the failure rate of the last quarter of an hour. Mild and severe are two such rules, as the labels
    `warning` and `critical` commonly are.
    """

    name = "threshold, for: 10m"
    mild_rate: float = 0.6
    severe_rate: float = 0.6
    #: attempts of the last quarter of an hour below which the expression is not true
    minimum_attempts: float = 6.0

    def judge(self, events: Floats, exposure: Floats, window_minutes: int) -> Verdicts:
        """Verdicts on counts [window, tenant]."""
        span = max(1, 15 // window_minutes)
        attempts = rolling_sum(exposure, span)
        found = rate(rolling_sum(events, span), attempts)
        is_enough = attempts >= self.minimum_attempts
        wait = 1 + -(-10 // window_minutes)  # true at both ends of ten minutes
        mild, severe = (stood((found >= limit) & is_enough, wait) for limit in (self.mild_rate, self.severe_rate))
        return answered(exposure, mild, severe)


@dataclass(frozen=True)
class BurnRate:
    """Multi-window, multi-burn-rate alerts on a service level of each tenant's own.

    Source: Google, "The Site Reliability Workbook", chapter 5 "Alerting on SLOs", the recommended parameters of a 30-day
    objective: a page at a burn rate of 14.4 over 1 h and 5 min or 6 over 6 h and 30 min, a ticket at 1 over 3 d and 6 h.
    The page is severe, the ticket mild. The budget is a multiple of the rate learned from the last seven days, up to a day
    ago; for tenants with little traffic the book asks for a least number of failures.
    """

    name = "SRE burn rates"
    #: allowed failures, as a multiple of the learned rate
    budget: float = 2.2
    #: failures in the long window of a page below which nobody is called
    minimum_events: float = 10.0
    #: whether tickets are filed: here they cost more than they earn
    tickets: bool = False

    def judge(self, events: Floats, exposure: Floats, window_minutes: int) -> Verdicts:
        """Verdicts on counts [window, tenant]."""
        day = 1440 // window_minutes
        learned = [delayed(rolling_sum(counts, 7 * day), day) for counts in (events, exposure)]
        # half a failure more than were seen: a tenant without failures has a budget, too
        budget = self.budget * rate(learned[0] + 0.5, learned[1])

        def is_burning(times: float, long_minutes: int, short_minutes: int) -> Flags:
            burning = budget > 0
            for minutes in (long_minutes, short_minutes):
                span = max(1, minutes // window_minutes)
                burning &= rate(rolling_sum(events, span), rolling_sum(exposure, span)) >= times * budget
            return burning & (rolling_sum(events, max(1, long_minutes // window_minutes)) >= self.minimum_events)

        severe = is_burning(14.4, 60, 5) | is_burning(6, 360, 30)
        mild = is_burning(1, 4320, 360) if self.tickets else np.zeros_like(severe)
        return answered(exposure, mild, severe)


@dataclass(frozen=True)
class CanaryJudge:
    """The Mann-Whitney judge of automated canary analysis: the last hour against the same hours of the days before.

    Source: Netflix and Google, Kayenta (`kayenta-judge`, `MannWhitneyClassifier`): a metric is high when the lower limit of
    the confidence interval of the shift exceeds a quarter of the Hodges-Lehmann estimate, and when the ratio of the means
    exceeds the increase that is allowed; it is critical from a second ratio on. The metric is the failure rate of single
    windows; windows without attempts are left out. The control is the tenant's own rates in the same hour of the last seven
    days. Limits are those of large samples. High is mild; critical, or high for an hour on end, is severe.
    """

    name = "Kayenta judge"
    #: standard deviations of the rank sum between the estimate and the limit of its confidence interval
    deviations: float = 3.7
    tolerance: float = 0.25
    allowed_increase: float = 3.0
    critical_increase: float = 5.0
    days: int = 7

    def judge(self, events: Floats, exposure: Floats, window_minutes: int) -> Verdicts:
        """Verdicts on counts [window, tenant]."""
        hour, day = 60 // window_minutes, 1440 // window_minutes
        rates = np.where(exposure > 0, np.divide(events, np.maximum(exposure, 1)), np.nan)
        is_high, is_critical = (np.zeros(rates.shape, dtype=bool) for _ in range(2))
        for window in range(self.days * day + hour - 1, len(rates)):
            last = rates[window - hour + 1 : window + 1]
            before = np.concatenate(
                [rates[window - hour + 1 - back * day : window + 1 - back * day] for back in range(1, self.days + 1)]
            )
            with np.errstate(invalid="ignore", divide="ignore"):
                ratio = _mean(last) / _mean(before)
            for tenant in np.flatnonzero(ratio >= self.allowed_increase):
                if self._is_high(last[:, tenant], before[:, tenant]):
                    is_high[window, tenant] = True
                    is_critical[window, tenant] = ratio[tenant] >= self.critical_increase
        return answered(exposure, is_high, is_critical | stood(is_high, hour))

    def _is_high(self, last: Floats, before: Floats) -> bool:
        """Whether the lower limit of the shift between two samples exceeds the tolerated part of its estimate."""
        last, before = last[~np.isnan(last)], before[~np.isnan(before)]
        pairs = len(last) * len(before)
        if not pairs:
            return False
        rank = int(np.floor(pairs / 2 - self.deviations * np.sqrt(pairs * (len(last) + len(before) + 1) / 12)))
        if rank < 0:
            return False
        shifts = (last[:, None] - before).ravel()
        # most pairs fail already here, without any sorting
        if (shifts <= 0).sum() > rank:
            return False
        middle = pairs // 2
        parted = np.partition(shifts, (rank, middle))
        return bool(parted[rank] > self.tolerance * abs(parted[middle]))


def _mean(sample: Floats) -> Floats:
    return np.asarray(np.nansum(sample, axis=0) / (~np.isnan(sample)).sum(axis=0), dtype=np.float64)


PublishedRule = FixedThreshold | BurnRate | CanaryJudge
PUBLISHED: tuple[PublishedRule, ...] = (FixedThreshold(), BurnRate(), CanaryJudge())
