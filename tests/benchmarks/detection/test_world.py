"""A world is the same for the same seed, and its truth agrees with its counts."""

from dataclasses import replace

import numpy as np
import pytest
from benchmarks.detection.labels import window_index
from benchmarks.detection.settings import WorldSettings
from benchmarks.detection.truth import read_truth
from benchmarks.detection.world import make_world


def test_a_seed_makes_one_world(world, small_settings):
    again = make_world(small_settings, 7)
    assert np.array_equal(world.events, again.events, equal_nan=True)
    assert np.array_equal(world.exposure, again.exposure, equal_nan=True)
    assert world.truth == again.truth


def test_another_seed_makes_another_world(world, small_settings):
    assert not np.array_equal(world.events, make_world(small_settings, 8).events, equal_nan=True)


def test_more_troubles_leave_traffic_and_healthy_rates_as_they_were(world, small_settings):
    more = make_world(replace(small_settings, blips=60.0), 7)
    assert np.array_equal(world.healthy_rate, more.healthy_rate)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"size_law": "pareto"}, id="tail of sizes"),
        pytest.param({"noise_family": "lognormal"}, id="noise family"),
        pytest.param({"window_minutes": 15}, id="window length"),
        pytest.param({"noise_sd": (0.0, 0.0), "tries": (1.0, 1.0)}, id="poisson counts"),
    ],
)
def test_every_kind_of_world_can_be_made_and_read(small_settings, change):
    made = make_world(replace(small_settings, **change), 3)
    truth = read_truth(made.truth)
    assert truth.right.shape == made.events.shape
    assert truth.incidents


@pytest.mark.parametrize("change", [{"window_minutes": 7}, {"window_minutes": 60}, {"days": 8}])
def test_settings_that_make_no_world_are_refused(change):
    with pytest.raises(ValueError, match="allowed"):
        WorldSettings(**change)


def test_missing_rows_have_neither_events_nor_attempts_and_are_in_the_labels(world):
    is_missing = np.isnan(world.exposure)
    assert np.array_equal(is_missing, np.isnan(world.events))
    assert np.array_equal(is_missing, read_truth(world.truth).is_missing)
    assert is_missing.any()


def test_sizes_and_rates_stay_within_their_limits(world):
    assert world.healthy_rate.min() > 0
    assert (world.healthy_rate * world.ratio).max() < 1
    low, high = world.settings.size_limits
    assert 0.5 * low < min(world.truth["size"])
    assert max(world.truth["size"]) < 2 * high


def test_troubles_of_one_tenant_do_not_touch(world):
    """Or the labels of one would judge the verdicts of another."""
    taken = np.zeros(world.events.shape, dtype=int)
    column = {tenant: index for index, tenant in enumerate(world.truth["tenants"])}
    for incident in world.truth["incidents"]:
        first, after = (window_index(incident[end], 5, world.truth["start"]) for end in ("start", "end"))
        for tenant in incident["tenants"]:
            taken[first:after, column[tenant]] += 1
    assert taken.max() == 1


def test_scored_troubles_begin_after_learning(world):
    first_scored = world.settings.first_scored
    starts = [window_index(one["start"], 5, world.truth["start"]) for one in world.truth["incidents"] if one["scored"]]
    assert min(starts) >= first_scored


def test_every_class_and_trap_appears(world):
    classes = {incident["class"] for incident in world.truth["incidents"]}
    assert classes >= {"blip", "spike", "sustained", "ramp", "flag", "widespread"}
    kinds = {trap["kind"] for trap in world.truth["traps"]}
    assert kinds >= {"traffic_surge", "data_outage", "late_batch", "late_events", "unlucky_single", "seasonal_peak"}
