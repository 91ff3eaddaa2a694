"""Published rules say what their authors meant them to, and our engine's answers come out window by window."""

from datetime import timedelta

import numpy as np
import pytest
from benchmarks.detection.command import new_engine
from benchmarks.detection.published import PUBLISHED, BurnRate
from benchmarks.detection.rolling import rolling_sum
from benchmarks.detection.settings import WorldSettings
from benchmarks.detection.speed import measured
from benchmarks.detection.verdicts import Word, batch, engine_verdicts
from benchmarks.detection.whole_backtest import whole_backtest
from benchmarks.detection.world import make_world

DAY = 288
RISE = slice(9 * DAY, 9 * DAY + 60)


@pytest.fixture(scope="module")
def healthy() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    exposure = rng.poisson(200, (10 * DAY, 4)).astype(float)
    return rng.binomial(exposure.astype(int), 0.02).astype(float), exposure


@pytest.mark.parametrize("rule", PUBLISHED, ids=lambda rule: rule.name)
def test_flat_traffic_raises_nothing(rule, healthy):
    assert (rule.judge(*healthy, 5).words == Word.NONE).all()


@pytest.mark.parametrize("rule", PUBLISHED, ids=lambda rule: rule.name)
def test_a_collapse_of_one_tenant_is_severe_for_that_tenant_only(rule, healthy):
    events, exposure = healthy[0].copy(), healthy[1]
    events[RISE, 2] = np.round(0.9 * exposure[RISE, 2])
    words = rule.judge(events, exposure, 5).words
    assert (words[RISE, 2] == Word.SEVERE).any()
    assert (words[: RISE.start] == Word.NONE).all()
    assert (words[:, [0, 1, 3]] == Word.NONE).all()


@pytest.mark.parametrize("rule", PUBLISHED, ids=lambda rule: rule.name)
def test_a_missing_row_is_no_data(rule, healthy):
    events, exposure = (counts.copy() for counts in healthy)
    events[2700:2705, 1] = exposure[2700:2705, 1] = np.nan
    words = rule.judge(events, exposure, 5).words
    assert (words[2700:2705, 1] == Word.NO_DATA).all()
    assert (words == Word.NO_DATA).sum() == 5


@pytest.mark.parametrize("rule", PUBLISHED, ids=lambda rule: rule.name)
def test_a_rule_does_not_see_the_future(rule, world):
    cut = 8 * DAY
    whole = rule.judge(world.events, world.exposure, 5).words
    assert np.array_equal(whole[:cut], rule.judge(world.events[:cut], world.exposure[:cut], 5).words)


def test_tickets_are_mild(healthy):
    events, exposure = healthy[0].copy(), healthy[1]
    events[8 * DAY :, 0] *= 3
    words = BurnRate(budget=1.5, tickets=True).judge(events, exposure, 5).words
    assert (words[:, 0] == Word.MILD).any()


def test_a_rolling_sum_skips_missing_rows():
    counts = np.array([[1.0], [np.nan], [3.0], [4.0]])
    assert rolling_sum(counts, 2).ravel().tolist() == [1, 1, 3, 7]


def test_the_engine_sees_the_rows_that_exist(world):
    window = int(np.flatnonzero(np.isnan(world.exposure).any(axis=1))[0])
    rows = batch(world, window)
    assert len(rows.tenant_ids) == (~np.isnan(world.exposure[window])).sum()
    assert rows.window.length == timedelta(minutes=5)


def test_the_engine_answers_missing_rows_with_no_data():
    small = make_world(WorldSettings(tenants=8, days=9, window_minutes=30, late_share=0.0), 2)
    verdicts = engine_verdicts(new_engine(30), small)
    is_missing = np.isnan(small.exposure)
    is_missing[0] = False
    assert verdicts.is_widespread is not None
    assert (verdicts.words[is_missing] == Word.NO_DATA).all()


def test_speed_is_measured_on_what_was_judged():
    speed = measured(new_engine(5), 20, (5, 10), 3)
    assert speed.verdicts_a_second == pytest.approx(20_000 / speed.milliseconds_a_window)
    assert set(speed.bytes_a_tenant) == {5, 10}


def test_the_whole_command_is_timed_on_a_file_of_the_size_that_is_said():
    speed = whole_backtest(12, 15)
    assert speed.verdicts_a_second == pytest.approx(12 * 15 / speed.seconds)
    assert speed.megabytes_read > 0
