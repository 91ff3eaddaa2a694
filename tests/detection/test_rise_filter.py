"""The filter over health and ratios: probabilities, Bayes' rule by hand, and the age of a rise."""

import numpy as np
import pytest
from readings import DETECTION, Learned, changed

from ledger_guard.detection.healthy_level import HealthyLevel
from ledger_guard.detection.rise_filter import RiseFilter, Weighed, ratio_grid

HERE, AWAY = np.array([True]), np.array([False])


@pytest.fixture
def rises() -> RiseFilter:
    rises = RiseFilter(DETECTION, 5)
    rises.grow(1)
    return rises


@pytest.fixture
def level() -> HealthyLevel:
    level = HealthyLevel(5)
    level.grow(1)
    return level


def suppose(rises: RiseFilter, probability: float, age_minutes: float = 0.0) -> None:
    rises.suppose(HERE, np.array([probability]), rises.prior[:, None], age_minutes)


def test_the_grid_leaves_no_gap_from_the_mild_ratio_to_the_outright_failure():
    ratios, prior = ratio_grid(DETECTION)
    assert ratios[0] == pytest.approx(1.6)
    assert (np.diff(np.log(ratios)) > 0).all()
    assert ratios[-1] > 100
    assert prior.sum() == pytest.approx(1.0)


def test_probabilities_stay_probabilities_whatever_is_seen():
    world, rng = Learned(rate=0.02, tenants=3), np.random.default_rng(2)
    for factor in rng.choice([0.0, 0.5, 1.0, 3.0, 50.0], 200):
        world.step(*((int(rng.poisson(factor * 0.02 * size)), size) for size in (1, 100, 100_000)))
        rises = world.rule.rises
        assert rises.healthy + rises.rise.sum(axis=0) == pytest.approx(1.0)
        assert ((rises.healthy > 0) & (rises.healthy <= 1)).all()
        assert (rises.rise >= 0).all()


def test_one_window_is_weighed_by_bayes_rule(rises):
    suppose(rises, 0.2)
    likelier = np.linspace(-1.0, 3.0, len(rises.ratios))
    rises.update(Weighed(np.exp(likelier)[:, None], np.zeros(1), np.zeros(1)), HERE)
    risen = 0.2 * rises.prior * np.exp(likelier)
    assert rises.in_rise[0] == pytest.approx(risen.sum() / (0.8 + risen.sum()))
    assert rises.rise[:, 0] == pytest.approx(risen / (0.8 + risen.sum()))


def test_a_window_that_tells_nothing_changes_no_belief(rises):
    suppose(rises, 0.2)
    rises.update(Weighed(np.full((len(rises.ratios), 1), 9.0), np.zeros(1), np.zeros(1)), AWAY)
    assert rises.in_rise[0] == pytest.approx(0.2)


def test_a_rise_grows_old_by_the_window_seen_or_not(rises, level):
    suppose(rises, 0.5, age_minutes=10.0)
    rises.pass_time(level, HERE, 0.0)
    assert rises.typical_age_minutes()[0] == pytest.approx(15.0)
    rises.pass_time(level, AWAY, 0.0)
    assert rises.typical_age_minutes()[0] == pytest.approx(20.0)
    rises.grow_old(60.0)
    assert rises.typical_age_minutes()[0] == pytest.approx(80.0)


def test_rises_begin_at_the_chance_given_and_are_new(rises, level):
    rises.pass_time(level, HERE, 0.01)
    assert rises.in_rise[0] == pytest.approx(0.01)
    assert rises.typical_age_minutes()[0] <= 5.0


@pytest.mark.parametrize("minutes", [60.0, 120.0, 600.0])
def test_rises_end_in_about_the_time_that_the_policy_says(level, minutes):
    rises = RiseFilter(changed(trouble_minutes=minutes), 5)
    rises.grow(1)
    suppose(rises, 0.8)
    rises.pass_time(level, HERE, 0.0)
    assert rises.in_rise[0] == pytest.approx(0.8 * (1 - 5 / minutes))


def test_without_data_nothing_begins_and_nothing_ends(rises, level):
    suppose(rises, 0.8)
    rises.pass_time(level, AWAY, 0.01)
    assert rises.in_rise[0] == pytest.approx(0.8)


@pytest.mark.parametrize("ratio", [2.0, 3.0, 6.0, 20.0])
def test_the_ratio_that_is_believed_is_the_one_that_was_there(ratio):
    world = Learned(rate=0.01)
    world.steps(12, (100, 10_000))
    world.steps(12, (100 * ratio, 10_000))
    assert world.rule.rises.typical_ratio()[0] == pytest.approx(ratio, rel=0.15)


@pytest.mark.parametrize(
    ("standing", "slow", "fast"),
    [
        pytest.param(-1.0, -0.1, -0.1, id="sunken: no lower than a tenth"),
        pytest.param(0.2, 0.2, 0.2, id="where it stands"),
        pytest.param(1.0, 0.4, 1.0, id="high: the slow part has a bound"),
    ],
)
def test_a_rise_starts_from_where_the_level_stands_within_bounds(rises, level, standing, slow, fast):
    level.slow[:], level.fast[:] = standing, standing
    rises.pass_time(level, HERE, 0.01)
    assert rises.start_slow[:, 0] == pytest.approx(slow)
    assert rises.start_fast[:, 0] == pytest.approx(fast)
