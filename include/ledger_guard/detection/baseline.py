"""What is normal for each tenant: its rate, its hours of the day, and how restless it is; thin tenants lean on the fleet.

All memory is exponentially weighted over *learned* windows, so a tenant that is silent or in alarm forgets nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ledger_guard.detection.tails import Floats

HOURS = 24
#: a rate below one in two thousand is as good as none: ratios are taken against at least this
NEGLIGIBLE_RATE = 0.0005
#: and, where only counts are known, against at least this many events a window
NEGLIGIBLE_COUNT = 0.05
#: the fleet's rate weighs as much as this many events of the tenant's own
_FLEET_EVENTS = 2.0
#: a tenant's hours of the day differ from its mean by about a quarter (variance 1/16) before anything is known
_SEASON_EVENTS = 16.0
#: overdispersion and restlessness are remembered longer than the rate, because they are harder to learn
_SPREAD_MEMORY = 4.0
#: and the fleet's weigh as much as this many windows of full information
_SPREAD_WINDOWS = 60.0
_SMALLEST_RESTLESSNESS = 0.005
#: until the fleet tells
_FIRST_OVERDISPERSION = 1.5
_FIRST_RESTLESSNESS = 0.1
#: extra restlessness of a tenant whose whole day has not been seen yet
_UNSEEN_DAY = 0.15
#: a window further out than this many standard deviations teaches the spread no more than that
_SURPRISE = 3.0

#: per-tenant memory and how many numbers a tenant has in each
FIELDS: dict[str, int] = {
    "events": 1,
    "exposure": 1,
    "count_events": 1,
    "count_windows": 1,
    "traffic": 1,
    "traffic_windows": 1,
    "learned": 1,
    "overdispersion_sum": 1,
    "overdispersion_weight": 1,
    "restlessness_sum": 1,
    "restlessness_weight": 1,
    "season_events": HOURS,
    "season_expected": HOURS,
}


@dataclass(frozen=True)
class Normal:
    """What is expected of each tenant in one window."""

    #: events per attempt (or per window, where only counts are known) over the whole day
    rate: Floats
    #: events at this hour's rate
    expected: Floats


class Baselines:
    """The fleet's memory as arrays over tenants, grown as tenants appear."""

    def __init__(self, half_life_hours: float, windows_per_hour: float) -> None:
        half_life = half_life_hours * windows_per_hour
        self._keep = 0.5 ** (1.0 / half_life)
        self._keep_spread = 0.5 ** (1.0 / (half_life * _SPREAD_MEMORY))
        #: an hour's cell learns only while it is that hour
        self._keep_season = 0.5 ** (HOURS / (half_life * _SPREAD_MEMORY))
        self._windows_per_day = HOURS * windows_per_hour
        self.memory: dict[str, NDArray[np.float64]] = {
            name: np.zeros((0, width)) if width > 1 else np.zeros(0) for name, width in FIELDS.items()
        }
        self.refresh()

    def grow(self, count: int) -> None:
        """Make room for `count` new tenants of whom nothing is known."""
        for name, known in self.memory.items():
            self.memory[name] = np.concatenate([known, np.zeros((count, *known.shape[1:]))])
        self.refresh()

    def refresh(self) -> None:
        """Work out rates and spreads from memory, each shrunk to the fleet's."""
        m = self.memory
        self.overdispersion = _shrunk(m["overdispersion_sum"], m["overdispersion_weight"], _FIRST_OVERDISPERSION, 1.0)
        self.restlessness = _shrunk(m["restlessness_sum"], m["restlessness_weight"], _FIRST_RESTLESSNESS, _SMALLEST_RESTLESSNESS)
        events, exposure = m["events"] / self.overdispersion, m["exposure"] / self.overdispersion
        fleet = max(_fleet_rate(events, exposure), NEGLIGIBLE_RATE)
        self.rate = np.maximum((_FLEET_EVENTS + events) / (_FLEET_EVENTS / fleet + exposure), NEGLIGIBLE_RATE)
        counts, windows = m["count_events"] / self.overdispersion, m["count_windows"] / self.overdispersion
        fleet_count = max(_fleet_rate(counts, windows), NEGLIGIBLE_COUNT)
        self.count_rate = np.maximum((_FLEET_EVENTS + counts) / (_FLEET_EVENTS / fleet_count + windows), NEGLIGIBLE_COUNT)
        unseen = _UNSEEN_DAY * np.maximum(1.0 - m["learned"] / self._windows_per_day, 0.0)
        #: variance of the true ratio around one: the tenant's own wobble, and what its baseline does not know
        self.ratio_variance = self.restlessness + unseen + 1.0 / (_FLEET_EVENTS + np.maximum(events, counts))

    def normal(self, exposure: Floats, hour: int) -> Normal:
        """What each tenant is expected to show on this exposure (NaN: counts only) at this hour of the UTC day."""
        counts_only = np.isnan(exposure)
        rate = np.where(counts_only, self.count_rate, self.rate)
        flat = rate * np.where(counts_only, 1.0, exposure)
        return Normal(rate, flat * self._season(hour))

    def typical(self, hour: int) -> Floats:
        """Events expected in a usual window of this hour."""
        m = self.memory
        traffic = m["traffic"] / np.maximum(m["traffic_windows"], 1e-9)
        usual: Floats = np.where(m["traffic_windows"] > 0, traffic * self.rate, self.count_rate) * self._season(hour)
        return usual

    def usual_exposure(self) -> Floats:
        """Attempts in a usual window; 0 where none were ever told."""
        traffic: Floats = self.memory["traffic"] / np.maximum(self.memory["traffic_windows"], 1e-9)
        return traffic

    def variance(self, expected: Floats, tenants: NDArray[np.intp] | slice = slice(None)) -> Floats:
        """Variance of a count that is expected to be `expected`; never below Poisson's."""
        spread: Floats = self.overdispersion[tenants] * expected + self.ratio_variance[tenants] * expected**2
        return spread

    def learn(
        self, tenants: NDArray[np.intp], events: Floats, exposure: Floats, hour: int, knows_rate: NDArray[np.bool_]
    ) -> None:
        """Take one clean window of these tenants into their baselines.

        The hours of the day are learned only by tenants whose rate is known: against a rate that is still being found, the
        first hours would look like peaks.
        """
        m, season = self.memory, self._season(hour)[tenants]
        told = ~np.isnan(exposure)
        some = tenants[told]
        _fade(m["events"], some, self._keep, events[told])
        _fade(m["exposure"], some, self._keep, exposure[told] * season[told])
        _fade(m["traffic"], some, self._keep, exposure[told])
        _fade(m["traffic_windows"], some, self._keep, 1.0)
        _fade(m["count_events"], tenants, self._keep, events)
        _fade(m["count_windows"], tenants, self._keep, season)
        m["learned"][tenants] += 1
        sure = tenants[knows_rate]
        flat = np.where(told, self.rate[tenants] * exposure, self.count_rate[tenants])[knows_rate]
        for name, amount in (("season_events", events[knows_rate]), ("season_expected", flat)):
            m[name][sure, hour] = m[name][sure, hour] * self._keep_season + amount

    def learn_spread(
        self, tenants: NDArray[np.intp], events: Floats, local: Floats, long_events: Floats, long_expected: Floats
    ) -> None:
        """Take one clean stretch into overdispersion and restlessness.

        `events` against `local` (what the stretch's own level makes of this window) shows the overdispersion;
        `long_events` against `long_expected` (the whole stretch against the baseline) shows how far the level wanders.
        """
        m, phi, wobble = self.memory, self.overdispersion[tenants], self.restlessness[tenants]
        square = np.minimum((events - local) ** 2, _SURPRISE**2 * (phi * local + 1.0))
        weight = 1.0 / (1.0 + 2.0 * local)
        _fade(m["overdispersion_sum"], tenants, self._keep_spread, square * weight)
        _fade(m["overdispersion_weight"], tenants, self._keep_spread, local * weight)
        usual = phi * long_expected + wobble * long_expected**2
        square = np.minimum((long_events - long_expected) ** 2, _SURPRISE**2 * (usual + 1.0))
        weight = (wobble * long_expected / np.maximum(phi + wobble * long_expected, 1e-12)) ** 2
        excess = np.where(long_expected > 0, (square - phi * long_expected) / np.maximum(long_expected, 1e-12) ** 2, 0.0)
        _fade(m["restlessness_sum"], tenants, self._keep_spread, weight * excess)
        _fade(m["restlessness_weight"], tenants, self._keep_spread, weight)

    def _season(self, hour: int) -> Floats:
        """This hour's rate over the mean of the hours, smoothed with the hours beside it and shrunk to one."""
        beside = [(hour - 1) % HOURS, hour, (hour + 1) % HOURS]
        kernel = np.array([0.25, 0.5, 0.25])
        whole_events, whole_expected = self.memory["season_events"].sum(axis=1), self.memory["season_expected"].sum(axis=1)
        # only the shape is told here, so that the level is learned in one place
        level = np.where(whole_expected > 0, whole_events / np.maximum(whole_expected, 1e-12), 1.0)
        events = self.memory["season_events"][:, beside] @ kernel
        expected = (self.memory["season_expected"][:, beside] @ kernel) * level
        # a day's own level moves all windows of an hour together: they count as fewer
        thinned = self.overdispersion + self.restlessness * expected / 4.0
        season: Floats = (_SEASON_EVENTS + events / thinned) / (_SEASON_EVENTS + expected / thinned)
        return season


def _fade(memory: NDArray[np.float64], tenants: NDArray[np.intp], keep: float, amount: Floats | float) -> None:
    memory[tenants] = memory[tenants] * keep + amount


def _shrunk(total: Floats, weight: Floats, first: float, least: float) -> Floats:
    """Total / weight per tenant, shrunk to the fleet's median and never below `least`."""
    known = weight > _SPREAD_WINDOWS / 4.0
    fleet = first
    if known.sum() >= 3:
        fleet = max(float(np.median(total[known] / weight[known])), least)
    shrunk: Floats = np.maximum((total + fleet * _SPREAD_WINDOWS) / (weight + _SPREAD_WINDOWS), least)
    return shrunk


def _fleet_rate(events: Floats, exposure: Floats) -> float:
    """The rate of the tenant in the middle, of those that have some events; all of them together when these are few."""
    known = (events >= 3.0) & (exposure > 0)
    if known.sum() >= 3:
        return float(np.median(events[known] / exposure[known]))
    total = float(exposure.sum())
    return float(events.sum()) / total if total > 0 else 0.0
