"""Sentences by number: said as they would be one by one."""

import numpy as np
import pytest
from readings import DETECTION

from ledger_guard.detection import common_words as words
from ledger_guard.domain.signals import Nouns

NOUNS = Nouns("refused calls", "calls", "webhooks")


def sentences(*numbers: np.ndarray) -> list[str]:
    return words.CommonWords(DETECTION, NOUNS).sentences(np.concatenate([np.atleast_1d(each) for each in numbers]))


def test_figures_have_three_digits_like_any_others():
    usual = np.array([0.0, 1e-4, 0.0123456, 0.9996, 1.0, 9.994, 10.04, 99.96, 123.4, 999.9, 1234.0, 56789.0, 1e7, 123456789.0])
    counts = np.arange(len(usual)) * 1e6
    said = sentences(words.said(words.OWN_RATE, counts, words.three_digits(usual)))
    figures = [sentence.split(" are usual")[0] for sentence in said]
    assert figures == [f"{count:.0f} refused calls where {value:.3g}" for count, value in zip(counts, usual, strict=True)]


@pytest.mark.parametrize(
    ("minutes", "told"),
    [
        (0.4, "0 minutes"),
        (119.4, "119 minutes"),
        (119.9, "120 minutes"),
        (120.0, "2 hours"),
        (47.6 * 60, "48 hours"),
        (48.0 * 60, "2 days"),
        (364.9 * 1440, "365 days"),
        (365.0 * 1440, "more than a year"),
        (1e12, "more than a year"),
    ],
)
def test_durations_are_told_in_the_unit_that_fits(minutes, told):
    durations = words.two_durations(np.array([minutes, 7.0]), np.array([7.0, minutes]))
    severe, mild = sentences(words.said(words.TOO_LITTLE, 0, durations))
    assert f"{DETECTION.severe_ratio:g} times as many refused calls would take about {told} to show" in severe
    assert mild.endswith(f"{DETECTION.mild_ratio:g} times about {told}.")


def test_every_sentence_is_its_own():
    said = sentences(
        *(words.said(sentence, 12.0) for sentence in (words.NOTHING_ATTEMPTED, words.LEARNING, words.NO_ROW)),
        words.said(words.NO_ROW),
    )
    assert said == [
        "Nothing was attempted in this window.",
        f"The baseline has learned 12 of the {DETECTION.baseline_minimum_windows} windows that it needs.",
        "No row where about 12 calls are usual: the source is silent for this tenant.",
        "No row in this window.",
    ]


def test_memory_is_bounded():
    common = words.CommonWords(DETECTION, NOUNS)
    for start in range(3):
        common.sentences(words.said(words.LEARNING, start * 70_000.0 + np.arange(70_000)))
    assert len(common) <= 140_000
    assert common.sentences(words.said(words.LEARNING, np.array([5.0])))[0].startswith("The baseline has learned 5 of")
