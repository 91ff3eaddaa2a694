"""When numbers that repeat are an exporter that is stuck."""

import math

import numpy as np
import pytest

from ledger_guard.domain.stuck_values import StuckWatch

CHANCE = 1e-6
BUSY = {"a": (3, 100), "b": (0, 80)}


def verdicts(*windows, at_least=6):
    watch = StuckWatch(CHANCE, at_least)
    return [bool(watch.why_stuck(numbers)) for numbers in windows]


def test_the_same_numbers_of_all_tenants_are_stuck_from_the_policys_window_on():
    assert verdicts(*[BUSY] * 8) == [False] * 5 + [True] * 3


def test_one_tenant_that_moves_shows_that_nothing_is_stuck():
    windows = [{**BUSY, "b": (0, 80 + number)} for number in range(8)]
    assert not any(verdicts(*windows))


def test_when_the_numbers_move_again_counting_begins_anew():
    assert verdicts(*[BUSY] * 6, {"a": (3, 101)}, *[BUSY] * 5) == [False] * 5 + [True] + [False] * 6


def test_quiet_traffic_may_well_repeat_itself():
    assert not any(verdicts(*[{"a": (0, 1)}] * 12))


def test_what_repeats_without_any_request_is_not_stuck_but_empty():
    assert not any(verdicts(*[{"a": (0, 0)}] * 50, *[{}] * 50))


def test_windows_from_before_count():
    watch = StuckWatch(CHANCE, 6, [BUSY] * 5)
    assert "the same numbers for all 2 tenants in 6 windows" in str(watch.why_stuck(BUSY))


@pytest.mark.parametrize("mean", [0.01, 0.3, 1, 3, 10, 100, 1000])
def test_chance_is_never_underrated(mean):
    """Two Poisson counts are equal with exp(-2m) I0(2m), which 1/sqrt(1 + 4m) bounds from above."""
    equal = float(np.i0(2 * mean)) * math.exp(-2 * mean) if mean < 300 else 1 / math.sqrt(4 * math.pi * mean)
    assert equal <= 1 / math.sqrt(1 + 4 * mean)
