"""Failures per attempt of a healthy tenant: its level, seasons, peaks that come back, slow wobble and drift."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.curves import Floats, drawn, hours, peaked, season, wobble
from benchmarks.detection.settings import WorldSettings

HIGHEST_RATE = 0.45


@dataclass(frozen=True)
class HealthyRates:
    """The true rates, and when a rise belongs to the season."""

    #: [window, tenant], 0..1
    rate: Floats
    #: [window, tenant], True in the upper half of a peak that comes back daily, or weekly
    in_daily_peak: NDArray[np.bool_]
    in_weekly_peak: NDArray[np.bool_]


def levels(rng: np.random.Generator, settings: WorldSettings) -> Floats:
    """The rate each tenant has in the middle."""
    count = settings.tenants
    level = settings.rate_median * np.exp(settings.rate_log_sd * rng.standard_normal(count))
    lot = rng.uniform(size=count)
    level = np.where(lot < settings.near_zero_share, np.exp(rng.uniform(np.log(3e-5), np.log(5e-4), count)), level)
    level = np.where(lot > 1 - settings.often_failing_share, rng.uniform(0.08, 0.2, count), level)
    return np.clip(level, 3e-5, 0.2)


def healthy_rates(rng: np.random.Generator, settings: WorldSettings) -> HealthyRates:
    """Rates without any trouble."""
    count = settings.tenants
    hour = hours(settings)
    season_day = 1 + season(rng, hour, 24.0, drawn(rng, settings.rate_day_swing, count), harmonics=2)
    season_week = 1 + season(rng, hour, 168.0, drawn(rng, settings.rate_week_swing, count), harmonics=2)
    slow = wobble(rng, settings, drawn(rng, settings.wobble_sd, count), drawn(rng, settings.wobble_hours, count))
    slow += wobble(rng, settings, np.array([settings.fleet_wobble_sd]), np.array([4.0]))
    slow += settings.drift_per_week * rng.standard_normal(count) * (hour[:, None] - hour.mean()) / 168
    daily = peaked(hour, drawn(rng, (0.0, 24.0), count), drawn(rng, (1.5, 4.0), count), 24.0)
    weekly = peaked(hour, drawn(rng, (0.0, 168.0), count), drawn(rng, (3.0, 8.0), count), 168.0)
    daily *= (rng.uniform(size=count) < settings.daily_peak_share) * rng.uniform(0.7, 1.5, count)
    weekly *= (rng.uniform(size=count) < settings.weekly_peak_share) * rng.uniform(0.7, 1.5, count)
    rate = levels(rng, settings) * season_day * season_week * np.exp(slow) * (1 + daily) * (1 + weekly)
    return HealthyRates(
        np.clip(rate, 1e-6, HIGHEST_RATE),
        (daily > daily.max(axis=0) / 2) & (daily > 0),
        (weekly > weekly.max(axis=0) / 2) & (weekly > 0),
    )
