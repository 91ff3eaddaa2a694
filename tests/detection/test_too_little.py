"""What is said where there is too little to tell, or nothing."""

import numpy as np
import pytest
from readings import DAY, HOUR, TWO_DAYS, USUAL, Learned, Platform, words

from ledger_guard.detection.alarms import MILD, QUIET, SEVERE
from ledger_guard.domain.verdicts import Severity


def test_one_unlucky_window_of_a_tiny_tenant_never_pages(with_tiny):
    judged = [with_tiny.judge(with_tiny.traffic() | {"tiny": (9, 9)})]
    judged += [with_tiny.judge(with_tiny.traffic() | {"tiny": (0, 2)}) for _ in range(24)]
    assert "severe" not in words(judged, "tiny")


@pytest.mark.parametrize(
    ("players", "level"),
    [pytest.param(np.nan, QUIET, id="unknown"), pytest.param(4, QUIET, id="too few"), pytest.param(5, SEVERE, id="enough")],
)
def test_a_burst_in_one_window_counts_at_once_when_several_players_are_known_to_be_behind_it(players, level):
    world = Learned(rate=0.01)
    assert world.step((15, 30), subjects=players).level.tolist() == [level]


def test_one_player_who_tries_again_and_again_is_never_severe():
    world = Learned(rate=0.01)
    for _ in range(30):
        world.step((20, 200), subjects=1)
    assert world.levels == [MILD]


def test_the_same_by_several_players_is():
    world = Learned(rate=0.01)
    for _ in range(30):
        world.step((20, 200), subjects=2)
    assert world.levels == [SEVERE]


@pytest.mark.parametrize("exposure", [0, 3, 200])
def test_a_total_failure_is_found_where_a_source_counts_only_what_came_through(exposure):
    world = Learned(rate=0.02)
    for _ in range(3):
        world.step((200, exposure), subjects=150)
    assert world.levels == [SEVERE]


def test_a_total_failure_of_one_tenant_is_no_lack_of_traffic(platform):
    judged = [platform.judge(platform.traffic() | {"t00": (60, 0)}) for _ in range(3)]
    assert judged[-1]["t00"].severity is Severity.SEVERE


def test_a_tiny_tenants_sentence_says_how_long_a_rise_would_take_to_show(with_tiny):
    verdict = with_tiny.live(1)[-1]["tiny"]
    assert verdict.severity is Severity.INSUFFICIENT
    assert "5 times as many events would take about" in verdict.sentence
    assert "1.5 times about" in verdict.sentence


def test_a_near_total_failure_of_a_tiny_tenant_is_found_in_several_windows(with_tiny):
    assert "severe" in words(with_tiny.live(8, rise={"tiny": 50.0}), "tiny")


def test_a_tenant_without_a_row_has_no_data_whatever_its_size(with_tiny):
    rows = with_tiny.traffic()
    del rows["t03"], rows["tiny"]
    judged = with_tiny.judge(rows)
    assert (judged["t03"].severity, judged["tiny"].severity) == (Severity.NO_DATA, Severity.NO_DATA)
    assert "about 40" in judged["t03"].sentence
    assert judged["tiny"].sentence == "No row in this window."


def test_an_incomplete_window_is_no_data_for_every_known_tenant_and_says_why(platform):
    judged = platform.judge({"t03": (400, 400)}, reason="the source did not answer")
    assert {verdict.severity for verdict in judged.values()} == {Severity.NO_DATA}
    assert "the source did not answer" in judged["t03"].sentence
    assert len(judged) == len(USUAL)


def test_an_unknown_tenant_is_not_reported_before_its_first_row(platform):
    assert "late" not in platform.live(1)[0]
    verdict = platform.judge(platform.traffic() | {"late": (1, 50)})["late"]
    assert verdict.severity is Severity.INSUFFICIENT
    assert verdict.sentence == "The baseline has 0 of the 36 windows that it needs."


def test_after_a_gap_the_first_windows_are_not_called_healthy_by_old_evidence(platform):
    platform.tenants["t03"] = (20.0, 0.016)
    platform.live(1)
    platform.number += HOUR
    assert platform.live(1)[0]["t03"].severity is Severity.INSUFFICIENT


def test_without_a_past_no_one_is_judged():
    """Three hours of windows are asked for, and an hour is learned when the next is over."""
    judged = Platform(USUAL).live(4 * HOUR, rise={"t03": 20.0})
    assert {verdict.severity for verdicts in judged for verdict in verdicts.values()} == {Severity.INSUFFICIENT}


def test_counts_without_exposure_are_judged_against_the_usual_count():
    platform = Platform({"a": (1000.0, 0.02), "b": (500.0, 0.02)})

    def window(factor=1.0):
        return {tenant: (events, np.nan) for tenant, (events, _) in platform.traffic(rise={"a": factor}).items()}

    for _ in range(TWO_DAYS):
        quiet = platform.window(window())
    assert quiet.usual_rate == pytest.approx([20.0, 10.0], rel=0.15)
    assert (quiet.verdict(0).severity, quiet.verdict(0).reasons["exposure"]) == (Severity.NONE, None)
    platform.window(window(8.0))
    assert [each.severity for each in platform.window(window(8.0))] == [Severity.SEVERE, Severity.NONE]


def test_where_only_counts_are_known_a_usual_count_is_never_next_to_nothing():
    platform = Platform({})
    for _ in range(DAY):
        platform.window({"a": (0, np.nan)})
    assert platform.rate("a") == 0.02
