"""When a single tenant is dark, not quiet."""

from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from ledger_guard.domain.dark_tenants import DarkTenant, dark_tenants
from ledger_guard.domain.signals import Reading, Trigger
from ledger_guard.domain.windows import Window

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
FIVE = timedelta(minutes=5)
T1 = Trigger("T1")
CHANCE = 1e-6


def found(after=2, **exposures):
    """Which tenants are dark at the end of an hour with these exposures by window."""
    length = max(map(len, exposures.values()))
    windows = [Window(NOON + number * FIVE, FIVE) for number in range(length)]
    readings = [
        Reading(T1, tenant, windows[number], 0, exposure, 0)
        for tenant, row in exposures.items()
        for number, exposure in enumerate(row)
    ]
    return dark_tenants(windows, readings, CHANCE, after)


def test_a_busy_tenant_whose_requests_stop_is_dark():
    assert found(a=[20] * 11 + [0, 0], b=[30] * 13) == [DarkTenant("a", NOON + 11 * FIVE, 20)]


def test_a_row_with_nothing_and_no_row_at_all_are_the_same():
    assert found(a=[20] * 11, b=[30] * 13) == found(a=[20] * 11 + [0, 0], b=[30] * 13)


@pytest.mark.parametrize(("empty", "is_dark"), [(1, False), (2, True), (3, True)])
def test_it_is_dark_after_the_policys_time(empty, is_dark):
    assert bool(found(a=[50] * 10 + [0] * empty, b=[5] * (10 + empty))) is is_dark


@pytest.mark.parametrize(("usual", "is_dark"), [(7, False), (8, True)], ids=["14 requests missed", "16 requests missed"])
def test_it_takes_as_many_missed_requests_as_chance_can_not_explain(usual, is_dark):
    """With two tenants: ln(2 / 1e-6) = 14.5 of them."""
    assert bool(found(a=[usual] * 10 + [0, 0], b=[50] * 12)) is is_dark


def test_traffic_that_fades_as_by_night_makes_nobody_dark():
    assert found(a=[20, 18, 15, 12, 10, 8, 6, 4, 3, 1, 0, 0], b=[5] * 12) == []


def test_a_tenant_of_whom_too_little_is_known_is_not_dark():
    assert found(a=[0] * 6 + [50] * 5 + [0, 0], b=[5] * 13) == []


def test_a_window_that_was_cut_in_its_middle_does_not_hide_it():
    assert [each.tenant_id for each in found(a=[20] * 9 + [1, 0, 0], b=[5] * 12)] == ["a"]


def test_a_tenant_that_is_never_busy_is_never_dark():
    assert found(a=[1] * 6 + [0] * 7, b=[50] * 13) == []


def test_without_any_reading_nobody_is_dark():
    assert found(a=[0] * 13) == []


@pytest.mark.parametrize("seed", [0, 1])
def test_a_night_of_four_hundred_tenants_raises_no_false_alarm(seed):
    """Each fades to a tenth over the night, and comes back; counts vary more than chance alone makes them."""
    rng = np.random.default_rng(seed)
    windows, tenants = 12 * 12, 400
    mean = np.exp(rng.uniform(np.log(0.3), np.log(60), tenants))
    night = 0.1 + 0.9 * np.abs(np.cos(np.pi * np.arange(windows) / windows)) ** 3
    counts = rng.negative_binomial(4, 4 / (4 + mean[:, None] * night))
    grid = [Window(NOON + number * FIVE, FIVE) for number in range(windows)]
    for end in range(13, windows, 2):
        span = range(end - 13, end)
        readings = [
            Reading(T1, f"t{tenant}", grid[number], 0, int(counts[tenant, number]), 0)
            for tenant in range(tenants)
            for number in span
            if counts[tenant, number]
        ]
        assert dark_tenants([grid[number] for number in span], readings, CHANCE, 2) == []


def test_a_tenant_whose_every_request_fails_is_not_dark_where_only_what_came_through_is_counted():
    windows = [Window(NOON + number * FIVE, FIVE) for number in range(13)]
    failing = [
        Reading(T1, "a", window, 20 if number > 9 else 0, 0 if number > 9 else 20, 0) for number, window in enumerate(windows)
    ]
    assert dark_tenants(windows, failing, CHANCE, 2) == []
