"""What the engine says about a platform: alarms, silence, traps, memory."""

import json

import numpy as np
import pytest
from readings import DETECTION, Learned, Platform, batch

from ledger_guard.detection.alarms import MILD, SEVERE
from ledger_guard.detection.registry import make_engine
from ledger_guard.detection.tenant_baseline import TenantBaselineEngine
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.policy.loader import load_policy

USUAL = {f"t{i:02d}": (400.0, 0.01 + 0.002 * i) for i in range(8)}
DAY = 288


@pytest.fixture(scope="module")
def learned_day() -> bytes:
    """What an engine remembers after a quiet day of eight tenants of 400 attempts a window."""
    platform = Platform(USUAL)
    platform.live(DAY)
    return platform.engine.dump()


@pytest.fixture
def platform(learned_day) -> Platform:
    world = Platform(USUAL, seed=7)
    world.engine.load(learned_day)
    world.number = DAY
    return world


def words(judged, tenant) -> list[str]:
    return [verdicts[tenant].severity.value for verdicts in judged]


def alarms(judged) -> list[tuple[int, str]]:
    return [(i, each.tenant_id) for i, verdicts in enumerate(judged) for each in verdicts.values() if each.severity.is_alarm]


# --- alarms -------------------------------------------------------------------------------------------------------


def test_a_quiet_platform_alarms_nobody(platform):
    judged = platform.live(DAY)
    assert alarms(judged) == []
    assert set(words(judged, "t03")) == {"none"}


def test_a_high_rise_of_one_tenant_is_severe_at_once_and_isolated(platform):
    verdict = platform.live(1, rise={"t03": 8.0})[0]["t03"]
    assert (verdict.severity, verdict.scope) == (Severity.SEVERE, Scope.ISOLATED)
    assert verdict.reasons["rule"] == "high_rise"


def test_a_slight_rise_is_mild_first_and_severe_when_it_lasts(platform):
    judged = words(platform.live(30, rise={"t05": 2.5}), "t05")
    first = judged.index("mild")
    assert set(judged[:first]) <= {"none"}
    assert "severe" not in judged[: first + 6]
    assert set(judged[20:]) == {"severe"}


def test_age_alone_makes_nothing_severe():
    """After half an hour of twice the usual the tenant stays just below the mild ratio: neither well nor clearly ill."""
    world = Learned(rate=0.01)
    for events in [2000] * 6 + [1450] * 24:
        world.step((events, 100_000))
    assert world.levels == [MILD]


def test_a_small_sustained_rise_that_no_single_window_shows_is_found_in_the_sum():
    world = Learned(rate=0.01)
    for _ in range(24):
        world.step((4, 400))
    found = []
    for _ in range(12):
        world.step((12, 400))
        found.append(bool(world.levels[0]))
    assert not found[0]
    assert found[-1]


def test_an_alarm_tells_its_figures_and_one_sentence(platform):
    verdict = platform.live(2, rise={"t03": 8.0})[1]["t03"]
    reasons = json.loads(json.dumps(verdict.reasons))
    assert reasons["events"] / reasons["exposure"] == pytest.approx(reasons["rate"])
    assert reasons["band_low"] < reasons["baseline_rate"] < reasons["band_high"] < reasons["rate"]
    assert reasons["ratio_low"] < reasons["ratio"] < reasons["ratio_high"]
    assert reasons["p_value"] < DETECTION.false_alarm_probability
    assert reasons["since"] == "2026-03-03T00:00:00Z"
    assert "usual for this tenant" in verdict.sentence
    assert verdict.sentence.endswith(".")


def test_every_verdict_has_events_baseline_rule_and_a_sentence(platform):
    for verdict in platform.live(1)[0].values():
        assert {"events", "exposure", "rate", "baseline_rate", "rule"} <= set(verdict.reasons)
        assert verdict.sentence
        json.dumps(verdict.reasons, allow_nan=False)


def test_events_may_exceed_the_exposure(platform):
    rows = platform.traffic() | {"t03": (450, 400)}
    verdict = platform.judge(rows)["t03"]
    assert (verdict.severity, verdict.reasons["rate"]) == (Severity.SEVERE, 450 / 400)


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


def test_one_lucky_window_of_a_small_tenant_ends_no_alarm():
    world = Learned(rate=0.01)
    for _ in range(12):
        world.step((0, 10))
    for _ in range(4):
        world.step((3, 10))
    assert world.levels[0]
    world.step((0, 10))
    assert world.levels[0]


def test_a_small_tenant_that_recovered_is_healthy_for_a_while_and_then_not_judged_again():
    tiny = {**USUAL, "tiny": (6.0, 0.01)}
    platform = Platform(tiny)
    platform.live(200)
    platform.live(6, rise={"tiny": 70.0})
    judged = words(platform.live(60), "tiny")
    assert {"severe", "none", "insufficient"} >= set(judged)
    assert judged.count("none") >= 2
    assert judged[-1] == "insufficient"


# --- too little, and nothing --------------------------------------------------------------------------------------


