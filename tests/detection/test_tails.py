"""Tail probabilities against plain sums and known values."""

import math

import numpy as np
import pytest

from ledger_guard.detection.tails import gamma_quantile, log_gamma, log_upper_tail, normal_score


def summed(count: int, mean: float, variance: float) -> float:
    size = mean / max(variance / mean - 1.0, 1e-6)

    def log_mass(k: int) -> float:
        mass = math.lgamma(k + size) - math.lgamma(size) - math.lgamma(k + 1)
        return mass + size * math.log(size / (size + mean)) + k * math.log(mean / (size + mean))

    first = log_mass(count)
    return first + math.log(sum(math.exp(log_mass(k) - first) for k in range(count, count + 20_000)))


@pytest.mark.parametrize(
    ("count", "mean", "variance"),
    [
        pytest.param(5, 0.1, 0.1, id="a handful where a tenth was expected"),
        pytest.param(5, 0.1, 0.2, id="overdispersed"),
        pytest.param(12, 5.0, 5.0, id="Poisson"),
        pytest.param(200, 100.0, 100.0, id="far out"),
        pytest.param(5000, 2500.0, 250_000.0, id="a large restless tenant"),
    ],
)
def test_the_upper_tail_is_that_of_the_plain_sum(count, mean, variance):
    tail = log_upper_tail(np.array([float(count)]), np.array([mean]), np.array([variance]))
    assert tail[0] == pytest.approx(summed(count, mean, variance), rel=1e-6)


def test_a_count_at_or_below_the_mean_is_nothing_special():
    assert log_upper_tail(np.array([0.0, 3.0]), np.array([3.0, 3.0]), np.array([4.0, 4.0])).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("x", [0.01, 0.5, 1.0, 7.9, 8.0, 123.4, 1e6])
def test_log_gamma_agrees_with_the_library(x):
    assert log_gamma(np.array([x]))[0] == pytest.approx(math.lgamma(x), rel=1e-9, abs=1e-9)


def test_normal_scores_and_quantiles_are_the_known_ones():
    assert normal_score(0.025) == pytest.approx(1.95996, abs=1e-4)
    # a Poisson mean seen as a gamma variable: chi-square with 20 degrees of freedom has its 97.5 % point at 34.17
    assert gamma_quantile(np.array([20.0]), np.array([40.0]), 1.96)[0] == pytest.approx(34.17, rel=0.005)
