"""Every threshold of the policy: below, at and above."""

import numpy as np
import pytest
from readings import DETECTION, Learned

from ledger_guard.detection.alarms import MILD, QUIET, SEVERE
from ledger_guard.detection.platform import movement
from ledger_guard.detection.tails import log_upper_tail
from ledger_guard.policy.schema import Detection


def changed(**numbers) -> Detection:
    return DETECTION.model_copy(update=numbers)


@pytest.mark.parametrize(
    ("events", "level"),
    [
        pytest.param(1499, QUIET, id="below the mild ratio is no rise, however certain"),
        pytest.param(1500, MILD, id="at the mild ratio"),
        pytest.param(1501, MILD, id="above"),
        pytest.param(4999, MILD, id="below the severe ratio"),
        pytest.param(5000, SEVERE, id="at the severe ratio"),
        pytest.param(5001, SEVERE, id="above the severe ratio"),
    ],
)
def test_a_significant_rise_is_graded_by_its_ratio(events, level):
    world = Learned(rate=0.01)
    world.step((events, 100_000))
    assert world.levels == [level]


@pytest.mark.parametrize(
    ("events", "level"),
    [pytest.param(4, QUIET, id="below"), pytest.param(5, SEVERE, id="at"), pytest.param(6, SEVERE, id="above")],
)
def test_fewer_events_than_the_minimum_never_alarm(events, level):
    world = Learned(rate=0.001, detection=changed(false_alarm_probability=0.2, minimum_expected_events=0.1))
    world.step((events, 100))
    assert world.levels == [level]


@pytest.mark.parametrize(
    ("factor", "level"),
    [pytest.param(0.999, QUIET, id="accepts less than the chance of it"), pytest.param(1.001, MILD, id="accepts just as much")],
)
def test_an_alarm_is_less_probable_than_the_accepted_false_alarm(factor, level):
    """The accepted probability is shared by the four horizons, and the first window shows the same on each."""
    ask = Learned(rate=0.01)
    ask.rule.baselines.refresh()
    mean = np.array([20.0])
    chance = float(np.exp(log_upper_tail(np.array([45.0]), mean, ask.rule.baselines.variance(mean)))[0])
    world = Learned(rate=0.01, detection=changed(false_alarm_probability=4 * chance * factor))
    world.step((45, 2000))
    assert world.levels == [level]


@pytest.mark.parametrize(
    ("minutes", "level"),
    [pytest.param(55, MILD, id="below"), pytest.param(60, SEVERE, id="at"), pytest.param(65, SEVERE, id="above")],
)
def test_a_slight_rise_becomes_severe_when_it_has_lasted_long_enough(minutes, level):
    world = Learned(rate=0.01)
    for _ in range(24):
        world.step((1000, 100_000))
    for _ in range(minutes // 5):
        world.step((2000, 100_000))
    assert world.levels == [level]


@pytest.mark.parametrize(
    ("exposure", "is_sufficient"),
    [pytest.param(99, False, id="below"), pytest.param(100, True, id="at"), pytest.param(101, True, id="above")],
)
def test_traffic_suffices_when_a_severe_rise_would_show_enough_events(exposure, is_sufficient):
    """At 1 % and the severe ratio 5, a hundred attempts within the longest horizon would show five events."""
    judged = Learned(rate=0.01).step((0, exposure))
    assert judged.is_sufficient.tolist() == [is_sufficient]


@pytest.mark.parametrize(
    ("learned", "is_known"),
    [pytest.param(35, False, id="below"), pytest.param(36, True, id="at"), pytest.param(37, True, id="above")],
)
def test_a_tenant_is_known_when_enough_windows_were_learned(learned, is_known):
    world = Learned(rate=0.01)
    world.rule.baselines.memory["learned"][:] = learned
    assert world.step((1, 100)).is_known.tolist() == [is_known]


def moved(risen: int, tenants: int, detection: Detection = DETECTION) -> bool:
    events = np.array([300.0] * risen + [100.0] * (tenants - risen))
    expected = np.full(tenants, 100.0)
    judged = np.ones(tenants, bool)
    return movement(events, expected, expected + 100.0, judged, detection, was_widespread=False).is_widespread


@pytest.mark.parametrize(
    ("risen", "is_widespread"),
    [pytest.param(9, False, id="below"), pytest.param(10, True, id="at"), pytest.param(11, True, id="above")],
)
def test_the_platform_moved_when_enough_of_its_tenants_did(risen, is_widespread):
    assert moved(risen, 20) is is_widespread


@pytest.mark.parametrize(
    ("risen", "is_widespread"),
    [pytest.param(2, False, id="below"), pytest.param(3, True, id="at"), pytest.param(4, True, id="above")],
)
def test_the_platform_moved_only_when_enough_tenants_are_there_to_tell(risen, is_widespread):
    assert moved(risen, risen) is is_widespread


def test_the_same_share_that_could_be_chance_is_no_movement():
    events, expected = np.array([2.0] * 6), np.ones(6)
    assert not movement(events, expected, expected, np.ones(6, bool), DETECTION, was_widespread=False).is_widespread
