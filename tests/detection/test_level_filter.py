"""What the engine says about a platform: alarms, silence, traps, memory."""

import json

import numpy as np
import pytest
from readings import DAY, DETECTION, HOUR, Learned, Platform, batch, changed

from ledger_guard.detection.alarms import MILD, QUIET, SEVERE
from ledger_guard.detection.level_filter import LevelFilterEngine
from ledger_guard.detection.registry import make_engine
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.policy.loader import load_policy

USUAL = {f"t{i:02d}": (400.0, 0.01 + 0.002 * i) for i in range(8)}
TWO_DAYS = 2 * DAY


def remembered(tenants) -> bytes:
    """What an engine remembers after two quiet days."""
    platform = Platform(tenants)
    platform.learn(TWO_DAYS)
    return platform.engine.dump()


def resumed(tenants, saved: bytes, seed: int = 7) -> Platform:
    platform = Platform(tenants, seed=seed)
    platform.engine.load(saved)
    platform.number = TWO_DAYS
    return platform


@pytest.fixture(scope="module")
def learned_days() -> bytes:
    """Eight tenants of 400 attempts a window."""
    return remembered(USUAL)


@pytest.fixture
def platform(learned_days) -> Platform:
    return resumed(USUAL, learned_days)


TINY = {**USUAL, "tiny": (2.0, 0.02)}


@pytest.fixture(scope="module")
def learned_tiny() -> bytes:
    """And a ninth of two attempts a window."""
    return remembered(TINY)


@pytest.fixture
def with_tiny(learned_tiny) -> Platform:
    return resumed(TINY, learned_tiny)


def words(judged, tenant) -> list[str]:
    return [verdicts[tenant].severity.value for verdicts in judged]


def alarms(judged) -> list[tuple[int, str]]:
    return [(i, each.tenant_id) for i, verdicts in enumerate(judged) for each in verdicts.values() if each.severity.is_alarm]


# --- alarms -------------------------------------------------------------------------------------------------------


def test_a_quiet_platform_alarms_nobody(platform):
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


# --- reasons ------------------------------------------------------------------------------------------------------


def test_an_alarm_tells_its_figures_and_one_sentence(platform):
    verdict = platform.live(3, rise={"t03": 8.0})[2]["t03"]
    reasons = json.loads(json.dumps(verdict.reasons, allow_nan=False))
    assert reasons["events"] / reasons["exposure"] == pytest.approx(reasons["rate"])
    assert reasons["band_low"] < reasons["baseline_rate"] < reasons["band_high"] < reasons["rate"]
    assert reasons["ratio_low"] <= reasons["ratio"] <= reasons["ratio_high"]
    assert reasons["ratio"] == pytest.approx(8.0, rel=0.3)
    assert reasons["evidence"] > 4
    # to the window: what began is told apart from chance by a window's counts
    assert reasons["since"] == "2026-03-04T00:00:00Z"
    assert reasons["would_change"] in verdict.sentence
    assert "usual for this tenant" in verdict.sentence
    assert verdict.sentence.endswith(".")


def test_a_mild_alarm_tells_what_would_make_it_severe(platform):
    judged = platform.live(8, rise={"t05": 2.5})
    mild = next(each["t05"] for each in judged if each["t05"].severity is Severity.MILD)
    assert mild.reasons["would_change"].startswith("severe from 5 times on, or if it lasts beyond 2026-03-04T01:")


def mixed(platform) -> dict[str, tuple[float, float]]:
    """A window with every word in it: alarms, health, nothing attempted, too little, no row."""
    rows = platform.traffic(rise={"t03": 8.0, "t05": 2.5}) | {"t01": (0, 0)}
    del rows["t02"]
    return rows


