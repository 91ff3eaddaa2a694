"""The last hour: empty windows that late counts fill, sums, and one player who tries again."""

import numpy as np
import pytest

from ledger_guard.detection.last_hour import LastHour


class World:
    """One tenant, window by window."""

    def __init__(self) -> None:
        self.last_hour = LastHour(5)
        self.last_hour.grow(1)
        self.number = 0

    def push(self, events: float, *, expected: float = 1.0, subjects: float = np.nan, answered=False):
        arrays = [np.array([each]) for each in (events, expected, expected, subjects, answered)]
        self.last_hour.push(self.number, *arrays)
        self.number += 1

    def awaited(self, events: float) -> float:
        return float(self.last_hour.awaited(self.number, np.array([events]))[0])


@pytest.mark.parametrize(
    ("expected", "awaited"),
    [pytest.param(0.99, 0.0, id="below"), pytest.param(1.0, 3.0, id="at"), pytest.param(1.5, 4.5, id="above")],
)
def test_more_empty_windows_than_chance_explains_are_answered_for_by_the_next_events(expected, awaited):
    world = World()
    for _ in range(3):
        world.push(0, expected=expected)
    assert world.awaited(5) == awaited
    assert world.awaited(0) == 0.0


def test_only_the_empty_windows_just_before_count():
    world = World()
    for events in (0, 0, 0, 0, 1, 0, 0, 0):
        world.push(events)
    assert world.awaited(5) == 3.0


def test_a_window_without_a_row_counts_as_empty_but_waits_for_nothing():
    world = World()
    for expected in (1.0, 1.0, 0.0, 1.0):
        world.push(0, expected=expected)
    assert world.awaited(5) == 3.0


def test_empty_windows_are_answered_for_once():
    world = World()
    for _ in range(5):
        world.push(0)
    world.push(5, answered=True)
    world.push(0)
    assert world.awaited(5) == 0.0


def test_the_sums_are_of_the_last_twelve_windows():
    world = World()
    world.push(100, expected=100.0)
    for _ in range(12):
        world.push(2, expected=0.5)
    assert (world.last_hour.total_events()[0], world.last_hour.total_expected()[0]) == (24.0, 6.0)


@pytest.mark.parametrize(
    ("pushes", "is_one"),
    [
        pytest.param([(3, 1), (0, 0), (2, 1)], True, id="one tries again"),
        pytest.param([(3, 1), (2, 2)], False, id="two"),
        pytest.param([(3, np.nan)], False, id="not known"),
        pytest.param([(1, 1)], False, id="a single event is nobody trying again"),
    ],
)
def test_one_player_is_distinguished_from_several(pushes, is_one):
    world = World()
    for events, subjects in pushes:
        world.push(events, subjects=subjects)
    assert world.last_hour.is_one_subject().tolist() == [is_one]
