"""When no rows are no data rather than quiet."""

from collections import Counter

import pytest
from health_worlds import window

from ledger_guard.domain.missing_data import missing_windows

CHANCE = 1e-6


@pytest.mark.parametrize(
    ("usual", "is_missing"),
    [
        pytest.param([], True, id="the usual number is not known"),
        pytest.param([0, 0, 0], False, id="nothing ever comes at this hour"),
        pytest.param([13] * 12, False, id="an empty window has a chance of 2.3e-6"),
        pytest.param([14] * 12, True, id="an empty window has a chance of 8e-7"),
        pytest.param([500] * 5 + [2] * 7, False, id="traffic had died down already"),
        pytest.param([2] * 5 + [500] * 7, True, id="traffic had come up"),
    ],
)
def test_an_empty_window_is_missing_data_when_it_is_implausible(usual, is_missing):
    assert (window(0).start in missing_windows([window(0)], Counter(), usual, CHANCE)) is is_missing


def test_a_window_with_one_row_is_never_missing_data():
    assert missing_windows([window(0)], Counter({window(0).start: 1}), [500] * 12, CHANCE) == {}


def test_missing_data_stay_missing_however_long_they_last():
    found = missing_windows([window(n) for n in range(100)], Counter(), [500] * 12, CHANCE)
    assert len(found) == 100


def test_windows_learn_from_the_ones_before_them():
    totals = Counter({window(n).start: 50 for n in range(12)})
    found = missing_windows([window(n) for n in range(13)], totals, [], CHANCE)
    assert list(found) == [window(12).start]


def test_what_was_usual_is_forgotten_after_a_day():
    totals = Counter({window(n).start: 50 for n in range(12)})
    found = missing_windows([window(n) for n in range(400)], totals, [], CHANCE)
    assert len(found) == 388
    last_known = window(11 + 288).start
    assert "usually 50" in found[last_known]
    assert "the usual number is not known" in found[window(12 + 288).start]


def test_no_window_at_all_is_nothing_to_ask_about():
    assert missing_windows([], Counter(), [500] * 12, CHANCE) == {}
