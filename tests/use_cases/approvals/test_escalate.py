"""People are reminded of a question before it expires: once, whoever looks and however often."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.use_cases.flags.rollout_world import RolloutWorld, answered, asked, rollout_world

from ledger_guard.adapters.notifiers.slack_blocks import slack_message
from ledger_guard.domain.errors import NotificationFailed
from ledger_guard.domain.notices import Notice
from ledger_guard.use_cases.approvals.escalate import escalate

#: of the shipped policy: a force waits 120 minutes, people are reminded 30 minutes before
DUE = timedelta(minutes=90)


@pytest.fixture
def world() -> RolloutWorld:
    return rollout_world()


@pytest.mark.parametrize(
    ("after", "told"),
    [
        pytest.param(DUE - timedelta(seconds=1), 0, id="a second early"),
        pytest.param(DUE, 1, id="in time"),
        pytest.param(timedelta(minutes=120), 1, id="at the last moment"),
        pytest.param(timedelta(minutes=120, seconds=1), 0, id="expired: nothing left to remind of"),
    ],
)
def test_people_are_reminded_in_the_policys_last_minutes(world, after, told):
    asked(world.deps)
    world.memory.wall_clock.advance(after)
    assert len(escalate(world.deps)) == len(world.memory.notifier.posted) == told


def test_the_reminder_goes_into_the_incidents_thread_names_the_approvers_and_calls_them(world):
    incident_id = world.incident()
    asked(world.deps, incident_id=incident_id)
    world.memory.wall_clock.advance(DUE)
    escalate(world.deps)
    notice = world.memory.notifier.posted[0].notice
    assert (notice.incident_id, notice.mention) == (incident_id, "<!here>")
    assert notice.title == "escalate · backfill_force · plan-1 expires in 30 minutes"
    assert ("May answer", "payments-lead, ops-lead") in notice.facts


def test_the_same_question_is_told_once_even_by_a_guard_that_was_started_anew(world):
    request = asked(world.deps)
    world.memory.wall_clock.advance(DUE)
    assert escalate(world.deps) == [request.approval_id]
    world.memory.wall_clock.advance(timedelta(minutes=5))
    assert escalate(world.deps) == []
    assert len(world.audit("escalate")) == 1


def test_an_answered_question_is_not_told(world):
    answered(world.deps, asked(world.deps).approval_id)
    world.memory.wall_clock.advance(DUE)
    assert escalate(world.deps) == []


def test_a_reminder_that_the_channel_did_not_take_is_tried_again_by_the_next_look(world):
    asked(world.deps)
    world.memory.wall_clock.advance(DUE)
    world.memory.notifier.break_down("rate_limited")
    with pytest.raises(NotificationFailed, match="1 of 1 reminders"):
        escalate(world.deps)
    world.memory.notifier.recover()
    assert len(escalate(world.deps)) == 1


@pytest.mark.parametrize("text", ["<!everyone>", "@oncall", "<!here> pay now", "hello"])
def test_a_mention_that_is_more_than_a_mention_calls_nobody(text):
    assert text not in str(slack_message(Notice("t", "s", mention=text)))


def test_a_mention_reaches_slack_unescaped(world):
    message = slack_message(Notice("t", "s", mention="<!subteam^S01ABC>"))
    assert message["text"].startswith("<!subteam^S01ABC> t: s")
    assert "<!subteam^S01ABC>" in str(message["blocks"])
