"""Where balances are compared, and the engine of every trigger."""

import pytest
from readings import TWO_DAYS, Learned, Platform, batch
from tests.triggers import TRIGGERS

from ledger_guard.detection.alarms import MILD, QUIET, SEVERE
from ledger_guard.detection.registry import make_engine
from ledger_guard.domain.verdicts import Severity
from ledger_guard.policy.loader import load_policy


def test_a_standing_difference_is_not_fresh_evidence_every_window():
    """Ten of 500 players differ where five usually do: however often it is looked at, that is not more than it was."""
    world = Learned(rate=0.01, accumulate=False)
    assert world.steps(60, (10, 500))[-1] == [QUIET]
    counted = Learned(rate=0.01)
    assert counted.steps(60, (10, 500))[-1] != [QUIET]


@pytest.mark.parametrize(("differing", "level"), [pytest.param(1, MILD, id="one player"), pytest.param(2, SEVERE, id="two")])
def test_one_player_whose_balance_comes_and_goes_is_never_severe(differing, level):
    world = Learned(rate=0.0001, accumulate=False)
    found = [world.step((differing * (number % 2), 100)).level.tolist() for number in range(36)]
    assert max(found) == [level]


def test_a_new_level_of_differences_is_severe_within_two_windows_and_over_when_repaired():
    platform = Platform({f"t{i:02d}": (300.0, 0.0) for i in range(5)}, accumulate=False)
    platform.learn(TWO_DAYS)
    risen = [platform.judge(platform.traffic() | {"t03": (differ, 300)})["t03"].severity for differ in (100, 101)]
    assert risen[1] is Severity.SEVERE
    judged = [platform.judge(platform.traffic() | {"t03": (0, 300)})["t03"].severity for _ in range(3)]
    assert judged[1:] == [Severity.NONE, Severity.NONE]


def test_the_sentence_tells_what_differs_now_and_adds_no_windows_up():
    platform = Platform({f"t{i:02d}": (300.0, 0.01) for i in range(5)}, accumulate=False)
    platform.learn(TWO_DAYS)
    for differ in (100, 101, 102):
        verdict = platform.judge(platform.traffic() | {"t03": (differ, 300)})["t03"]
    assert verdict.sentence.startswith("102 events of 300 attempts, usually 3"), verdict.sentence
    assert "within the hour" not in verdict.sentence


@pytest.mark.parametrize("trigger", TRIGGERS, ids=lambda trigger: trigger.value)
def test_the_registry_knows_an_engine_for_every_trigger(trigger):
    assert make_engine(load_policy(), trigger).judge(batch(0, {"a": (1, 100)})).verdict(0).trigger is trigger
