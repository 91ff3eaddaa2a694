"""Absolute limits beside the statistics: what reaches one is severe, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest
from readings import DETECTION, USUAL, Platform, batch
from tests.triggers import T1

from ledger_guard.detection.engine import SEVERITIES
from ledger_guard.detection.level_filter import LevelFilterEngine
from ledger_guard.domain.signals import Nouns
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.policy.detection import Limits

NOUNS = Nouns("refused withdrawals", "withdrawals", "players")
#: 10,000.00
LIMIT = 1_000_000
#: the one whose counts a test changes
TENANT = "t00"


def limited(state: bytes, **limits) -> Platform:
    """Two quiet days behind it, and these limits from now on."""
    platform = Platform(USUAL)
    platform.engine = LevelFilterEngine(T1, DETECTION, 5, nouns=NOUNS, limits=Limits(**limits))
    platform.engine.load(state)
    platform.number = 2 * 288
    return platform


def quiet(platform: Platform, **changes):
    """A window of ordinary counts."""
    return {tenant: (round(size * rate), size) for tenant, (size, rate) in platform.tenants.items()} | changes


@pytest.mark.parametrize(
    ("cents", "severity"),
    [
        pytest.param(LIMIT - 1, Severity.NONE, id="below"),
        pytest.param(LIMIT, Severity.SEVERE, id="at"),
        pytest.param(LIMIT + 1, Severity.SEVERE, id="above"),
        pytest.param(9e18, Severity.SEVERE, id="far above"),
        pytest.param(np.nan, Severity.NONE, id="not known"),
    ],
)
def test_a_limit_by_money_is_reached_from_its_amount_on_by_that_tenant_alone(learned_days, cents, severity):
    platform = limited(learned_days, severe_from_cents=LIMIT)
    found = platform.judge(quiet(platform), cents={TENANT: cents})
    assert found.pop(TENANT).severity is severity
    assert {each.severity for each in found.values()} == {Severity.NONE}


@pytest.mark.parametrize(
    ("events", "severity"),
    [
        pytest.param(19, Severity.NONE, id="below"),
        pytest.param(20, Severity.SEVERE, id="at"),
        pytest.param(21, Severity.SEVERE, id="above"),
    ],
)
def test_a_limit_by_events_is_reached_from_its_number_on(learned_days, events, severity):
    platform = limited(learned_days, severe_from_events=20)
    statistics = limited(learned_days)
    rows = quiet(platform, **{TENANT: (events, 20_000)})
    assert statistics.judge(rows)[TENANT].severity is Severity.NONE
    assert platform.judge(rows)[TENANT].severity is severity


def test_with_always_severe_every_alarm_is_severe_and_a_quiet_tenant_stays_quiet(learned_days):
    statistics, platform = limited(learned_days), limited(learned_days, always_severe=True)
    mild = []
    for _ in range(12):
        rows = statistics.traffic(rise={TENANT: 2.0})
        plain, strict = statistics.judge(rows), platform.judge(rows)
        mild += [plain[TENANT]] if plain[TENANT].severity is Severity.MILD else []
        for tenant, verdict in plain.items():
            expected = Severity.SEVERE if verdict.severity.is_alarm else verdict.severity
            assert strict[tenant].severity is expected
    assert mild, "the rise was never mild, and nothing was tried"


def test_money_in_a_window_that_could_not_be_read_proves_nothing(learned_days):
    platform = limited(learned_days, severe_from_cents=1, severe_from_events=1, always_severe=True)
    found = platform.judge({}, reason="the source did not answer", cents={})
    assert {each.severity for each in found.values()} == {Severity.NO_DATA}
    assert {each.sentence for each in found.values()} == {"The window could not be read: the source did not answer."}


def test_a_tenant_without_a_row_reaches_no_limit(learned_days):
    platform = limited(learned_days, severe_from_cents=1, severe_from_events=1)
    rows = quiet(platform)
    del rows[TENANT]
    assert platform.judge(rows, cents=dict.fromkeys(rows, 5.0))[TENANT].severity is Severity.NO_DATA


def test_a_mild_alarm_without_a_row_is_not_raised(learned_days):
    platform = limited(learned_days, always_severe=True)
    for _ in range(6):
        platform.judge(platform.traffic(rise={TENANT: 2.0}))
    rows = quiet(platform)
    del rows[TENANT]
    assert platform.judge(rows)[TENANT].severity is Severity.NO_DATA


@pytest.mark.parametrize(
    ("cents", "severity"),
    [
        pytest.param(LIMIT - 1, Severity.INSUFFICIENT, id="below: as little is known as before"),
        pytest.param(LIMIT, Severity.SEVERE, id="at: a limit asks for no baseline"),
    ],
)
def test_a_tenant_of_whom_nothing_was_learned_reaches_a_limit_and_below_it_stays_insufficient(cents, severity):
    engine = LevelFilterEngine(T1, DETECTION, 5, limits=Limits(severe_from_cents=LIMIT))
    [verdict] = engine.judge(batch(0, {"new": (3, 40)}, cents={"new": cents}))
    assert verdict.severity is severity


def test_a_limit_that_is_reached_no_more_ends_no_alarm_of_the_statistics(learned_days):
    platform, statistics = limited(learned_days, severe_from_cents=LIMIT), limited(learned_days)
    for number in range(24):
        rows = statistics.traffic(rise={TENANT: 6.0 if number < 12 else 1.0})
        plain = statistics.judge(rows)[TENANT]
        with_limit = platform.judge(rows, cents={TENANT: LIMIT if number < 4 else 0})[TENANT]
        assert with_limit.severity is (Severity.SEVERE if number < 4 else plain.severity)


def test_without_a_limit_and_below_it_nothing_changes_to_the_bit(learned_days):
    plain, unset, set_high = limited(learned_days), limited(learned_days), limited(learned_days, severe_from_cents=10**15)
    for number in range(36):
        rows = plain.traffic(rise={TENANT: 3.0 if 6 <= number < 24 else 1.0})
        found = [plain.window(rows), unset.window(rows, cents=dict.fromkeys(rows, 500.0))]
        found.append(set_high.window(rows, cents=dict.fromkeys(rows, 500.0)))
        assert [list(each) for each in found[1:]] == [list(found[0])] * 2
        assert [each.sentences() for each in found[1:]] == [found[0].sentences()] * 2
    assert unset.engine.dump() == set_high.engine.dump() == plain.engine.dump()


def test_what_is_learned_is_the_same_whether_a_limit_is_reached_or_not(learned_days):
    plain, reached = limited(learned_days), limited(learned_days, severe_from_cents=1, severe_from_events=1, always_severe=True)
    for _ in range(15):
        rows = plain.traffic()
        plain.window(rows)
        reached.window(rows, cents=dict.fromkeys(rows, 500.0))
    assert reached.engine.dump() == plain.engine.dump()


def test_the_reason_tells_what_reached_which_limit_and_then_what_the_statistics_say(learned_days):
    platform = limited(learned_days, severe_from_cents=LIMIT, severe_from_events=2, always_severe=True)
    verdict = platform.judge(quiet(platform), cents={TENANT: 1_240_000})[TENANT]
    events = round(USUAL[TENANT][0] * USUAL[TENANT][1])
    assert verdict.sentence.startswith(
        "Limit of the policy: refused withdrawals of 12,400.00 USD, severe from 10,000.00 USD; "
        f"{events} refused withdrawals, severe from 2. {events} refused withdrawals, usually "
    )
    assert verdict.scope is Scope.ISOLATED
    assert verdict.reasons["limits_reached"] == {"severe_from_cents": LIMIT, "severe_from_events": 2}
    assert (verdict.reasons["rule"], verdict.reasons["by_statistics"]) == ("absolute_limit", "none")


def test_an_alarm_of_the_statistics_keeps_its_own_rule_beside_the_limit(learned_days):
    platform = limited(learned_days, severe_from_cents=LIMIT)
    for _ in range(12):
        found = platform.judge(platform.traffic(rise={TENANT: 8.0}), cents={TENANT: LIMIT})[TENANT]
    assert found.reasons["rule"] == "high_rise"
    assert found.reasons["limits_reached"] == {"severe_from_cents": LIMIT}
    assert "by_statistics" not in found.reasons
    assert "a high rise" in found.sentence


def test_all_sentences_at_once_are_those_of_each_verdict(learned_days):
    platform = limited(learned_days, severe_from_cents=LIMIT, severe_from_events=10_000)
    judged = platform.window(quiet(platform), cents={TENANT: LIMIT, "t03": LIMIT - 1})
    assert judged.sentences() == [verdict.sentence for verdict in judged]
    assert [SEVERITIES[code] for code in judged.severity] == [verdict.severity for verdict in judged]
