"""Money from the source to readings, verdicts and incidents, and the policy's absolute limits on it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from health_checks import QUIET, Checks
from health_worlds import LENGTH, NOON, POLICY, deliver, reading, window, world_at
from tests.triggers import T1, T3

from ledger_guard.domain.findings import RowCause
from ledger_guard.domain.incident_lifecycle import Change
from ledger_guard.domain.signals import MoneyAtRisk
from ledger_guard.domain.verdicts import Severity
from ledger_guard.policy.detection import Limits
from ledger_guard.use_cases.health_check.classify import classify
from ledger_guard.use_cases.health_check.sense import sense

#: 10,000.00
LIMIT = 1_000_000
CAUSES = {RowCause.MISSING: 4_000, RowCause.UNREADABLE: None}


def with_limits(trigger, **limits):
    described = POLICY.triggers[trigger].model_copy(update={"limits": Limits(**limits)})
    return POLICY.model_copy(update={"triggers": {**POLICY.triggers, trigger: described}})


def compared(world, number, events, money=None):
    """One comparison at the end of window `number`."""
    world.clock.advance(window(number).end - world.clock.now())
    world.signals.deliver([replace(reading(T3, "a", number, events, 100), money=money or MoneyAtRisk(events * 100))])
    world.signals.complete(T3, window(number).end)
    sense(world.deps, T3)


def age(world, number):
    with world.deps.state.transaction() as state:
        [found] = state.readings.readings(T3, window(number).start, window(number).end)
        return found.money.differs_since


def test_a_difference_keeps_its_age_from_window_to_window_and_loses_it_when_all_is_right():
    world = world_at(NOON)
    for number, events in enumerate([0, 3, 3, 2, 0, 1]):
        compared(world, number, events)
    assert [age(world, number) for number in range(6)] == [
        None,
        window(1).start,
        window(1).start,
        window(1).start,
        None,
        window(5).start,
    ]


def test_windows_without_data_make_a_difference_no_younger():
    world = world_at(NOON)
    compared(world, 0, 3)
    compared(world, 4, 3)
    assert age(world, 4) == window(0).start


@pytest.mark.parametrize(
    ("blind", "since"),
    [
        pytest.param(287, 0, id="a day less a window"),
        pytest.param(288, 0, id="a day"),
        pytest.param(289, 289, id="longer: then it begins again, which is said as `or longer`"),
    ],
)
def test_a_difference_is_followed_over_a_day_without_data(blind, since):
    world = world_at(NOON)
    compared(world, 0, 3)
    compared(world, blind, 3)
    assert age(world, blind) == window(since).start


def test_verdicts_carry_the_money_of_their_reading_and_others_carry_none():
    checks = Checks()
    with_money = replace(reading(T1, "a", 6, *QUIET), money=MoneyAtRisk(1_200, 1))
    deliver(checks.world, T1, range(6, 7), {"a": QUIET, "b": QUIET})
    checks.world.signals.deliver([with_money])
    checks.world.clock.advance(LENGTH)
    sense(checks.deps, T1)
    classify(checks.deps, T1)
    with checks.deps.state.transaction() as state:
        found = {each.tenant_id: each.reasons for each in state.verdicts.between(T1, window(6).start, window(6).end)}
    told = {key: content for key, content in found["a"].items() if key.startswith("at_risk")}
    assert told == {"at_risk_cents": 1_200, "at_risk_without_amount": 1, "at_risk_currency": "USD"}
    assert not [key for tenant in "bc" for key in found[tenant] if key.startswith("at_risk")]


def test_compared_money_comes_with_its_causes_and_its_age():
    world = world_at(NOON)
    compared(world, 0, 2, MoneyAtRisk(4_000, 1, CAUSES))
    classify(world.deps, T3)
    with world.deps.state.transaction() as state:
        [found] = state.verdicts.between(T3, window(0).start, window(0).end)
    assert found.reasons["at_risk_by_cause"] == {"missing": 4_000, "unreadable": None}
    assert found.reasons["differs_since"] == "2026-03-01T12:00:00Z"


def limited(trigger=T1, **limits):
    """Half a day of quiet windows behind it, and these limits."""
    world = world_at(window(144).start)
    world = replace(world, deps=replace(world.deps, policy=with_limits(trigger, **limits)))
    deliver(world, trigger, range(144), {"a": QUIET, "b": QUIET})
    sense(world.deps, trigger)
    classify(world.deps, trigger)
    return world


def one_more(world, number, money, **rates):
    deliver(world, T1, range(number, number + 1), {"a": QUIET, "b": QUIET, **rates})
    given = replace(reading(T1, "a", number, *rates.get("a", QUIET)), money=money)
    world.signals.deliver([given])
    world.clock.advance(window(number).end - world.clock.now())
    sense(world.deps, T1)
    return classify(world.deps, T1)


@pytest.mark.parametrize(
    ("money", "change"),
    [
        pytest.param(MoneyAtRisk(LIMIT - 1), Change.QUIET, id="below"),
        pytest.param(MoneyAtRisk(LIMIT), Change.OPENED, id="at"),
        pytest.param(MoneyAtRisk(LIMIT, 5), Change.OPENED, id="what is known is enough"),
        pytest.param(MoneyAtRisk(None, 5), Change.QUIET, id="not known proves nothing"),
        pytest.param(None, Change.QUIET, id="not told"),
    ],
)
def test_a_limit_that_is_reached_opens_a_severe_incident_beside_the_statistics(money, change):
    world = limited(severe_from_cents=LIMIT)
    outcome = one_more(world, 144, money)
    assert outcome.change is change
    if change is Change.OPENED:
        assert outcome.severity is Severity.SEVERE
        with world.deps.state.transaction() as state:
            found = state.incidents.open_for(T1)
        assert found.tenants == ("a",)
        assert "Limit of the policy: refused withdrawals of 10,000.00 USD, severe from 10,000.00 USD" in found.summary


def test_a_window_that_can_not_be_read_reaches_no_limit_and_ends_no_incident():
    world = limited(severe_from_cents=LIMIT)
    one_more(world, 144, MoneyAtRisk(LIMIT))
    world.signals.go_away("away")
    world.clock.advance(window(147).end + timedelta(hours=1) - world.clock.now())
    sense(world.deps, T1)
    outcome = classify(world.deps, T1)
    assert outcome.change is Change.BLIND
    with world.deps.state.transaction() as state:
        found = state.incidents.open_for(T1)
    assert (found.quiet_windows, found.last_alarm_window_start) == (0, window(144).start)


def test_late_data_bring_money_over_a_limit():
    world = limited(severe_from_cents=LIMIT)
    one_more(world, 144, MoneyAtRisk(5))
    world.signals.deliver([replace(reading(T1, "a", 144, 2, 101), money=MoneyAtRisk(LIMIT))])
    assert sense(world.deps, T1).revised == 1
    outcome = classify(world.deps, T1)
    assert (outcome.change, outcome.severity) == (Change.OPENED, Severity.SEVERE)
    with world.deps.state.transaction() as state:
        found = {each.tenant_id: each.reasons for each in state.verdicts.between(T1, window(144).start, window(144).end)}
    assert found["a"]["at_risk_cents"] == LIMIT
