"""The usual rate of each tenant and its hours of the day; tenants with little traffic use the fleet's rate too.

Whole hours are learned, an hour late, and only those without an alarm, a repair or a gap: missing data forget nothing.
"""

from __future__ import annotations

import numpy as np

from ledger_guard.detection.arrays import Blank, Flags, Floats, TenantMemory, middle
from ledger_guard.detection.spread import Spread

HOURS = 24
#: a rate below one in ten thousand is as good as none: ratios are taken against at least this
NEGLIGIBLE_RATE = 0.0001
#: and, where only counts are known, against at least this many events a window
NEGLIGIBLE_COUNT = 0.02
#: an hour of the day is remembered for about two weeks
_KEEP_A_DAY = 0.92
#: an hour's rate differs from the day's by about a sixth before anything is known (variance 1/30)
_SEASON_EVENTS = 30.0
#: the hours beside it say half as much about an hour as it does itself
_BESIDE = 0.5
#: the fleet's rate weighs as much as this many events of the tenant's own
_FLEET_EVENTS = 1.0
#: share of an hour's uncertainty that is fresh when the hour begins
_FRESH = 0.25
#: where the rate changes from hour to hour, the change does not come on the minute (share of its square)
_UNPUNCTUAL = 0.05
#: extra variance of a tenant whose whole day has not been seen yet
_UNSEEN_DAY = 0.15
#: the hours before and after each hour of the day
_BEFORE, _AFTER = (np.arange(HOURS) - 1) % HOURS, (np.arange(HOURS) + 1) % HOURS


_BLANK: Blank = {
    #: events, attempts and days of each hour of the day, faded by the day
    "events": (0.0, (HOURS,), np.float64),
    "exposure": (0.0, (HOURS,), np.float64),
    "days": (0.0, (HOURS,), np.float64),
    #: attempts of a usual window, and the windows that say so
    "traffic": (0.0, (), np.float64),
    "traffic_windows": (0.0, (), np.float64),
    #: windows learned
    "learned": (0.0, (), np.float64),
    #: True where only counts are known
    "counts_only": (False, (), np.bool_),
    "rate": (NEGLIGIBLE_RATE, (), np.float64),
    "season": (1.0, (HOURS,), np.float64),
    #: variance of the log rate that comes from not knowing the rate, and each hour, well
    "rate_variance": (1.0, (), np.float64),
    "hour_variance": (_FRESH / _SEASON_EVENTS, (HOURS,), np.float64),
}


class Baselines(TenantMemory):
    """Rates and hours of the day over tenants; `refresh` works them out of what was learned."""

    events: Floats
    exposure: Floats
    days: Floats
    traffic: Floats
    traffic_windows: Floats
    learned: Floats
    counts_only: Flags
    rate: Floats
    season: Floats
    rate_variance: Floats
    hour_variance: Floats

    def __init__(self) -> None:
        super().__init__(_BLANK)

    def expected(self, exposure: Floats, hour: int) -> Floats:
        """Events that each tenant should show on this exposure at this hour of the UTC day."""
        expected: Floats = exposure * self.rate * self.season[hour]
        return expected

    def usual_exposure(self) -> Floats:
        """Attempts in a usual window; 0 where none were ever told."""
        usual: Floats = self.traffic / np.maximum(self.traffic_windows, 1e-9)
        return usual

    def learn(self, which: Flags, hour: int, events: Floats, exposure: Floats, windows: Floats) -> None:
        """Take a clean hour of the tenants in `which` into what is known; `windows` had attempts."""
        for cells, amount in ((self.events, events), (self.exposure, exposure), (self.days, 1.0)):
            cells[hour] = np.where(which, cells[hour] * _KEEP_A_DAY + amount, cells[hour])
        keep = _KEEP_A_DAY ** (1.0 / HOURS)
        self.traffic = np.where(which, self.traffic * keep + exposure, self.traffic)
        self.traffic_windows = np.where(which, self.traffic_windows * keep + windows, self.traffic_windows)
        self.learned = np.where(which, self.learned + windows, self.learned)

    def refresh(self, spread: Spread, windows_per_hour: float) -> None:
        """Work out rates and hours, each shrunk: the rate to the fleet's middle, an hour to the hours beside it and to flat.

        Counts are thinned by their dispersion first, so that a restless tenant's hours prove less (a gamma-Poisson posterior
        mean with the prior's weight in events).
        """
        least = np.where(self.counts_only, NEGLIGIBLE_COUNT, NEGLIGIBLE_RATE)
        wobble = spread.slow + spread.fast / 2.0 + spread.white / windows_per_hour
        days = np.maximum(self.days, 1.0)
        for _ in range(2):
            a_day = self.exposure * self.season * self.rate / days
            thinned = spread.overdispersion + wobble * a_day
            events, exposure = (self.events / thinned).sum(axis=0), (self.exposure * self.season / thinned).sum(axis=0)
            fleet = _fleets(events, exposure, self.counts_only)
            self.rate = np.maximum((_FLEET_EVENTS + events) / (_FLEET_EVENTS / np.maximum(fleet, least) + exposure), least)
            flat = self.exposure * self.rate
            seen, usual = self.events / thinned, flat / thinned
            beside_seen, beside_usual = _BESIDE * (seen[_BEFORE] + seen[_AFTER]), _BESIDE * (usual[_BEFORE] + usual[_AFTER])
            prior = (_SEASON_EVENTS + beside_seen) / (_SEASON_EVENTS + beside_usual)
            self.season = (_SEASON_EVENTS * prior + seen) / (_SEASON_EVENTS + usual)
        log_season = np.log(self.season)
        change = np.abs(log_season[_AFTER] - log_season)
        change = np.maximum(change, change[_BEFORE])
        self.hour_variance = _FRESH / (_SEASON_EVENTS + usual) + _UNPUNCTUAL * change**2
        unseen = _UNSEEN_DAY * np.maximum(1.0 - self.learned / (HOURS * windows_per_hour), 0.0)
        self.rate_variance = 1.0 / (2.0 * _FLEET_EVENTS + exposure * self.rate) + unseen


def _fleets(events: Floats, exposure: Floats, counts_only: Flags) -> Floats:
    """The fleet's rate for each tenant, which is another where only counts are known."""
    fleets: Floats = np.full(len(events), _fleet(events, exposure, ~counts_only))
    if counts_only.any():
        fleets[counts_only] = _fleet(events, exposure, counts_only)
    return fleets


def _fleet(events: Floats, exposure: Floats, which: Flags) -> float:
    """The rate of the tenant in the middle; all together where few speak, since the middle may have no event at all."""
    speak = which & (exposure > 0)
    if not speak.any():
        return 0.0
    total = float(events[speak].sum() / exposure[speak].sum())
    if speak.sum() < 3 or total <= 0:
        return total
    return float(np.exp(middle(np.log((events[speak] + 0.5) / (exposure[speak] + 0.5 / total)))))
