"""From rates to counts: rates that vary from window to window, and players that try again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.detection.curves import Floats, drawn
from benchmarks.detection.settings import WorldSettings

HIGHEST_SHARE = 0.98


@dataclass(frozen=True)
class CountNoise:
    """How much more a tenant's counts vary than Poisson counts do."""

    #: relative standard deviation of the rate from window to window, per tenant
    rate_sd: Floats
    #: mean failures of one player in one window, per tenant; 1 is nobody trying again
    tries: Floats

    def dispersion(self, expected: Floats) -> Floats:
        """Variance over mean of the counts, where `expected` [window, tenant] are expected."""
        return np.asarray((2 * self.tries - 1) + expected * self.rate_sd**2, dtype=np.float64)


def draw_noise(rng: np.random.Generator, settings: WorldSettings) -> CountNoise:
    """Each tenant's own noise."""
    return CountNoise(drawn(rng, settings.noise_sd, settings.tenants), drawn(rng, settings.tries, settings.tenants))


def draw_events(rng: np.random.Generator, settings: WorldSettings, noise: CountNoise, attempts: Floats, rate: Floats) -> Floats:
    """Failures out of whole `attempts` [window, tenant] at the true `rate`; never more than the attempts."""
    sd = np.maximum(noise.rate_sd, 1e-6)
    if settings.noise_family == "lognormal":
        log_sd = np.sqrt(np.log1p(sd**2))
        factor = np.exp(log_sd * rng.standard_normal(rate.shape) - log_sd**2 / 2)
    else:
        factor = rng.gamma(1 / sd**2, sd**2, rate.shape)
    share = np.clip(rate * factor, 0, HIGHEST_SHARE)
    players = rng.binomial(attempts.astype(np.int64), share / noise.tries)
    again = np.where((noise.tries > 1) & (players > 0), rng.negative_binomial(np.maximum(players, 1), 1 / noise.tries), 0)
    return np.asarray(np.minimum(players + again, attempts), dtype=np.float64)
