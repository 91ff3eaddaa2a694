"""Every threshold of the policy: below, at and above where the rule has a sharp limit, the right way round where it weighs."""

import numpy as np
import pytest
from readings import DETECTION, HOUR, Learned, changed

from ledger_guard.detection.alarms import MILD, QUIET, SEVERE
from ledger_guard.policy.detection import Detection


def risen(ratio: float, detection: Detection = DETECTION, windows: int = 6) -> int:
    """The level after half an hour of a rise by `ratio` that chance cannot explain, of a tenant known exactly."""
    world = Learned(rate=0.01, detection=detection)
    world.steps(HOUR, (1000, 100_000))
    return world.steps(windows, (1000 * ratio, 100_000))[-1][0]


# --- how much is a rise -------------------------------------------------------------------------------------------


def test_a_rise_is_graded_by_its_ratio():
    """The ratio is believed in, not measured: near a limit either verdict may come."""
    assert [risen(ratio) for ratio in (0.5, 1.0, 1.25, 2.0, 3.0, 4.0, 6.0, 20.0, 99.0)] == [QUIET] * 3 + [MILD] * 3 + [SEVERE] * 3


@pytest.mark.parametrize(("mild_ratio", "level"), [(1.5, MILD), (2.0, MILD), (4.5, QUIET)])
def test_a_rise_far_below_the_mild_ratio_alarms_no_one(mild_ratio, level):
    assert risen(2.5, changed(mild_ratio=mild_ratio)) == level


@pytest.mark.parametrize(("severe_ratio", "level"), [(2.5, SEVERE), (4.0, SEVERE), (7.0, MILD), (10.0, MILD)])
def test_a_rise_is_high_from_the_severe_ratio_on(severe_ratio, level):
    assert risen(5.0, changed(severe_ratio=severe_ratio)) == level


def windows_until(level: int, detection: Detection, *, events: float, exposure: float = 1000.0, most: int = 60) -> int:
    """How many windows a rise takes to reach a level."""
    world = Learned(rate=0.01, detection=detection)
    world.steps(HOUR, (exposure / 100, exposure))
    return 1 + [levels[0] >= level for levels in world.steps(most, (events, exposure))].index(True)


@pytest.mark.parametrize("minutes", [30, 60, 120])
def test_a_slight_rise_becomes_severe_when_it_has_lasted_long_enough(minutes):
    found = windows_until(SEVERE, changed(sustained_minutes=minutes), events=2500, exposure=100_000)
    assert 5 * found == pytest.approx(minutes, abs=15)


@pytest.mark.parametrize(("name", "level"), [("mild_false_alarms", MILD), ("severe_false_alarms", SEVERE)])
def test_fewer_accepted_false_alarms_ask_for_more_windows(name, level):
    both = {"mild_false_alarms": 1000.0, "severe_false_alarms": 1000.0}
    found = [windows_until(level, changed(**both | {name: bound}), events=8, exposure=100) for bound in (0.05, 1.0, 30.0, 1e3)]
    assert found == sorted(found, reverse=True)
    assert found[0] > found[-1]


def test_the_longer_a_trouble_usually_lasts_the_later_its_alarm_ends():
    def still_in_alarm(minutes: float) -> int:
        world = Learned(rate=0.01, detection=changed(trouble_minutes=minutes))
        for windows, events in ((HOUR, 2), (8, 8)):
            world.steps(windows, (events, 200))
        return sum(level > QUIET for (level,) in world.steps(24, (3, 200)))

    short, usual, long = (still_in_alarm(minutes) for minutes in (30.0, 120.0, 2000.0))
    assert short <= usual <= long
    assert short < long


# --- how little is too little -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("windows", "is_alarm"),
    [pytest.param(4, False, id="below"), pytest.param(5, True, id="at"), pytest.param(6, True, id="above")],
)
def test_fewer_events_within_the_hour_than_the_minimum_never_alarm(windows, is_alarm):
    """One event a window where one in forty hours is usual."""
    world = Learned(rate=0.001)
    assert (world.steps(windows, (1, 2))[-1] != [QUIET]) is is_alarm