def test_one_unlucky_window_of_a_tiny_tenant_never_pages():
    platform = Platform({**USUAL, "tiny": (2.0, 0.02)})
    platform.live(DAY)
    judged = [platform.judge(platform.traffic() | {"tiny": (9, 9)})]
    judged += [platform.judge(platform.traffic() | {"tiny": (0, 2)}) for _ in range(24)]
    assert [each for each in alarms(judged) if each[1] == "tiny"] == []


def test_the_same_burst_by_several_known_players_does():
    platform = Platform({**USUAL, "tiny": (2.0, 0.02)})
    platform.live(DAY)
    verdict = platform.judge(platform.traffic() | {"tiny": (9, 9)}, subjects={"tiny": 9})["tiny"]
    assert verdict.severity.is_alarm


def test_one_player_who_tries_again_and_again_is_never_severe():
    world = Learned(rate=0.01)
    for _ in range(30):
        world.step((20, 200), subjects=1)
    assert world.levels == [1]


def test_a_tiny_tenant_is_told_how_long_which_rise_would_take_to_show():
    platform = Platform({**USUAL, "tiny": (2.0, 0.02)})
    verdict = platform.live(120)[-1]["tiny"]
    assert verdict.severity is Severity.INSUFFICIENT
    assert "5 times as many failures would take about" in verdict.sentence
    assert "1.5 times about" in verdict.sentence


def test_a_near_total_failure_of_a_tiny_tenant_is_found_in_several_windows():
    platform = Platform({**USUAL, "tiny": (4.0, 0.02)})
    platform.live(DAY)
    assert "severe" in words(platform.live(6, rise={"tiny": 50.0}), "tiny")


def test_a_tenant_without_a_row_has_no_data_whatever_its_size():
    platform = Platform({**USUAL, "tiny": (2.0, 0.02)})
    platform.live(60)
    rows = platform.traffic()
    del rows["t03"], rows["tiny"]
    judged = platform.judge(rows)
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
    assert platform.judge(platform.traffic() | {"late": (1, 50)})["late"].severity is Severity.INSUFFICIENT


def test_after_an_outage_the_first_windows_are_not_called_healthy_by_old_evidence(platform):
    platform.tenants["t03"] = (20.0, 0.016)
    platform.live(1)
    platform.number += 12
    assert platform.live(1)[0]["t03"].severity is Severity.INSUFFICIENT


def test_without_a_past_nobody_is_judged():
    judged = Platform(USUAL).live(36, rise={"t03": 20.0})
    assert {verdict.severity for verdicts in judged for verdict in verdicts.values()} == {Severity.INSUFFICIENT}


def test_counts_without_exposure_are_judged_against_the_usual_count():
    platform = Platform({"a": (1000.0, 0.02), "b": (500.0, 0.02)})

    def window(factor=1.0):
        return {tenant: (events, np.nan) for tenant, (events, _) in platform.traffic(rise={"a": factor}).items()}

    for _ in range(DAY):
        quiet = platform.judge(window())
    assert quiet["a"].severity is Severity.NONE
    assert quiet["a"].reasons["exposure"] is None
    assert platform.judge(window(8.0))["a"].severity is Severity.SEVERE


# --- traps --------------------------------------------------------------------------------------------------------


def test_a_surge_of_traffic_at_the_usual_rate_alarms_nobody(platform):
    assert alarms(platform.live(24, surge=10.0)) == []


def test_a_drift_of_the_whole_platform_below_the_mild_ratio_alarms_nobody():
    platform = Platform({f"t{i:02d}": (3000.0, 0.02) for i in range(30)})
    platform.live(DAY)
    assert alarms(platform.live(48, rise=1.3)) == []


def test_a_common_drift_does_not_lift_single_tenants_over_the_mild_ratio():
    world = Learned(rate=0.01, tenants=30)
    for _ in range(12):
        world.step(*[(1450, 100_000)] * 20, *[(1520, 100_000)] * 10)
    assert world.levels == [0] * 30


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


# --- scope --------------------------------------------------------------------------------------------------------


def test_a_rise_of_most_tenants_is_widespread_for_those_that_moved(platform):
    risen = {f"t{i:02d}": 7.0 for i in range(6)}
    judged = platform.live(3, rise=risen)[-1]
    for tenant in risen:
        assert (judged[tenant].severity, judged[tenant].scope) == (Severity.SEVERE, Scope.WIDESPREAD)
    assert not judged["t06"].severity.is_alarm
    assert not judged["t07"].severity.is_alarm


def test_a_common_rise_that_no_tenant_shows_by_itself_is_widespread():
    world = Learned(rate=0.01, tenants=20)
    for _ in range(12):
        world.step(*[(3, 300)] * 20)
    judged = [world.step(*[(6, 300)] * 20) for _ in range(6)]
    assert not any(each.evidence.passed.any() for each in judged)
    assert all(each.movement.is_widespread for each in judged)
    assert world.levels == [1] * 20


