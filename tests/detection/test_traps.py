"""What looks like a trouble and is none."""

import pytest
from readings import TWO_DAYS, Learned, Platform, alarms, words

from ledger_guard.detection.alarms import SEVERE


def test_a_surge_of_traffic_at_the_usual_rate_alarms_no_one(platform):
    assert alarms(platform.live(24, surge=10.0)) == []


def test_a_drift_of_the_whole_platform_below_the_mild_ratio_alarms_no_one():
    platform = Platform({f"t{i:02d}": (3000.0, 0.02) for i in range(30)})
    platform.learn(TWO_DAYS)
    assert alarms(platform.live(48, rise=1.3)) == []


def test_a_late_batch_is_no_rise(platform):
    missed = []
    for _ in range(6):
        rows = platform.traffic()
        missed.append(rows.pop("t03"))
        platform.judge(rows)
    late = (sum(events for events, _ in missed), sum(exposure for _, exposure in missed))
    judged = [platform.judge(platform.traffic() | {"t03": late}), *platform.live(12)]
    assert alarms(judged) == []


def test_late_failures_that_pile_up_after_empty_windows_are_no_rise(platform):
    empty = [platform.judge(platform.traffic() | {"t03": (0, 400)}) for _ in range(8)]
    judged = [platform.judge(platform.traffic() | {"t03": (58, 400)}), *platform.live(12)]
    assert alarms(empty + judged) == []


def test_events_after_empty_windows_are_set_against_the_missing_windows_too():
    world = Learned(rate=0.01)
    world.steps(24, (6, 600))
    world.steps(6, (0, 600))
    assert world.step((42, 600)).seen.baseline[0] > 30.0
    assert world.step((6, 600)).seen.baseline[0] == pytest.approx(6.0, rel=0.01)


def test_more_than_empty_windows_explain_is_one():
    world = Learned(rate=0.01)
    world.steps(24, (6, 600))
    world.steps(6, (0, 600))
    world.steps(3, (200, 600))
    assert world.levels == [SEVERE]


def test_a_peak_of_the_week_is_no_news_the_second_time():
    """Every Monday from 20 to 22 o'clock three times the usual."""
    platform = Platform({"a": (1200.0, 0.02), "b": (1200.0, 0.02)}, seed=3, minutes=15)
    hours, week = 4, 7 * 24 * 4
    platform.learn(week + 20 * hours)
    first = platform.live(2 * hours, rise={"a": 3.0})
    assert words(first, "a")[-1] == "severe"
    platform.learn(week - 2 * hours)
    second = platform.live(2 * hours, rise={"a": 3.0})
    assert "severe" not in words(second, "a")
    assert "as in the same hours of the last weeks" in second[-1]["a"].sentence
    platform.learn(week - 2 * hours)
    assert words(platform.live(2 * hours, rise={"a": 12.0}), "a")[-1] == "severe"
