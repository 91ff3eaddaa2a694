"""How alarms begin, grow graver and end."""

import pytest
from readings import DAY, HOUR, Learned, alarms, words

from ledger_guard.detection.alarms import MILD, QUIET, SEVERE
from ledger_guard.domain.verdicts import Scope, Severity


def test_a_quiet_platform_alarms_no_one(platform):
    judged = platform.live(DAY)
    assert alarms(judged) == []
    assert set(words(judged, "t03")) == {"none"}


def test_a_high_rise_of_one_tenant_is_severe_within_two_windows_and_isolated(platform):
    """One window alone may be a freak."""
    judged = platform.live(2, rise={"t03": 8.0})
    verdict = judged[1]["t03"]
    assert (verdict.severity, verdict.scope) == (Severity.SEVERE, Scope.ISOLATED)
    assert verdict.reasons["rule"] == "high_rise"
    assert {tenant for _, tenant in alarms(judged)} == {"t03"}


def test_a_slight_rise_is_mild_first_and_severe_when_it_lasts(platform):
    judged = platform.live(30, rise={"t05": 2.5})
    found = words(judged, "t05")
    first = found.index("mild")
    assert first <= 6
    assert set(found[:first]) <= {"none"}
    assert "severe" not in found[: first + 6]
    assert set(found[20:]) == {"severe"}
    assert judged[-1]["t05"].reasons["rule"] == "sustained_rise"


def test_a_wobble_below_the_mild_ratio_never_alarms_however_certain_and_long():
    world = Learned(rate=0.01)
    assert world.steps(DAY, (1300, 100_000))[-1] == [QUIET]


def test_a_small_rise_that_no_single_window_shows_is_found_in_the_sum():
    world = Learned(rate=0.01)
    world.steps(24, (4, 400))
    found = world.steps(12, (12, 400))
    assert found[0] == [QUIET]
    assert found[-1] != [QUIET]


def test_events_may_exceed_the_exposure(platform):
    verdicts = [platform.judge(platform.traffic() | {"t03": (450, 400)})["t03"] for _ in range(2)]
    assert (verdicts[1].severity, verdicts[1].reasons["rate"]) == (Severity.SEVERE, 450 / 400)


def test_an_alarm_never_becomes_slighter_before_it_is_over():
    world = Learned(rate=0.01)
    world.steps(12, (100, 10_000))
    world.steps(3, (800, 10_000))
    assert {level for (level,) in world.steps(36, (250, 10_000))} == {SEVERE}


def test_the_ratio_is_taken_from_the_level_the_rise_started_from():
    """The healthy level has wandered up to 1.3 times the baseline; what doubles then has doubled, and no more."""
    world = Learned(rate=0.01, slow=0.05)
    for level in (110, 120, 130, 130):
        world.steps(6 * HOUR, (level, 10_000))
    assert world.levels == [QUIET]
    for _ in range(6):
        judged = world.step((260, 10_000))
    assert judged.level.tolist() == [MILD]
    assert judged.ratio[0] == pytest.approx(2.0, abs=0.3)


def test_a_level_that_sank_and_comes_back_at_once_is_no_rise():
    world = Learned(rate=0.01, slow=0.05)
    world.steps(12 * HOUR, (50, 10_000))
    sunken = world.step((50, 10_000)).seen.expected[0]
    assert sunken < 60
    assert {level for (level,) in world.steps(6 * HOUR, (100, 10_000))} == {QUIET}


def test_an_alarm_ends_when_the_tenant_is_seen_to_be_well(platform):
    platform.live(6, rise={"t03": 8.0})
    judged = words(platform.live(12), "t03")
    assert judged[-1] == "none"
    assert "severe" not in judged[3:]


def test_missing_data_and_empty_windows_end_no_alarm(platform):
    platform.live(6, rise={"t03": 8.0})
    for _ in range(30):
        rows = platform.traffic() | {"t03": (0, 0)}
        assert platform.judge(rows)["t03"].severity is Severity.INSUFFICIENT
    for _ in range(30):
        rows = platform.traffic()
        del rows["t03"]
        assert platform.judge(rows)["t03"].severity is Severity.NO_DATA
    # two attempts say nothing either way: the alarm still stands
    assert platform.judge(platform.traffic() | {"t03": (0, 2)})["t03"].severity is Severity.SEVERE


def test_a_gap_in_the_windows_carries_an_alarm_on(platform):
    platform.live(6, rise={"t03": 8.0})
    platform.number += HOUR
    verdict = platform.judge(platform.traffic() | {"t03": (0, 2)})["t03"]
    assert verdict.severity is Severity.SEVERE
    assert verdict.reasons["age_minutes"] == pytest.approx(95, abs=5)


def test_a_small_tenant_that_recovered_is_healthy_for_an_hour_and_then_not_judged_again():
    world = Learned(rate=0.01)
    world.steps(12, (0, 5))
    world.steps(6, (4, 5))
    judged = [world.step((0, 5)) for _ in range(60)]
    over = next(i for i, each in enumerate(judged) if not each.level[0])
    assert not any(each.is_sufficient[0] for each in judged[over:])
    assert [each.is_recovering[0] for each in judged[over:]] == [True] * HOUR + [False] * (60 - over - HOUR)
