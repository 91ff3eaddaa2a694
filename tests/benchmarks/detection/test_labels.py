"""Which severity is right depends on the ratio and on the age of a rise, at limits that both sides agree on."""

import numpy as np
import pytest
from benchmarks.detection.labels import packed, segments, unpacked, words


@pytest.mark.parametrize(
    ("ratio", "word"),
    [
        pytest.param(1.49, "grace", id="below 1.5 nothing is asked"),
        pytest.param(1.5, "mild", id="at 1.5 mild is right"),
        pytest.param(3.99, "mild", id="below 4 only mild is"),
        pytest.param(4.0, "either", id="at 4 both are"),
        pytest.param(5.0, "either", id="at the threshold of severe both are"),
        pytest.param(6.5, "either", id="at 6.5 both still are"),
        pytest.param(6.51, "severe", id="above 6.5 only severe is"),
    ],
)
def test_a_young_rise_is_reported_by_its_ratio(ratio, word):
    assert words(np.array([ratio]), 5) == [word]


@pytest.mark.parametrize(
    ("age_minutes", "word"),
    [
        pytest.param(35, "mild", id="before minute 40"),
        pytest.param(40, "either", id="at minute 40"),
        pytest.param(55, "either", id="before minute 60"),
        pytest.param(60, "severe", id="at minute 60"),
    ],
)
def test_a_slight_rise_becomes_severe_with_age(age_minutes, word):
    assert words(np.full(20, 2.0), 5)[age_minutes // 5] == word


def test_a_rise_is_not_older_than_its_first_window_that_counts():
    """A ramp's first windows, below 1.5, are no part of its age."""
    course = np.concatenate([np.full(6, 1.2), np.full(13, 2.0)])
    assert words(course, 5)[:7] == ["grace"] * 6 + ["mild"]
    assert words(course, 5)[-1] == "severe"


def test_segments_are_spells_in_time():
    found = segments(np.array([1.2, 2.0, 2.0, 9.0]), 12, 5)
    assert [(first[11:16], after[11:16], word) for first, after, word in found] == [
        ("01:00", "01:05", "grace"),
        ("01:05", "01:15", "mild"),
        ("01:15", "01:20", "severe"),
    ]


def test_a_mask_survives_being_text():
    mask = np.random.default_rng(1).uniform(size=(13, 7)) < 0.3
    assert np.array_equal(unpacked(packed(mask), mask.shape), mask)
