"""What every GuardAlertStore promises."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.adapters.guard_state.samples import NOON

from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.guard_alerts import GuardAlert, GuardAlertKind

PAUSED, QUEUED = GuardAlertKind.PAUSED, GuardAlertKind.QUEUED
MINUTE = timedelta(minutes=1)
DAG = "flag_rollback"


def test_a_guard_alert_stands_from_the_first_look_that_saw_it(state):
    with state.transaction() as transaction:
        transaction.guard_alerts.seen(PAUSED, DAG, NOON)
        assert transaction.guard_alerts.seen(PAUSED, DAG, NOON + MINUTE) == GuardAlert(PAUSED, DAG, NOON, NOON + MINUTE)
    with state.transaction() as transaction:
        assert transaction.guard_alerts.standing() == [GuardAlert(PAUSED, DAG, NOON, NOON + MINUTE)]


def test_an_ended_alert_begins_again_unreported(state):
    with state.transaction() as transaction:
        guard_alerts = transaction.guard_alerts
        guard_alerts.seen(PAUSED, DAG, NOON)
        guard_alerts.told(PAUSED, DAG, NOON)
        guard_alerts.over(PAUSED, DAG, NOON + MINUTE)
        assert guard_alerts.standing() == []
        guard_alerts.over(PAUSED, DAG, NOON + 2 * MINUTE)
        again = NOON + 3 * MINUTE
        assert guard_alerts.seen(PAUSED, DAG, again) == GuardAlert(PAUSED, DAG, again, again)


def test_the_time_of_a_report_is_remembered_and_the_first_one_stays(state):
    with state.transaction() as transaction:
        guard_alerts = transaction.guard_alerts
        guard_alerts.seen(QUEUED, DAG, NOON)
        guard_alerts.told(QUEUED, DAG, NOON + MINUTE)
        guard_alerts.told(QUEUED, DAG, NOON + 2 * MINUTE)
        assert guard_alerts.seen(QUEUED, DAG, NOON + 3 * MINUTE).told_at == NOON + MINUTE
        with pytest.raises(BadInputError, match="guard_alert paused tenant_backfill: was never seen"):
            guard_alerts.told(PAUSED, "tenant_backfill", NOON)


def test_kind_and_dag_tell_guard_alerts_apart_and_the_oldest_comes_first(state):
    with state.transaction() as transaction:
        guard_alerts = transaction.guard_alerts
        guard_alerts.seen(QUEUED, DAG, NOON + MINUTE)
        guard_alerts.seen(PAUSED, DAG, NOON + MINUTE)
        guard_alerts.seen(PAUSED, "tenant_backfill", NOON)
        guard_alerts.over(PAUSED, "flag_restore", NOON)
        assert [(each.kind, each.about) for each in guard_alerts.standing()] == [
            (PAUSED, "tenant_backfill"),
            (PAUSED, DAG),
            (QUEUED, DAG),
        ]


@pytest.mark.parametrize(
    ("later", "may_look"),
    [
        pytest.param(timedelta(0), False, id="at once"),
        pytest.param(MINUTE - timedelta(microseconds=1), False, id="just below a minute"),
        pytest.param(MINUTE, True, id="a minute later"),
        pytest.param(-MINUTE, True, id="the clock was set back"),
        pytest.param(-timedelta(seconds=59), False, id="another worker's clock is behind"),
    ],
)
def test_of_several_that_look_within_a_minute_one_does(state, later, may_look):
    with state.transaction() as transaction:
        assert transaction.guard_alerts.begin_look(NOON, MINUTE) is True
    with state.transaction() as transaction:
        assert transaction.guard_alerts.begin_look(NOON + later, MINUTE) is may_look
