"""The law of the counts against the library's distributions."""

import numpy as np
import pytest
from scipy import stats

from ledger_guard.detection.negative_binomial import gamma_quantile, log_likelihood, log_likelihoods

EVENTS = np.array([0.0, 1.0, 7.0, 40.0])


@pytest.mark.parametrize(
    "size", [pytest.param(0.7, id="overdispersed"), pytest.param(3.0, id="some"), pytest.param(1e4, id="Poisson")]
)
def test_what_speaks_for_one_mean_against_another_is_the_negative_binomials(size):
    def known(mean):
        return stats.nbinom.logpmf(EVENTS, size, size / (size + mean))

    ours = log_likelihood(EVENTS, np.array(12.0), np.array(size)) - log_likelihood(EVENTS, np.array(3.0), np.array(size))
    assert ours == pytest.approx(known(12.0) - known(3.0), rel=1e-6, abs=1e-6)


def test_sizes_can_be_reported_apart_too():
    def known(size):
        return stats.nbinom.logpmf(EVENTS, size, size / (size + 5.0))

    ours = log_likelihood(EVENTS, np.array(5.0), np.array(2.0)) - log_likelihood(EVENTS, np.array(5.0), np.array(20.0))
    assert ours == pytest.approx(known(2.0) - known(20.0), rel=1e-6, abs=1e-6)


def test_several_means_at_once_are_the_same_as_one_by_one():
    means = np.array([[1.0, 3.0, 5.0, 40.0], [2.0, 1e-9, 50.0, 400.0]])
    size = np.array([0.5, 2.0, 30.0, 1e4])
    both = np.stack([log_likelihood(EVENTS, row, size) for row in means])
    assert log_likelihoods(EVENTS, np.log(means), size) == pytest.approx(both, rel=1e-6, abs=1e-6)


def test_nothing_expected_and_nothing_seen_is_certain_and_something_seen_is_finite():
    nothing, something = log_likelihood(np.array([0.0, 3.0]), np.zeros(2), np.ones(2))
    assert nothing == pytest.approx(0.0, abs=1e-6)
    assert -1e3 < something < -10.0


@pytest.mark.parametrize("score", [-1.96, 0.0, 1.96])
@pytest.mark.parametrize(("mean", "variance"), [(20.0, 40.0), (5.0, 6.0), (400.0, 900.0)])
def test_gamma_quantiles_are_near_the_librarys(mean, variance, score):
    known = stats.gamma.ppf(stats.norm.cdf(score), mean**2 / variance, scale=variance / mean)
    assert gamma_quantile(np.array([mean]), np.array([variance]), score)[0] == pytest.approx(known, rel=0.02)


def test_gamma_quantiles_grow_with_the_score_and_never_fall_below_zero():
    means, variances = np.array([0.0, 0.1, 3.0]), np.array([1.0, 0.5, 9.0])
    quantiles = np.array([gamma_quantile(means, variances, score) for score in np.linspace(-4.0, 4.0, 17)])
    assert (np.diff(quantiles, axis=0) >= 0).all()
    assert (quantiles >= 0).all()
