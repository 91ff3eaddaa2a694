"""Smooth seasons and slow wobbles, drawn per tenant."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.settings import Span, WorldSettings

Floats = NDArray[np.float64]


def drawn(rng: np.random.Generator, span: Span, count: int) -> Floats:
    """One figure for each of `count` tenants, evenly between the ends of `span`."""
    return rng.uniform(span[0], span[1], count)


def hours(settings: WorldSettings) -> Floats:
    """Hours since the start, at the middle of each window."""
    return (np.arange(settings.windows) + 0.5) / settings.per_hour


def season(rng: np.random.Generator, hour: Floats, period_hours: float, swing: Floats, harmonics: int = 3) -> Floats:
    """Curves [window, tenant] of the given period with mean 0 and largest value about `swing`; no two tenants alike."""
    curve = np.zeros((len(hour), len(swing)))
    for order in range(1, harmonics + 1):
        weight = rng.gamma(2.0, 0.5, len(swing)) / order**1.5
        phase = rng.uniform(0, 2 * np.pi, len(swing))
        curve += weight * np.cos(2 * np.pi * order * hour[:, None] / period_hours - phase)
    largest = np.abs(curve).max(axis=0)
    return np.asarray(curve / np.maximum(largest, 1e-9) * swing, dtype=np.float64)


def wobble(rng: np.random.Generator, settings: WorldSettings, sd: Floats, memory_hours: Floats) -> Floats:
    """Autoregressive curves [window, tenant] with mean 0, the given standard deviation and memory."""
    keep = np.exp(-1 / (memory_hours * settings.per_hour))
    push: Floats = rng.standard_normal((settings.windows, len(sd))) * sd * np.sqrt(1 - keep**2)
    level = rng.standard_normal(len(sd)) * sd
    for window in range(settings.windows):
        level = level * keep + push[window]
        push[window] = level
    return push


def peaked(hour: Floats, middle: Floats, width_hours: Floats, period_hours: float) -> Floats:
    """1 at `middle` of each period, falling smoothly to 0 at half the width on both sides: [window, tenant]."""
    away = np.abs((hour[:, None] - middle + period_hours / 2) % period_hours - period_hours / 2)
    return np.asarray(np.where(away < width_hours / 2, np.cos(np.pi * away / width_hours) ** 2, 0.0), dtype=np.float64)
