"""The law of the counts: negative binomial, up to the terms that all hypotheses share.

A count of mean m and size s has variance m + m²/s; k! is left out, because it is the same under every hypothesis.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from ledger_guard.detection.arrays import Floats

#: a mean below this is as good as none, and its logarithm still finite
_LEAST_MEAN = 1e-9


def log_likelihood(events: Floats, mean: Floats, size: Floats) -> Floats:
    """Log probability of `events` >= 0 without the term -log k!; the three shapes broadcast."""
    mean = np.maximum(mean, _LEAST_MEAN)
    share = np.log1p(size / mean)
    likelihood: Floats = gammaln(events + size) - gammaln(size) - events * share - size * np.log1p(mean / size)
    return likelihood


def log_likelihoods(events: Floats, means: Floats, size: Floats) -> Floats:
    """As `log_likelihood`, for several means (columns) of each tenant that share one size."""
    means = np.maximum(means, _LEAST_MEAN)
    k, s = events[:, None], size[:, None]
    common = gammaln(events + size) - gammaln(size) + size * np.log(size)
    likelihood: Floats = common[:, None] + k * np.log(means) - (k + s) * np.log(means + s)
    return likelihood


def gamma_quantile(mean: Floats, variance: Floats, score: float) -> Floats:
    """The quantile of a gamma variable at a normal score (Wilson and Hilferty's cube); never below zero."""
    ninth = variance / (9.0 * np.maximum(mean, _LEAST_MEAN) ** 2)
    quantile: Floats = mean * np.maximum(1.0 - ninth + score * np.sqrt(ninth), 0.0) ** 3
    return quantile
