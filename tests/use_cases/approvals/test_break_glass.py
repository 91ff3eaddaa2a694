"""Acting alone: off unless the policy names who may, once a run, on record, and told to everybody."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.use_cases.flags.rollout_world import BALANCE, RUN, RolloutWorld, answered, rollout_world

from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.errors import NotificationFailed, SafetyRefusal
from ledger_guard.domain.flags import EVERYWHERE
from ledger_guard.policy.loader import load_policy
from ledger_guard.policy.schema import BreakGlass
from ledger_guard.use_cases.approvals.break_glass import shout
from ledger_guard.use_cases.flags import flag_run
from ledger_guard.use_cases.reports.report import incident_report

WHY = "both approvers are on a plane until noon"


def world_of(*users: str, kind: ApprovalKind = ApprovalKind.FLAG_ROLLBACK) -> RolloutWorld:
    glass = BreakGlass(users=users, kinds=(kind,) if users else ())
    world = rollout_world(load_policy().model_copy(update={"break_glass": glass}))
    world.memory.flags.put(BALANCE, EVERYWHERE, True)
    return world


@pytest.fixture
def world() -> RolloutWorld:
    return world_of("oncall")


def break_it(world: RolloutWorld, incident_id: str, by: str = "oncall", why: object = WHY, run_id: str = RUN) -> str:
    params = {"flag": BALANCE, "tenant_id": EVERYWHERE, "incident_id": incident_id, "break_glass": why}
    return flag_run.break_glass_run(world.deps, params, by, "flag_rollback", run_id)


def is_on(world: RolloutWorld) -> bool:
    return world.deps.flags.effective(BALANCE, EVERYWHERE)


def test_a_named_person_rolls_back_alone_though_they_asked_for_it(world):
    incident_id = world.incident()
    break_it(world, incident_id)
    change = world.roll_back(incident_id)
    assert (is_on(world), change.approved_by, change.requested_by) == (False, "oncall", "oncall")
    assert world.audit("break_glass")[-1]["refused"] == ""
    assert [entry["is_break_glass"] for entry in world.audit("roll_back")] == [True, True]


def test_the_incidents_report_shouts_it(world):
    incident_id = world.incident()
    break_it(world, incident_id)
    report = incident_report(world.deps, incident_id)
    assert "**BREAK GLASS** oncall acted alone" in report
    assert WHY in report


def test_everybody_hears_of_it_in_the_channel_and_in_the_thread(world):
    incident_id = world.incident()
    break_it(world, incident_id)
    shout(world.deps, "flag_rollback", RUN)
    notices = [posted.notice for posted in world.memory.notifier.posted]
    assert [notice.incident_id for notice in notices] == [None, incident_id]
    assert all("BREAK GLASS" in notice.title and WHY in notice.summary and notice.mention for notice in notices)


def test_a_channel_that_is_down_does_not_hold_the_write_up(world):
    incident_id = world.incident()
    break_it(world, incident_id)
    world.memory.notifier.break_down("down")
    with pytest.raises(NotificationFailed):
        shout(world.deps, "flag_rollback", RUN)
    world.roll_back(incident_id)
    assert not is_on(world)


@pytest.mark.parametrize(
    ("made", "by", "why", "refused"),
    [
        pytest.param(world_of(), "oncall", WHY, "allowed by the policy: no one", id="the shipped policy: off"),
        pytest.param(world_of("cto"), "oncall", WHY, "allowed by the policy: cto", id="somebody else is named"),
        pytest.param(world_of("oncall", kind=ApprovalKind.BACKFILL_UNDO), "oncall", WHY, "nobody", id="named for another kind"),
        pytest.param(world_of("oncall"), "ledger_guard", WHY, "ledger_guard may not", id="a run that nobody started"),
        pytest.param(world_of("oncall"), "oncall", "x" * 29, "29 characters", id="a reason one character short"),
        pytest.param(world_of("oncall"), "oncall", " " * 40, "0 characters", id="a blank reason"),
        pytest.param(world_of("oncall"), "oncall", ["x"] * 40, "0 characters", id="no text"),
    ],
)
def test_anybody_else_is_refused_on_record_and_nothing_is_written(made, by, why, refused):
    incident_id = made.incident()
    with pytest.raises(SafetyRefusal, match=refused):
        break_it(made, incident_id, by, why)
    with pytest.raises(SafetyRefusal, match="no approval was asked for"):
        made.roll_back(incident_id)
    assert is_on(made)
    assert refused in made.audit("break_glass")[-1]["refused"]


def test_a_record_of_one_run_permits_nothing_in_another(world):
    incident_id = world.incident()
    break_it(world, incident_id)
    with pytest.raises(SafetyRefusal, match="no approval was asked for"):
        world.roll_back(incident_id, run_id="another run")


def test_a_run_that_was_cleared_breaks_the_glass_no_second_time(world):
    """Whoever may clear tasks could else act in the name of who started the run, for another state of the flag."""
    incident_id = world.incident()
    first = break_it(world, incident_id)
    world.memory.flags.put(BALANCE, EVERYWHERE, True)
    assert break_it(world, incident_id) == first
    with pytest.raises(SafetyRefusal, match="changed since"):
        world.roll_back(incident_id)


@pytest.mark.parametrize(
    ("after", "counts"),
    [
        pytest.param(timedelta(minutes=17), True, id="at the limit, with the clocks' tolerance"),
        pytest.param(timedelta(minutes=17, seconds=1), False, id="after it"),
    ],
)
def test_a_broken_glass_is_good_for_minutes_only(world, after, counts):
    incident_id = world.incident()
    break_it(world, incident_id)
    world.memory.wall_clock.advance(after)
    if counts:
        assert world.roll_back(incident_id)
    else:
        with pytest.raises(SafetyRefusal, match="start a new run"):
            world.roll_back(incident_id)


def test_who_was_taken_out_of_the_policy_meanwhile_does_not_write(world):
    incident_id = world.incident()
    break_it(world, incident_id)
    world.deps = replace(world.deps, policy=world.deps.policy.model_copy(update={"break_glass": BreakGlass()}))
    with pytest.raises(SafetyRefusal, match="may not break the glass for this; allowed by the policy now: nobody"):
        world.roll_back(incident_id)
    assert is_on(world)


def test_a_resolved_incident_is_nothing_to_act_alone_for(world):
    incident_id = world.incident()
    break_it(world, incident_id)
    world.resolve(incident_id)
    with pytest.raises(SafetyRefusal, match="was resolved"):
        world.roll_back(incident_id)


def test_an_ordinary_question_in_the_same_run_spoils_it(world):
    incident_id = world.incident()
    break_it(world, incident_id)
    answered(world.deps, world.ask_to_roll_back(incident_id))
    with pytest.raises(SafetyRefusal, match="collects no other approvals"):
        world.roll_back(incident_id)


def test_it_is_used_once(world):
    incident_id = world.incident()
    break_it(world, incident_id)
    world.roll_back(incident_id)
    world.memory.flags.put(BALANCE, EVERYWHERE, True)
    with pytest.raises(SafetyRefusal, match="an approval is used once"):
        world.roll_back(incident_id)
