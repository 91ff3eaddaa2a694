"""Habits of the week: what is remembered of an hour, and which rises it explains."""

import numpy as np
import pytest

from ledger_guard.detection.weekly import WeekBefore

HOUR = 20


def learned(week: WeekBefore, events: float, which: bool = True) -> float:
    """The hour's habit after it ran at `events` where 199 are expected: (events + 1) / 200 is its ratio."""
    week.learn(np.array([which]), HOUR, np.array([events]), np.array([199.0]), np.array([199.0]))
    return float(week.ratio[HOUR, 0])


@pytest.fixture
def week() -> WeekBefore:
    week = WeekBefore()
    week.grow(1)
    return week


def explains(week: WeekBefore, hour: int, ratio: float) -> bool:
    return bool(week.explains(hour, np.array([ratio]))[0])


@pytest.mark.parametrize(
    ("events", "habit"),
    [
        pytest.param(258, 1.0, id="too slight"),
        pytest.param(279, 1.4, id="high"),
        pytest.param(797, 3.99, id="below four times"),
        pytest.param(799, 1.0, id="at four times: a trouble"),
        pytest.param(2000, 1.0, id="above"),
    ],
)
def test_an_hour_that_ran_high_is_a_habit_but_a_trouble_is_not(week, events, habit):
    assert learned(week, events) == pytest.approx(habit)


def test_a_high_ratio_of_a_handful_is_chance(week):
    week.learn(np.array([True]), HOUR, np.array([3.0]), np.array([1.0]), np.array([1.0]))
    assert week.ratio[HOUR, 0] == 1.0


def test_a_habit_outlives_a_trouble_at_its_hour_and_an_hour_without_data(week):
    learned(week, 399)
    assert learned(week, 2000) == 2.0
    assert learned(week, 199, which=False) == 2.0


def test_a_habit_that_is_not_seen_again_fades_by_half_and_a_smaller_peak_keeps_it(week):
    learned(week, 399)
    assert learned(week, 319) == 2.0
    assert learned(week, 199) == 1.5
    assert learned(week, 199) == 1.25


@pytest.mark.parametrize(
    ("ratio", "is_explained"), [pytest.param(2.99, True, id="below"), pytest.param(3.0, False, id="at"), pytest.param(3.1, False)]
)
def test_a_habit_explains_up_to_half_as_much_again(week, ratio, is_explained):
    learned(week, 399)
    assert explains(week, HOUR, ratio) is is_explained


@pytest.mark.parametrize(
    ("hour", "is_explained"), [(HOUR - 2, False), (HOUR - 1, True), (HOUR, True), (HOUR + 1, True), (HOUR + 2, False)]
)
def test_a_habit_explains_the_hours_beside_it_too(week, hour, is_explained):
    learned(week, 399)
    assert explains(week, hour, 2.0) is is_explained


def test_the_week_is_round(week):
    week.ratio[167, 0] = 2.0
    assert explains(week, 0, 2.0)


def test_without_a_habit_nothing_is_explained(week):
    assert not explains(week, HOUR, 1.4)
