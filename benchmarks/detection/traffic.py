"""Attempts: how large tenants are, and how their traffic moves over the day, the week and from window to window."""

from __future__ import annotations

import numpy as np

from benchmarks.detection.curves import Floats, drawn, hours, season, wobble
from benchmarks.detection.settings import WorldSettings


def sizes(rng: np.random.Generator, settings: WorldSettings) -> Floats:
    """Mean attempts a window of each tenant."""
    low, high = settings.size_limits
    if settings.size_law == "pareto":
        drawn_sizes = low * (1 - rng.uniform(size=settings.tenants)) ** (-1 / settings.size_tail)
    else:
        drawn_sizes = settings.size_median * np.exp(settings.size_log_sd * rng.standard_normal(settings.tenants))
    return np.clip(drawn_sizes, low, high)


def mean_attempts(rng: np.random.Generator, settings: WorldSettings, size: Floats) -> Floats:
    """What each window's attempts are drawn around: [window, tenant]. Over time it averages to `size`."""
    count = settings.tenants
    hour = hours(settings)
    curve = season(rng, hour, 24.0, drawn(rng, settings.traffic_day_swing, count))
    curve += season(rng, hour, 168.0, drawn(rng, settings.traffic_week_swing, count))
    curve += wobble(rng, settings, drawn(rng, settings.traffic_wobble_sd, count), drawn(rng, (2.0, 12.0), count))
    level = np.exp(curve)
    sd = drawn(rng, settings.traffic_noise_sd, count)
    level *= rng.gamma(1 / sd**2, sd**2, curve.shape)
    _add_bursts(rng, settings, level)
    return np.asarray(level / level.mean(axis=0) * size, dtype=np.float64)


def _add_bursts(rng: np.random.Generator, settings: WorldSettings, level: Floats) -> None:
    for _ in range(rng.poisson(settings.traffic_bursts_per_week * settings.days / 7 * settings.tenants)):
        first = rng.integers(settings.windows)
        last = first + settings.in_windows(rng.uniform(5, 30))
        level[first:last, rng.integers(settings.tenants)] *= rng.uniform(2, 4)
