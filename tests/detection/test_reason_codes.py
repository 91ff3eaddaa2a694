"""Reasons by code: worded as they would be one by one."""

import numpy as np
import pytest
from readings import DETECTION

from ledger_guard.detection.reason_codes import CodedReasons, ReasonCode, Wording, duration
from ledger_guard.domain.signals import Nouns

NOUNS = Nouns("refused calls", "calls", "webhooks")


def sentences(code: ReasonCode, count=0, figure=0.0) -> list[str]:
    count, figure = np.broadcast_arrays(np.atleast_1d(count).astype(np.int64), np.asarray(figure, float))
    coded = CodedReasons(np.full(len(count), code, np.int8), count, figure)
    return Wording(DETECTION, NOUNS).sentences(coded)


def test_figures_have_three_digits():
    usual = np.array([0.0, 1e-4, 0.0123456, 0.9996, 1.0, 9.994, 10.04, 99.96, 123.4, 999.9, 1234.0, 56789.0, 1e7, 123456789.0])
    counts = np.arange(len(usual)) * 1e6
    told = sentences(ReasonCode.OWN_RATE, counts, usual)
    figures = [sentence.split(":")[0] for sentence in told]
    assert figures == [f"{count:.0f} refused calls, usually {value:.3g}" for count, value in zip(counts, usual, strict=True)]


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
def test_durations_are_reported_in_the_unit_that_fits(minutes, told):
    severe_minutes, mild_minutes = np.array([minutes, 7.0]), np.array([7.0, minutes])
    severe, mild = sentences(ReasonCode.TOO_LITTLE_TRAFFIC, duration(severe_minutes), duration(mild_minutes))
    assert f"{DETECTION.severe_ratio:g} times as many refused calls would take about {told} to show" in severe
    assert mild.endswith(f"{DETECTION.mild_ratio:g} times about {told}.")


def test_every_code_has_a_sentence_of_its_own():
    assert {code: sentences(code, 12)[0] for code in ReasonCode} == {
        ReasonCode.OWN_RATE: "12 refused calls, usually 0: no rise, as far as the tenant's traffic shows.",
        ReasonCode.NOTHING_ATTEMPTED: "Nothing was attempted in this window.",
        ReasonCode.LEARNING: f"The baseline has 12 of the {DETECTION.baseline_minimum_windows} windows that it needs.",
        ReasonCode.TOO_LITTLE_TRAFFIC: "Too little traffic to detect a rise: 5 times as many refused calls would "
        "take about 12 minutes to show, 1.5 times about 0 minutes.",
        ReasonCode.NO_ROW: "No row in this window.",
        ReasonCode.MISSING_ROW: "No row, usually about 12 calls: data are missing for this tenant.",
    }


def test_each_tenant_gets_its_own_sentence_whatever_the_others_get():
    codes = [ReasonCode.NO_ROW, ReasonCode.LEARNING, ReasonCode.NO_ROW, ReasonCode.MISSING_ROW, ReasonCode.LEARNING]
    coded = CodedReasons(np.array(codes, np.int8), np.array([0, 3, 0, 40, 5]), np.zeros(5))
    wording = Wording(DETECTION, NOUNS)
    together = wording.sentences(coded)
    assert together == [wording.sentence(coded, place) for place in range(5)]
    assert [sentence[:18] for sentence in together] == [
        "No row in this win",
        "The baseline has 3",
        "No row in this win",
        "No row, usually ab",
        "The baseline has 5",
    ]
