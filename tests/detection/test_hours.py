"""Whole hours: summed, and given out to be learned when the next hour is over."""

import numpy as np
import pytest

from ledger_guard.detection.hours import HourNow


@pytest.fixture
def hours() -> HourNow:
    hours = HourNow()
    hours.grow(2)
    hours.turn(100)
    return hours


def take(hours: HourNow, *, events=(1.0, 2.0), exposure=(10.0, 20.0), doubt=(0.0, 0.0)) -> None:
    hours.take(*(np.array(each) for each in (events, exposure, (0.5, 0.5), doubt)))


def test_an_hour_is_given_out_when_the_next_is_over(hours):
    take(hours)
    assert hours.turn(101) is None
    take(hours)
    assert hours.turn(102).number == 100
    assert hours.turn(103).number == 101


def test_it_is_the_sum_of_its_own_windows(hours):
    take(hours)
    take(hours)
    hours.turn(101)
    take(hours, events=(70.0, 70.0))
    done = hours.turn(102)
    assert done.events.tolist() == [2.0, 4.0]
    assert done.exposure.tolist() == [20.0, 40.0]
    assert done.expected.tolist() == [1.0, 1.0]
    assert done.windows.tolist() == [2.0, 2.0]


def test_windows_without_an_attempt_do_not_count(hours):
    take(hours, events=(0.0, 0.0), exposure=(0.0, 0.0))
    hours.turn(101)
    done = hours.turn(102)
    assert done.windows.tolist() == [0.0, 0.0]
    assert done.events.tolist() == [0.0, 0.0]


def test_an_hours_doubt_is_the_worst_of_it_and_of_the_hour_after(hours):
    take(hours, doubt=(0.9, 0.1))
    take(hours, doubt=(0.2, 0.0))
    hours.turn(101)
    take(hours, doubt=(0.0, 0.8))
    assert hours.turn(102).doubt.tolist() == [0.9, 0.8]
    assert hours.turn(103).doubt.tolist() == [0.0, 0.8]
