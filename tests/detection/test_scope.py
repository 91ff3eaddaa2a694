"""Troubles of the whole platform, and of tenants beside it."""

from readings import USUAL, Learned

from ledger_guard.detection.alarms import QUIET
from ledger_guard.domain.verdicts import Scope, Severity


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
        assert world.rule.pooled.is_widespread == (tenants > 1)
        return next(i for i, levels in enumerate(found) if all(levels))

    assert first_alarm(20) < first_alarm(1)


def test_what_began_with_the_platform_ends_with_it():
    world = Learned(rate=0.01, tenants=20)
    for windows, events in ((12, 3), (6, 9), (12, 3)):
        found = world.steps(windows, *[(events, 300)] * 20)
        assert all(found[-1]) == (events == 9)
    assert world.levels == [QUIET] * 20
    assert not world.rule.pooled.is_widespread


def test_an_older_trouble_of_one_tenant_does_not_become_the_platforms(platform):
    platform.live(18, rise={"t07": 8.0})
    judged = platform.live(3, rise=dict.fromkeys(USUAL, 8.0))[-1]
    assert judged["t07"].scope is Scope.ISOLATED
    assert {judged[tenant].scope for tenant in USUAL if tenant != "t07"} == {Scope.WIDESPREAD}
