"""The law of the counts: negative binomial, up to the terms that all hypotheses share.

A count of mean m and size s has variance m + m²/s; k! is left out, because it is the same under every hypothesis.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from ledger_guard.detection.arrays import Floats

#: a mean below this is as good as none, and its logarithm still finite
_LEAST_MEAN = 1e-9
#: nineteen healthy windows in twenty stay within this many normal scores
BAND_SCORE = 1.96
_LOG_LEAST_MEAN = float(np.log(_LEAST_MEAN))


def log_likelihood(events: Floats, mean: Floats, size: Floats) -> Floats:
    """Log probability of `events` >= 0 without the term -log k!; the three shapes broadcast."""
    mean = np.maximum(mean, _LEAST_MEAN)
    likelihood: Floats = _gamma_ratio(events, size) - events * np.log1p(size / mean) - size * np.log1p(mean / size)
    return likelihood


def log_likelihoods(events: Floats, log_means: Floats, size: Floats) -> Floats:
    """As `log_likelihood`, for the logarithms of several means (rows) of each tenant that share one size."""
    log_means = np.maximum(log_means, _LOG_LEAST_MEAN)
    # in place from here on: this is the largest matrix of a window
    off = np.exp(log_means)
    off += size
    np.log(off, out=off)
    off *= events + size
    log_means *= events
    log_means -= off
    log_means += _gamma_ratio(events, size) + size * np.log(size)
    return log_means


def _gamma_ratio(events: Floats, size: Floats) -> Floats:
    """log(gamma(k + s) / gamma(s)): nothing to work out where no event was seen, which is so in most small tenants' windows."""
    seen = np.flatnonzero(events)
    if events.ndim != 1 or 2 * len(seen) > len(events):
        ratio: Floats = gammaln(events + size) - gammaln(size)
        return ratio
    ratio = np.zeros(np.broadcast_shapes(events.shape, size.shape))
    sizes = size[..., seen]
    ratio[..., seen] = gammaln(events[seen] + sizes) - gammaln(sizes)
    return ratio


def gamma_quantile(mean: Floats, variance: Floats, score: float) -> Floats:
    """The quantile of a gamma variable at a normal score (Wilson and Hilferty's cube); never below zero."""
    ninth = variance / (9.0 * np.maximum(mean, _LEAST_MEAN) ** 2)
    root = np.maximum(1.0 - ninth + score * np.sqrt(ninth), 0.0)
    # numpy's power of three is many times as slow
    quantile: Floats = mean * (root * root * root)
    return quantile