def test_every_word_has_its_figures_and_the_same_sentence_by_either_way(with_tiny):
    for _ in range(8):
        judged = with_tiny.window(mixed(with_tiny))
    verdicts = list(judged)
    assert {verdict.severity for verdict in verdicts} == set(Severity)
    assert judged.sentences() == [verdict.sentence for verdict in verdicts]
    for verdict in verdicts:
        json.dumps(verdict.reasons, allow_nan=False)
        if verdict.severity is not Severity.NO_DATA:
            assert {"events", "exposure", "rate", "baseline_rate", "rule"} <= set(verdict.reasons)


def test_reasons_stay_the_same_when_the_engine_has_gone_on(platform):
    for _ in range(3):
        first, second = (platform.window(mixed(platform)) for _ in range(2))
        told = list(second)
    platform.live(30)
    assert list(second) == told
    assert list(first) != told


# --- the end of an alarm ------------------------------------------------------------------------------------------


def test_an_alarm_ends_when_the_tenant_is_seen_to_be_well(platform):
    platform.live(6, rise={"t03": 8.0})
    judged = words(platform.live(12), "t03")
    assert judged[-1] == "none"
    assert "severe" not in judged[3:]


def test_silence_and_empty_windows_end_no_alarm(platform):
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


# --- too little, and nothing --------------------------------------------------------------------------------------


def test_one_unlucky_window_of_a_tiny_tenant_never_pages(with_tiny):
    judged = [with_tiny.judge(with_tiny.traffic() | {"tiny": (9, 9)})]
    judged += [with_tiny.judge(with_tiny.traffic() | {"tiny": (0, 2)}) for _ in range(24)]
    assert "severe" not in words(judged, "tiny")


@pytest.mark.parametrize(
    ("players", "level"),
    [pytest.param(np.nan, QUIET, id="unknown"), pytest.param(4, QUIET, id="too few"), pytest.param(5, SEVERE, id="enough")],
)
def test_a_burst_in_one_window_counts_at_once_when_several_players_are_known_to_be_behind_it(players, level):
    world = Learned(rate=0.01)
    assert world.step((15, 30), subjects=players).level.tolist() == [level]


def test_one_player_who_tries_again_and_again_is_never_severe():
    world = Learned(rate=0.01)
    for _ in range(30):
        world.step((20, 200), subjects=1)
    assert world.levels == [MILD]


def test_the_same_by_several_players_is():
    world = Learned(rate=0.01)
    for _ in range(30):
        world.step((20, 200), subjects=2)
    assert world.levels == [SEVERE]


def test_a_tiny_tenant_is_told_how_long_which_rise_would_take_to_show(with_tiny):
    verdict = with_tiny.live(1)[-1]["tiny"]
    assert verdict.severity is Severity.INSUFFICIENT
    assert "5 times as many failures would take about" in verdict.sentence
    assert "1.5 times about" in verdict.sentence


def test_a_near_total_failure_of_a_tiny_tenant_is_found_in_several_windows(with_tiny):
    assert "severe" in words(with_tiny.live(8, rise={"tiny": 50.0}), "tiny")


def test_a_tenant_without_a_row_has_no_data_whatever_its_size(with_tiny):
    rows = with_tiny.traffic()
    del rows["t03"], rows["tiny"]
    judged = with_tiny.judge(rows)
    assert (judged["t03"].severity, judged["tiny"].severity) == (Severity.NO_DATA, Severity.NO_DATA)
    assert "about 40" in judged["t03"].sentence
    assert judged["tiny"].sentence == "No row in this window."


def test_an_incomplete_window_is_no_data_for_every_known_tenant_and_says_why(platform):
    judged = platform.judge({"t03": (400, 400)}, reason="the source did not answer")
    assert {verdict.severity for verdict in judged.values()} == {Severity.NO_DATA}
    assert "the source did not answer" in judged["t03"].sentence
    assert len(judged) == len(USUAL)


def test_an_unknown_tenant_is_not_reported_before_its_first_row(platform):
    assert "late" not in platform.live(1)[0]
    verdict = platform.judge(platform.traffic() | {"late": (1, 50)})["late"]
    assert verdict.severity is Severity.INSUFFICIENT
    assert verdict.sentence == "The baseline has learned 0 of the 36 windows that it needs."