def test_what_began_with_the_platform_ends_with_it():
    world = Learned(rate=0.01, tenants=20)
    for rows in [(3, 300)] * 12 + [(6, 300)] * 6 + [(3, 300)]:
        world.step(*[rows] * 20)
    assert world.levels == [0] * 20
    world.step(*[(3, 300)] * 20)
    assert world.levels == [0] * 20
    assert not world.rule.is_widespread


# --- memory -------------------------------------------------------------------------------------------------------


def test_the_windows_before_an_alarm_are_kept_out_too():
    world = Learned(rate=0.01)
    for _ in range(11):
        world.step((12, 1000))
    world.step((80, 1000))
    assert world.levels == [SEVERE]
    assert world.rule.recent.memory["tainted"].all()


def test_windows_in_alarm_are_kept_out_of_the_baseline(platform):
    platform.live(1)
    before = platform.rate("t03")
    platform.live(100, rise={"t03": 8.0})
    platform.live(30)
    assert platform.rate("t03") == pytest.approx(before, rel=0.05)


def test_windows_under_repair_are_judged_and_kept_out_of_the_baseline(platform):
    platform.live(20)
    before = platform.rate("t03")
    for _ in range(100):
        judged = platform.judge(platform.traffic() | {"t03": (0, 400)}, quarantined=["t03"])
        assert judged["t03"].severity is Severity.NONE
    platform.live(1)
    assert platform.rate("t03") == pytest.approx(before, rel=0.05)


def test_a_thin_tenant_leans_on_the_fleet():
    platform = Platform({f"t{i:02d}": (400.0, 0.02) for i in range(8)} | {"tiny": (1.0, 0.02)})
    judged = platform.live(DAY)[-1]["tiny"]
    assert judged.reasons["baseline_rate"] == pytest.approx(0.02, rel=0.5)


def test_overdispersion_is_learned_per_tenant_and_never_below_poisson():
    platform = Platform({f"t{i:02d}": (400.0, 0.05) for i in range(6)})
    rng = np.random.default_rng(3)
    for _ in range(2 * DAY):
        bursts = 8 * int(rng.poisson(2.5))
        platform.judge(platform.traffic() | {"t00": (bursts, 400), "t01": (20, 400)})
    overdispersion = platform.engine._rule.baselines.overdispersion
    assert overdispersion[0] > 3.0
    assert overdispersion[1] == 1.0
    assert 1.0 <= overdispersion[2] < 1.6


def test_a_dump_and_load_halfway_changes_no_verdict():
    whole, halves = Platform(USUAL, seed=5), Platform(USUAL, seed=5)
    courses = [{}] * 120 + [{"rise": {"t03": 4.0}}] * 20 + [{}] * 20
    for number, course in enumerate(courses):
        if number in (50, 125, 141):
            saved = halves.engine.dump()
            halves.engine = TenantBaselineEngine(Trigger.INSUFFICIENT_FUNDS, DETECTION, 5)
            halves.engine.load(saved)
        assert whole.live(1, **course) == halves.live(1, **course)
    assert halves.engine.dump() == whole.engine.dump()


def test_a_verdict_does_not_depend_on_what_comes_later(learned_day):
    platforms = [Platform(USUAL, seed=9), Platform(USUAL, seed=9)]
    for each in platforms:
        each.engine.load(learned_day)
        each.number = DAY
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
def test_bytes_that_are_no_dump_are_refused(learned_day, damage):
    with pytest.raises(ValueError, match="engine state"):
        Platform(USUAL).engine.load(damage(learned_day))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(TenantBaselineEngine(Trigger.WEBHOOK_SIGNATURE, DETECTION, 5), id="another trigger"),
        pytest.param(TenantBaselineEngine(Trigger.INSUFFICIENT_FUNDS, DETECTION, 15), id="another window length"),
        pytest.param(TenantBaselineEngine(Trigger.INSUFFICIENT_FUNDS, DETECTION, 5, events_accumulate=False), id="another kind"),
    ],
)
def test_a_state_of_another_engine_is_refused_and_nothing_is_taken_over(learned_day, other):
    before = other.dump()
    with pytest.raises(ValueError, match="engine state"):
        other.load(learned_day)
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
    for _ in range(60):
        world.step((10, 500))
    assert world.levels == [0]


def test_a_new_level_of_differences_is_severe_at_once_and_over_when_repaired():
    platform = Platform({f"t{i:02d}": (300.0, 0.0) for i in range(5)}, accumulate=False)
    platform.live(60)
    assert platform.judge(platform.traffic() | {"t03": (100, 300)})["t03"].severity is Severity.SEVERE
    judged = [platform.judge(platform.traffic() | {"t03": (0, 300)})["t03"].severity for _ in range(3)]
    assert judged[1:] == [Severity.NONE, Severity.NONE]


@pytest.mark.parametrize("trigger", list(Trigger), ids=lambda trigger: trigger.value)
def test_the_registry_knows_an_engine_for_every_trigger(trigger):
    assert make_engine(load_policy(), trigger).judge(batch(0, {"a": (1, 100)})).verdict(0).trigger is trigger