@pytest.mark.parametrize(("minimum", "level"), [(3, SEVERE), (4, SEVERE), (5, QUIET)])
def test_events_of_more_than_an_hour_ago_do_not_count_to_the_minimum(minimum, level):
    """One event in every third window: never more than four within an hour."""
    world = Learned(rate=0.001, detection=changed(minimum_events=minimum))
    found = [world.step((1, 2) if number % 3 == 0 else (0, 0)).level.tolist() for number in range(36)]
    assert max(found) == [level]


@pytest.mark.parametrize(
    ("factor", "is_sufficient"),
    [pytest.param(0.999, True, id="above"), pytest.param(1.0, True, id="at"), pytest.param(1.001, False, id="below")],
)
def test_traffic_suffices_when_a_severe_rise_would_show_enough_events_in_an_hour(factor, is_sufficient):
    def hour(detection: Detection):
        world = Learned(rate=0.01, detection=detection)
        return [world.step((0, 8)) for _ in range(2 * HOUR)][-1]

    would_show = float(hour(DETECTION).hour_expected[0]) * DETECTION.severe_ratio
    assert would_show == pytest.approx(12 * 8 * 0.01 * 5, rel=0.01)
    assert hour(changed(minimum_expected_events=would_show * factor)).is_sufficient.tolist() == [is_sufficient]


@pytest.mark.parametrize(("players", "is_sufficient"), [(4, False), (5, True), (6, True)])
def test_a_comparison_of_balances_suffices_from_the_least_number_of_players_on(players, is_sufficient):
    assert Learned(rate=0.01, accumulate=False).step((0, players)).is_sufficient.tolist() == [is_sufficient]


@pytest.mark.parametrize(
    ("learned", "is_known"),
    [pytest.param(35, False, id="below"), pytest.param(36, True, id="at"), pytest.param(37, True, id="above")],
)
def test_a_tenant_is_judged_when_enough_windows_were_learned(learned, is_known):
    world = Learned(rate=0.01)
    world.rule.baselines.learned[:] = learned
    assert (world.steps(3, (900, 1000))[-1] == [SEVERE]) is is_known


# --- how many are the platform ------------------------------------------------------------------------------------


def widespread(risen: int, tenants: int, detection: Detection = DETECTION, ratio: float = 8.0) -> list[bool]:
    """Which of the first `risen` tenants are in alarm with the platform after three windows."""
    world = Learned(rate=0.01, tenants=tenants, detection=detection)
    world.steps(HOUR, *[(20, 2000)] * tenants)
    for _ in range(3):
        judged = world.step(*[(20 * ratio, 2000)] * risen, *[(20, 2000)] * (tenants - risen))
    assert judged.level.tolist() == [SEVERE] * risen + [QUIET] * (tenants - risen)
    return judged.is_widespread[:risen].tolist()


@pytest.mark.parametrize(
    ("count", "is_widespread"),
    [pytest.param(2, False, id="below"), pytest.param(3, True, id="at"), pytest.param(4, True, id="above")],
)
def test_the_platform_moved_only_when_enough_tenants_did(count, is_widespread):
    assert widespread(count, count) == [is_widespread] * count
    assert widespread(count, 4) == [is_widespread] * count


def test_what_is_enough_tenants_is_the_policys():
    assert widespread(2, 2, changed(widespread_minimum_tenants=2)) == [True] * 2
    assert widespread(5, 8, changed(widespread_minimum_tenants=6)) == [False] * 5
    assert widespread(6, 8, changed(widespread_minimum_tenants=6)) == [True] * 6


def test_a_small_share_of_the_tenants_is_the_platform_only_when_the_policy_looks_for_it():
    found = [all(widespread(16, 100, changed(widespread_share=share))) for share in (0.12, 0.3, 0.5)]
    assert found == sorted(found, reverse=True)
    assert (found[0], found[-1]) == (True, False)


def test_what_could_be_chance_in_each_is_chance_in_all():
    world, rng = Learned(rate=0.01, tenants=30), np.random.default_rng(8)
    for _ in range(288):
        world.step(*((int(rng.poisson(1.0)), 100) for _ in range(30)))
        assert not world.rule.pooled.is_widespread
