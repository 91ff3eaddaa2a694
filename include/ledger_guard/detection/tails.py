"""Tail probabilities of counts, vectorised: negative binomial with a given mean and variance, Poisson as its limit.

Everything works on logarithms, because the levels that are worth waking people for lie far below what a plain
difference from one can express.
"""

from __future__ import annotations

from math import erfc, sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: variance over mean is kept at least this far above one; closer to Poisson nothing changes but rounding noise
_SMALLEST_OVERDISPERSION = 1e-6
_MOST_ITERATIONS = 3000
_TINY = 1e-300


def log_gamma(x: Floats) -> Floats:
    """Natural logarithm of the gamma function for x > 0, to about 1e-10 relative."""
    shifted = np.asarray(x, dtype=np.float64).copy()
    correction = np.zeros_like(shifted)
    for _ in range(8):
        small = shifted < 8.0
        if not small.any():
            break
        correction = np.where(small, correction + np.log(np.where(small, shifted, 1.0)), correction)
        shifted = np.where(small, shifted + 1.0, shifted)
    inverse = 1.0 / shifted
    square = inverse * inverse
    series = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680)))
    stirling: Floats = (shifted - 0.5) * np.log(shifted) - shifted + 0.5 * np.log(2 * np.pi) + series - correction
    return stirling


def log_upper_tail(count: Floats, mean: Floats, variance: Floats) -> Floats:
    """Log P(X >= count) for a negative binomial X of this mean (> 0) and variance (>= mean).

    Meant for counts above the mean; at or below it the answer is 0 (probability one), because no caller asks how
    ordinary a small count is.
    """
    count, mean = np.asarray(count, dtype=np.float64), np.asarray(mean, dtype=np.float64)
    answer = np.zeros(count.shape)
    above = (count >= 1) & (count > mean)
    if above.any():
        k, m = count[above], mean[above]
        size = m / np.maximum(np.asarray(variance, dtype=np.float64)[above] / m - 1.0, _SMALLEST_OVERDISPERSION)
        answer[above] = _log_incomplete_beta(k, size, m / (m + size))
    return answer


def _log_incomplete_beta(a: Floats, b: Floats, x: Floats) -> Floats:
    """Log I_x(a, b) for x below a / (a + b), by Lentz's continued fraction."""
    front = log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * np.log(x) + b * np.log1p(-x) - np.log(a)
    c = np.ones_like(a)
    d = 1.0 / _away_from_zero(1.0 - (a + b) * x / (a + 1.0))
    fraction = d.copy()
    for m in range(1, _MOST_ITERATIONS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1.0 / _away_from_zero(1.0 + even * d)
        c = _away_from_zero(1.0 + even / c)
        fraction *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d = 1.0 / _away_from_zero(1.0 + odd * d)
        c = _away_from_zero(1.0 + odd / c)
        step = d * c
        fraction *= step
        if np.all(np.abs(step - 1.0) < 1e-10):
            break
    tail: Floats = np.minimum(front + np.log(np.maximum(fraction, _TINY)), 0.0)
    return tail


def _away_from_zero(x: Floats) -> Floats:
    nudged: Floats = np.where(np.abs(x) < _TINY, _TINY, x)
    return nudged


def gamma_quantile(mean: Floats, variance: Floats, z: float) -> Floats:
    """The quantile of a gamma variable at normal score `z` (Wilson and Hilferty's cube); never below zero."""
    ninth = variance / (9.0 * np.maximum(mean, 1e-9) ** 2)
    quantile: Floats = mean * np.maximum(1.0 - ninth + z * np.sqrt(ninth), 0.0) ** 3
    return quantile


def normal_score(probability: float) -> float:
    """The z that a standard normal variable exceeds with this probability (0 < probability < 0.5), by bisection."""
    low, high = 0.0, 40.0
    for _ in range(80):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if 0.5 * erfc(middle / sqrt(2.0)) > probability else (low, middle)
    return high
