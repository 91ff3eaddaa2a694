"""What is remembered: baselines, hours of the day, and states as bytes."""

import io
import json
import zlib

import numpy as np
import pytest
from readings import DAY, DETECTION, HOUR, TWO_DAYS, USUAL, Platform, alarms, batch, changed, resumed
from tests.triggers import T1, T2

from ledger_guard.detection.level_filter import LevelFilterEngine
from ledger_guard.domain.verdicts import Severity


def test_windows_in_alarm_are_kept_out_of_the_baseline(platform):
    before = platform.rate("t03")
    platform.live(10 * HOUR, rise={"t03": 8.0})
    platform.live(3 * HOUR)
    assert platform.rate("t03") == pytest.approx(before, rel=0.05)


def test_windows_under_repair_are_judged_and_kept_out_of_the_baseline(platform):
    before = platform.rate("t03")
    for _ in range(10 * HOUR):
        judged = platform.judge(platform.traffic() | {"t03": (0, 400)}, quarantined=["t03"])
        assert judged["t03"].severity is Severity.NONE
    platform.live(3 * HOUR)
    assert platform.rate("t03") == pytest.approx(before, rel=0.05)


def test_a_rate_that_sinks_for_good_is_learned(platform):
    before = platform.rate("t03")
    for _ in range(DAY):
        platform.window(platform.traffic() | {"t03": (2, 400)})
    assert platform.rate("t03") < 0.9 * before


def test_a_thin_tenant_leans_on_the_fleet():
    platform = Platform({f"t{i:02d}": (400.0, 0.02) for i in range(8)} | {"tiny": (0.2, 0.02)})
    platform.learn(DAY)
    assert platform.rate("tiny") == pytest.approx(0.02, rel=0.5)


def test_a_tenants_hours_of_the_day_are_no_rise():
    """Each evening four times the morning's rate; after four days it is what is expected."""
    platform = Platform({"a": (2000.0, 0.02), "b": (2000.0, 0.02)}, seed=5)
    judged = []
    for hour in range(6 * 24):
        rise = {"a": 1.0 + 1.5 * (1.0 + float(np.sin(2 * np.pi * hour / 24)))}
        judged += platform.live(HOUR, rise=rise)
    assert alarms(judged[4 * DAY :]) == []


def test_the_first_window_of_an_hour_is_expected_to_be_as_that_hour_was():
    """Nothing of today tells that the rate doubles at eight in the evening: the days before do."""
    platform = Platform({"a": (2000.0, 0.02)}, seed=5)
    for _ in range(5):
        platform.live(20 * HOUR)
        at_eight = platform.window(platform.traffic(rise=2.0))
        platform.live(4 * HOUR - 1, rise=2.0)
    assert at_eight.usual_rate[0] == pytest.approx(0.04, rel=0.2)


def test_a_state_is_taken_over_by_an_engine_that_has_lived_already(learned_days):
    used, fresh = Platform({"another": (10.0, 0.5)}), resumed(USUAL, learned_days)
    rows = fresh.traffic()
    used.learn(1)
    used.window(rows)
    used.engine.load(learned_days)
    used.number = TWO_DAYS
    assert used.judge(rows) == fresh.judge(rows)


def test_a_dump_and_load_halfway_changes_no_verdict():
    whole, halves = Platform(USUAL, seed=5), Platform(USUAL, seed=5)
    stretches = [{}] * 120 + [{"rise": {"t03": 4.0}}] * 20 + [{"rise": 3.0}] * 6 + [{}] * 20
    for number, stretch in enumerate(stretches):
        if number in (50, 125, 143, 150):
            saved = halves.engine.dump()
            halves.engine = LevelFilterEngine(T1, DETECTION, 5)
            halves.engine.load(saved)
        assert whole.live(1, **stretch) == halves.live(1, **stretch)
    assert halves.engine.dump() == whole.engine.dump()


def test_a_verdict_does_not_depend_on_what_comes_later(learned_days):
    platforms = [resumed(USUAL, learned_days, seed=9) for _ in range(2)]
    first = platforms[0].live(20, rise={"t02": 3.0})
    second = platforms[1].live(40, rise={"t02": 3.0})
    assert first == second[:20]


class Tripwire:
    """Says so when it is unpickled."""

    unpickled = False

    def __reduce__(self):
        return setattr, (Tripwire, "unpickled", True)


def archived(**arrays) -> bytes:
    archive = io.BytesIO()
    np.savez(archive, **arrays)
    return zlib.compress(archive.getvalue())


def altered(saved: bytes, **arrays) -> bytes:
    """A dump with other arrays, or without them where None."""
    kept = dict(np.load(io.BytesIO(zlib.decompress(saved)))) | arrays
    return archived(**{name: array for name, array in kept.items() if array is not None})


def in_the_format_before(saved: bytes) -> bytes:
    """As version level_filter/2 wrote it: header and arrays one behind the other."""
    header = json.dumps({"version": "level_filter/2", "arrays": []}).encode()
    return b"LGS1" + zlib.compress(len(header).to_bytes(8, "big") + header)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda saved: b"", id="empty"),
        pytest.param(lambda saved: saved[: len(saved) // 2], id="cut"),
        pytest.param(lambda saved: saved[:200] + bytes(40) + saved[240:], id="overwritten"),
        pytest.param(lambda saved: b"\x80\x04K\x01.", id="a pickle"),
        pytest.param(lambda saved: zlib.compress(b"\x80\x04K\x01."), id="a pickle, compressed"),
        pytest.param(in_the_format_before, id="the format before"),
        pytest.param(lambda saved: altered(saved, header=None), id="no header"),
        pytest.param(lambda saved: altered(saved, header=np.frombuffer(b"[1]", np.uint8)), id="a header of another kind"),
        pytest.param(lambda saved: altered(saved, **{"rises.rise": None}), id="an array is missing"),
    ],
)
def test_bytes_that_are_no_dump_are_refused(learned_days, damage):
    with pytest.raises(ValueError, match="engine state"):
        Platform(USUAL).engine.load(damage(learned_days))


@pytest.mark.parametrize("name", ["header", "rises.rise", "another"])
def test_what_runs_when_it_is_unpickled_is_not_run(learned_days, name):
    with pytest.raises(ValueError, match="engine state"):
        Platform(USUAL).engine.load(altered(learned_days, **{name: np.array([Tripwire()], dtype=object)}))
    assert not Tripwire.unpickled


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(LevelFilterEngine(T2, DETECTION, 5), id="another trigger"),
        pytest.param(LevelFilterEngine(T1, DETECTION, 15), id="another window length"),
        pytest.param(LevelFilterEngine(T1, changed(mild_ratio=2.0), 5), id="other ratios"),
        pytest.param(LevelFilterEngine(T1, DETECTION, 5, events_accumulate=False), id="another kind"),
    ],
)
def test_a_state_of_another_engine_is_refused_and_nothing_is_taken_over(learned_days, other):
    before = other.dump()
    with pytest.raises(ValueError, match="engine state"):
        other.load(learned_days)
    assert other.dump() == before


@pytest.mark.parametrize("number", [pytest.param(10, id="the same window"), pytest.param(9, id="an earlier one")])
def test_windows_come_in_order_of_time(number):
    engine = Platform(USUAL).engine
    engine.judge(batch(10, {"a": (1, 100)}))
    with pytest.raises(ValueError, match="later windows only"):
        engine.judge(batch(number, {"a": (1, 100)}))