def test_after_a_gap_the_first_windows_are_not_called_healthy_by_old_evidence(platform):
    platform.tenants["t03"] = (20.0, 0.016)
    platform.live(1)
    platform.number += HOUR
    assert platform.live(1)[0]["t03"].severity is Severity.INSUFFICIENT


def test_without_a_past_nobody_is_judged():
    """Three hours of windows are asked for, and an hour is learned when the next is over."""
    judged = Platform(USUAL).live(4 * HOUR, rise={"t03": 20.0})
    assert {verdict.severity for verdicts in judged for verdict in verdicts.values()} == {Severity.INSUFFICIENT}


def test_counts_without_exposure_are_judged_against_the_usual_count():
    platform = Platform({"a": (1000.0, 0.02), "b": (500.0, 0.02)})

    def window(factor=1.0):
        return {tenant: (events, np.nan) for tenant, (events, _) in platform.traffic(rise={"a": factor}).items()}

    for _ in range(TWO_DAYS):
        quiet = platform.window(window())
    assert quiet.usual_rate == pytest.approx([20.0, 10.0], rel=0.15)
    assert (quiet.verdict(0).severity, quiet.verdict(0).reasons["exposure"]) == (Severity.NONE, None)
    platform.window(window(8.0))
    assert [each.severity for each in platform.window(window(8.0))] == [Severity.SEVERE, Severity.NONE]


def test_where_only_counts_are_known_a_usual_count_is_never_next_to_nothing():
    platform = Platform({})
    for _ in range(DAY):
        platform.window({"a": (0, np.nan)})
    assert platform.rate("a") == 0.02


# --- traps --------------------------------------------------------------------------------------------------------


def test_a_surge_of_traffic_at_the_usual_rate_alarms_nobody(platform):
    assert alarms(platform.live(24, surge=10.0)) == []


def test_a_drift_of_the_whole_platform_below_the_mild_ratio_alarms_nobody():
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


def test_late_failures_that_pile_up_after_silence_are_no_rise(platform):
    silent = [platform.judge(platform.traffic() | {"t03": (0, 400)}) for _ in range(8)]
    judged = [platform.judge(platform.traffic() | {"t03": (58, 400)}), *platform.live(12)]
    assert alarms(silent + judged) == []


def test_events_after_a_silence_are_set_against_the_silent_windows_too():
    world = Learned(rate=0.01)
    world.steps(24, (6, 600))
    world.steps(6, (0, 600))
    assert world.step((42, 600)).seen.baseline[0] > 30.0
    assert world.step((6, 600)).seen.baseline[0] == pytest.approx(6.0, rel=0.01)


def test_more_than_silence_explains_is_one():
    world = Learned(rate=0.01)
    world.steps(24, (6, 600))
    world.steps(6, (0, 600))
    world.steps(3, (200, 600))
    assert world.levels == [SEVERE]


def test_a_peak_of_the_week_is_no_news_the_second_time():
    """Every Monday from 20 to 22 o'clock three times the usual."""
    platform = Platform({"a": (400.0, 0.02), "b": (400.0, 0.02)}, seed=3)
    platform.learn(7 * DAY + 20 * HOUR)
    first = platform.live(2 * HOUR, rise={"a": 3.0})
    assert words(first, "a")[-1] == "severe"
    platform.learn(7 * DAY - 2 * HOUR)
    second = platform.live(2 * HOUR, rise={"a": 3.0})
    assert "severe" not in words(second, "a")
    assert "as at the same hours of the last weeks" in second[-1]["a"].sentence
    platform.learn(7 * DAY - 2 * HOUR)
    assert words(platform.live(2 * HOUR, rise={"a": 12.0}), "a")[-1] == "severe"


# --- scope --------------------------------------------------------------------------------------------------------


