"""Figures and sentences of every verdict."""

import json

import pytest

from ledger_guard.domain.verdicts import Severity


def test_an_alarm_tells_its_figures_and_one_sentence(platform):
    verdict = platform.live(3, rise={"t03": 8.0})[2]["t03"]
    reasons = json.loads(json.dumps(verdict.reasons, allow_nan=False))
    assert reasons["events"] / reasons["exposure"] == pytest.approx(reasons["rate"])
    assert reasons["band_low"] < reasons["baseline_rate"] < reasons["band_high"] < reasons["rate"]
    assert reasons["ratio_low"] <= reasons["ratio"] <= reasons["ratio_high"]
    assert reasons["ratio"] == pytest.approx(8.0, rel=0.3)
    assert reasons["evidence"] > 4
    # to the window: what began is told apart from chance by a window's counts
    assert reasons["since"] == "2026-03-04T00:00:00Z"
    assert reasons["would_change"] in verdict.sentence
    assert "for this tenant" in verdict.sentence
    assert verdict.sentence.endswith(".")


def test_a_mild_alarm_tells_what_would_make_it_severe(platform):
    judged = platform.live(8, rise={"t05": 2.5})
    mild = next(each["t05"] for each in judged if each["t05"].severity is Severity.MILD)
    assert mild.reasons["would_change"].startswith("severe from 5 times on, or if it lasts beyond 2026-03-04T01:")


def mixed(platform) -> dict[str, tuple[float, float]]:
    """A window with every word in it: alarms, health, nothing attempted, too little, no row."""
    rows = platform.traffic(rise={"t03": 8.0, "t05": 2.5}) | {"t01": (0, 0)}
    del rows["t02"]
    return rows


def test_every_word_has_its_figures_and_the_same_sentence_by_either_way(with_tiny):
    for _ in range(8):
        judged = with_tiny.window(mixed(with_tiny))
    verdicts = list(judged)
    assert {verdict.severity for verdict in verdicts} == set(Severity)
    assert judged.sentences() == [verdict.sentence for verdict in verdicts]
    for verdict in verdicts:
        json.dumps(verdict.reasons, allow_nan=False)
        if verdict.severity is not Severity.NO_DATA:
            assert {"events", "exposure", "rate", "baseline_rate", "rule"} <= set(verdict.reasons)


def test_reasons_stay_the_same_when_the_engine_has_gone_on(platform):
    for _ in range(3):
        first, second = (platform.window(mixed(platform)) for _ in range(2))
        told = list(second)
    platform.live(30)
    assert list(second) == told
    assert list(first) != told
