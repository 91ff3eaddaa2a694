"""The rows of a window over all known tenants."""

import numpy as np
import pytest
from readings import batch

from ledger_guard.detection.observations import observe

ROWS = {"a": (3, 10.0), "b": (2, np.nan)}


@pytest.mark.parametrize(
    ("subjects", "is_several"),
    [pytest.param(4, False, id="below"), pytest.param(5, True, id="at"), pytest.param(np.nan, False, id="not told")],
)
def test_several_players_are_known_of_only_where_the_source_tells_them(subjects, is_several):
    observed = observe(batch(0, ROWS, subjects={"a": subjects}), np.array([2, 0]), 3, 5, events_accumulate=True)
    assert observed.is_several.tolist() == [False, False, is_several]
    assert observed.present.tolist() == [True, False, True]
    assert observed.events.tolist() == [2.0, 0.0, 3.0]
    assert observed.attempts.tolist() == [1.0, 0.0, 10.0]


def test_a_window_that_could_not_be_read_shows_nothing():
    told = batch(0, ROWS, subjects={"a": 9, "b": 9}, reason="the log is gone")
    observed = observe(told, np.array([0, 1]), 2, 5, events_accumulate=True)
    assert not observed.present.any()
    assert not observed.is_several.any()
    assert observed.events.tolist() == observed.attempts.tolist() == [0.0, 0.0]


def test_a_differing_balance_is_a_player():
    observed = observe(batch(0, ROWS), np.array([0, 1]), 2, 5, events_accumulate=False)
    assert observed.subjects.tolist() == [3.0, 2.0]
