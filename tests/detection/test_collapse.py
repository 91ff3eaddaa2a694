"""A platform whose tenants are too thin to be judged one by one: near-total failure is widespread, and its end is seen."""

import copy
import functools

import pytest
from readings import DAY, Platform

from ledger_guard.domain.verdicts import Scope, Severity

#: twelve tenants of which none, at three failures in a thousand, has the traffic to be judged by itself
THIN = {f"t{number:02}": (size, 0.003) for number, size in enumerate([9, 8, 7, 6, 5, 5, 4, 4, 3, 3, 2, 2])}


#: three failures in a thousand, thirty attempts a window
FOUR = {f"t{number}": (30.0, 0.003) for number in range(4)}


@functools.cache
def quiet_days(fleet: str) -> Platform:
    platform = Platform({"thin": THIN, "four": FOUR}[fleet])
    platform.learn(2 * DAY)
    return platform


def learned(fleet: str) -> Platform:
    """A platform of its own, as it is after two quiet days."""
    return copy.deepcopy(quiet_days(fleet))


@pytest.fixture
def platform() -> Platform:
    return learned("thin")


def alarms(verdicts):
    return {tenant: verdict for tenant, verdict in verdicts.items() if verdict.severity.is_alarm}


def test_in_health_such_tenants_are_insufficient_and_nobody_is_in_alarm(platform):
    found = platform.judge(platform.traffic())
    assert {verdict.severity for verdict in found.values()} <= {Severity.INSUFFICIENT, Severity.NO_DATA, Severity.NONE}


def test_when_most_of_them_fail_outright_the_trouble_is_widespread(platform):
    found = {}
    for _ in range(3):
        found = alarms(platform.judge(platform.traffic(rise=1000.0)))
    assert len(found) >= len(THIN) // 2
    assert {(verdict.severity, verdict.scope) for verdict in found.values()} == {(Severity.SEVERE, Scope.WIDESPREAD)}


def test_when_two_of_them_fail_outright_the_trouble_is_isolated(platform):
    found = {}
    for _ in range(4):
        found = alarms(platform.judge(platform.traffic(rise={"t00": 1000.0, "t01": 1000.0})))
    assert set(found) == {"t00", "t01"}
    assert {verdict.scope for verdict in found.values()} == {Scope.ISOLATED}


def test_after_the_repair_every_alarm_ends_within_the_hour_and_some_at_once(platform):
    for _ in range(4):
        platform.judge(platform.traffic(rise=1000.0))
    still = [len(alarms(platform.judge(platform.traffic(rise=0.0)))) for _ in range(13)]
    assert still[1] < len(THIN) // 2
    assert still[-1] == 0


def test_a_window_that_still_fails_is_not_counted_into_the_evidence_of_health(platform):
    """The repair comes in the middle of a window: the failures in it must not hold the alarm up for an hour."""
    for _ in range(4):
        platform.judge(platform.traffic(rise=1000.0))
    platform.judge(dict.fromkeys(THIN, (2, 30)))
    quiet = [platform.judge(dict.fromkeys(THIN, (0, 30)))["t00"].severity for _ in range(3)]
    assert quiet[-1] is Severity.NONE


@pytest.mark.parametrize(
    ("failing", "scope"), [(2, Scope.ISOLATED), (3, Scope.WIDESPREAD), (4, Scope.WIDESPREAD)], ids=["two", "three", "all"]
)
def test_of_a_fleet_of_four_it_takes_three_to_be_the_platform(failing, scope):
    platform = learned("four")
    failed = dict.fromkeys(list(FOUR)[:failing], 300.0)
    for _ in range(3):
        found = alarms(platform.judge(platform.traffic(rise=failed)))
    assert {tenant: (verdict.severity, verdict.scope) for tenant, verdict in found.items()} == dict.fromkeys(
        failed, (Severity.SEVERE, scope)
    )
