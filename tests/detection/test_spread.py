"""How restless a tenant is: simulated counts of known dispersion give it back."""

import numpy as np
import pytest

from ledger_guard.detection.spread import FAST_MINUTES, SLOW_HOURS, Spread

TENANTS, WEEKS = 40, 2


def learned(mean: float, *, white=0.0, fast=0.0, slow=0.0, overdispersion=1.0, calm=True, windows=WEEKS * 2016) -> Spread:
    """What is learned of tenants that wobble as told around `mean` events a window."""
    rng = np.random.default_rng(4)
    spread = Spread(5)
    spread.grow(TENANTS)
    expected = np.full(TENANTS, mean)
    wobbles = np.zeros((2, TENANTS))
    variances, keep = np.array([fast, slow])[:, None], np.exp([[-5.0 / FAST_MINUTES], [-5.0 / 60.0 / SLOW_HOURS]])
    for now in range(windows):
        wobbles = keep * wobbles + np.sqrt(variances * (1 - keep**2)) * rng.standard_normal(wobbles.shape)
        level = mean * np.exp(wobbles.sum(axis=0) - (fast + slow) / 2)
        level = rng.gamma(1 / white, level * white) if white else level
        level = rng.gamma(level / (overdispersion - 1), overdispersion - 1) if overdispersion > 1 else level
        spread.learn(now, np.full(TENANTS, calm), rng.poisson(level).astype(float), expected)
        if now % 12 == 0:
            spread.refresh()
    spread.refresh()
    return spread


def middle(spread: Spread, name: str) -> float:
    return float(np.median(getattr(spread, name)))


def near(value: float):
    return pytest.approx(value, rel=0.5)


def test_the_three_wobbles_are_distinguished_by_how_long_they_last():
    spread = learned(200.0, white=0.05, fast=0.04, slow=0.03)
    assert (middle(spread, "white"), middle(spread, "fast"), middle(spread, "slow")) == (near(0.05), near(0.04), near(0.03))


@pytest.mark.parametrize("name", ["white", "fast", "slow"])
def test_one_wobble_alone_is_not_taken_for_another(name):
    spread = learned(200.0, **{name: 0.06})
    assert middle(spread, name) == near(0.06)
    assert all(middle(spread, other) < 0.02 for other in {"white", "fast", "slow"} - {name})


def test_overdispersion_is_learned_where_events_are_few():
    assert middle(learned(1.0, overdispersion=2.0), "overdispersion") == near(2.0)


def test_plain_chance_gives_the_least_of_everything():
    assert middle(learned(1.0), "overdispersion") == pytest.approx(1.02, abs=0.05)
    spread = learned(200.0)
    assert middle(spread, "white") == pytest.approx(0.003, abs=0.002)
    assert middle(spread, "fast") == pytest.approx(0.003, abs=0.002)
    assert middle(spread, "slow") == pytest.approx(0.001, abs=0.002)


def test_windows_in_doubt_teach_nothing():
    wild = learned(1.0, overdispersion=3.0, calm=False, windows=288)
    untaught = Spread(5)
    untaught.grow(TENANTS)
    untaught.refresh()
    for name in ("white", "fast", "slow", "overdispersion"):
        assert getattr(wild, name).tolist() == getattr(untaught, name).tolist()
