"""How sure a tenant's own evidence must be while the platform is in trouble."""

import numpy as np
import pytest
from readings import DETECTION, Learned

from ledger_guard.detection.alarms import MILD, QUIET, SEVERE
from ledger_guard.detection.rise_filter import Believed

YES = np.array([True])


def level(odds: float, *, is_supposed: bool) -> int:
    """The alarm of a tenant whose trouble is high, if it has one, at these odds."""
    rule = Learned(rate=0.01).rule
    healthy = np.array([1.0 / (1.0 + odds)])
    rule.pooled.is_widespread = is_supposed
    rule.alarms.is_supposed[:] = is_supposed
    rule.rises.healthy, rule.rises.rise[-1] = healthy, 1.0 - healthy
    believed = Believed(healthy, 1.0 - healthy, np.array([odds]), np.array([20.0]), np.zeros(1))
    rule.lifecycle.advance(0, YES, YES, believed, np.array([float(DETECTION.minimum_events)]))
    return int(rule.alarms.level[0])


@pytest.mark.parametrize(("odds", "expected"), [(79.0, QUIET), (81.0, MILD), (199.0, MILD), (201.0, SEVERE)])
def test_what_is_supposed_because_the_platform_moved_asks_for_more_of_the_tenants_own(odds, expected):
    assert level(odds, is_supposed=True) == expected


def test_by_itself_a_tenant_is_in_alarm_at_the_odds_that_the_policys_false_alarms_allow():
    mild, severe = (60.0 / bound for bound in (DETECTION.mild_false_alarms, DETECTION.severe_false_alarms))
    found = [level(odds * factor, is_supposed=False) for odds in (mild, severe) for factor in (0.99, 1.01)]
    assert found == [QUIET, MILD, MILD, SEVERE]