def test_a_rise_of_most_tenants_is_widespread_for_those_that_moved(platform):
    risen = {f"t{i:02d}": 7.0 for i in range(6)}
    judged = platform.live(3, rise=risen)[-1]
    for tenant in risen:
        assert (judged[tenant].severity, judged[tenant].scope) == (Severity.SEVERE, Scope.WIDESPREAD)
    assert not judged["t06"].severity.is_alarm
    assert not judged["t07"].severity.is_alarm


def test_a_common_rise_is_known_before_any_tenant_shows_it_by_itself():
    def first_alarm(tenants: int) -> int:
        world = Learned(rate=0.01, tenants=tenants)
        world.steps(12, *[(3, 300)] * tenants)
        found = world.steps(24, *[(9, 300)] * tenants)
        assert world.rule.platform.is_widespread == (tenants > 1)
        return next(i for i, levels in enumerate(found) if all(levels))

    assert first_alarm(20) < first_alarm(1)


def test_what_began_with_the_platform_ends_with_it():
    world = Learned(rate=0.01, tenants=20)
    for windows, events in ((12, 3), (6, 9), (12, 3)):
        found = world.steps(windows, *[(events, 300)] * 20)
        assert all(found[-1]) == (events == 9)
    assert world.levels == [QUIET] * 20
    assert not world.rule.platform.is_widespread


def test_an_older_trouble_of_one_tenant_does_not_become_the_platforms(platform):
    platform.live(18, rise={"t07": 8.0})
    judged = platform.live(3, rise=dict.fromkeys(USUAL, 8.0))[-1]
    assert judged["t07"].scope is Scope.ISOLATED
    assert {judged[tenant].scope for tenant in USUAL if tenant != "t07"} == {Scope.WIDESPREAD}


# --- memory -------------------------------------------------------------------------------------------------------


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
    courses = [{}] * 120 + [{"rise": {"t03": 4.0}}] * 20 + [{"rise": 3.0}] * 6 + [{}] * 20
    for number, course in enumerate(courses):
        if number in (50, 125, 143, 150):
            saved = halves.engine.dump()
            halves.engine = LevelFilterEngine(Trigger.INSUFFICIENT_FUNDS, DETECTION, 5)
            halves.engine.load(saved)
        assert whole.live(1, **course) == halves.live(1, **course)
    assert halves.engine.dump() == whole.engine.dump()


def test_a_verdict_does_not_depend_on_what_comes_later(learned_days):
    platforms = [resumed(USUAL, learned_days, seed=9) for _ in range(2)]
    first = platforms[0].live(20, rise={"t02": 3.0})
    second = platforms[1].live(40, rise={"t02": 3.0})
    assert first == second[:20]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda saved: b"", id="empty"),
        pytest.param(lambda saved: saved[: len(saved) // 2], id="cut"),
        pytest.param(lambda saved: b"\x80\x04K\x01.", id="a pickle"),
    ],
)
def test_bytes_that_are_no_dump_are_refused(learned_days, damage):
    with pytest.raises(ValueError, match="engine state"):
        Platform(USUAL).engine.load(damage(learned_days))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(LevelFilterEngine(Trigger.WEBHOOK_SIGNATURE, DETECTION, 5), id="another trigger"),
        pytest.param(LevelFilterEngine(Trigger.INSUFFICIENT_FUNDS, DETECTION, 15), id="another window length"),
        pytest.param(LevelFilterEngine(Trigger.INSUFFICIENT_FUNDS, changed(mild_ratio=2.0), 5), id="other ratios"),
        pytest.param(LevelFilterEngine(Trigger.INSUFFICIENT_FUNDS, DETECTION, 5, events_accumulate=False), id="another kind"),
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


# --- balances -----------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("trigger", list(Trigger), ids=lambda trigger: trigger.value)
def test_the_registry_knows_an_engine_for_every_trigger(trigger):
    assert make_engine(load_policy(), trigger).judge(batch(0, {"a": (1, 100)})).verdict(0).trigger is trigger
