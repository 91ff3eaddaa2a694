"""Groups as approvers: resolved when a question is asked and when its answer is used; both must hold."""

from __future__ import annotations

import pytest
from tests.use_cases.approvals.people_worlds import (
    HOUR,
    KIND,
    MINUTE,
    SECOND,
    agrees,
    asked,
    later,
    policy,
    rota,
    under,
    verify,
    world_of,
)
from tests.use_cases.flags.rollout_world import NOW

from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.facts.approvals import ApprovalAnswered
from ledger_guard.domain.facts.codec import told
from ledger_guard.use_cases.approvals.break_glass import break_glass
from ledger_guard.use_cases.approvals.permission import why_no_answer
from ledger_guard.use_cases.approvals.request_approval import tell_question
from ledger_guard.use_cases.approvals.stop import release, stop

ONCALL = {"members": ("anna", "boris")}
BY_GROUP = {"approvers": ("group:oncall", "cleo")}
#: anna's turn ends an hour after NOW, boris' an hour later, and so on
TURNS = {"oncall": {**ONCALL, "rota": rota("anna", "boris")}}


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
def uri(request):
    return None if request.param == "memory" else request.getfixturevalue("database_uri")


def test_a_question_stores_the_names_of_the_groups_members(uri):
    world = world_of(policy({"oncall": ONCALL}, **BY_GROUP), uri)
    request = asked(world)
    assert request.approvers == ("cleo", "anna", "boris")
    agrees(world, request, "boris")
    assert verify(world).approved_by == "boris"


def test_the_requester_is_left_out_of_their_group(uri):
    world = world_of(policy({"oncall": ONCALL}, approvers=("group:oncall",)), uri)
    assert asked(world, by="anna").approvers == ("boris",)
    under(world, policy({"oncall": {"members": ("anna",)}}, approvers=("group:oncall",)))
    with pytest.raises(SafetyRefusal, match="the requester anna is the only approver"):
        asked(world, by="anna")


def test_whoever_was_taken_out_of_the_group_between_question_and_write_permits_nothing(uri):
    world = world_of(policy({"oncall": ONCALL}, **BY_GROUP), uri)
    agrees(world, asked(world), "boris")
    under(world, policy({"oncall": {"members": ("anna",)}}, **BY_GROUP))
    with pytest.raises(SafetyRefusal, match="boris may no longer approve this: the policy was changed"):
        verify(world)


def test_whoever_was_put_into_the_group_between_question_and_write_permits_nothing(uri):
    world = world_of(policy({"oncall": ONCALL}, **BY_GROUP), uri)
    request = asked(world)
    under(world, policy({"oncall": {"members": ("anna", "boris", "mallory")}}, **BY_GROUP))
    agrees(world, request, "mallory")
    with pytest.raises(SafetyRefusal, match="mallory may not approve this; allowed: cleo, anna, boris"):
        verify(world)


def test_a_group_that_was_taken_out_of_the_policy_is_no_one(uri):
    world = world_of(policy({"oncall": ONCALL}, **BY_GROUP), uri)
    agrees(world, asked(world), "anna")
    under(world, policy({}, **BY_GROUP))
    with pytest.raises(SafetyRefusal, match="anna may no longer approve this"):
        verify(world)


# --- turns ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked_after", "answered_after", "by", "counts"),
    [
        pytest.param(0 * HOUR, MINUTE, "anna", True, id="in their turn"),
        pytest.param(HOUR - SECOND, HOUR + MINUTE, "anna", True, id="it was their turn when it was asked"),
        pytest.param(HOUR, HOUR + MINUTE, "anna", False, id="their turn had ended when it was asked"),
        pytest.param(0 * HOUR, HOUR - SECOND, "boris", False, id="a second before their turn"),
        pytest.param(0 * HOUR, HOUR, "boris", True, id="at their turn's start"),
        pytest.param(0 * HOUR, HOUR + SECOND, "boris", True, id="after it"),
    ],
)
def test_with_rota_only_it_must_be_their_turn_when_asked_or_when_answered(uri, asked_after, answered_after, by, counts):
    world = world_of(policy(TURNS, approvers=("group:oncall",)), uri)
    later(world, asked_after)
    request = asked(world)
    later(world, answered_after - asked_after)
    approval = agrees(world, request, by)
    if counts:
        assert (why_no_answer(world.deps, approval), verify(world).approved_by) == ([], by)
        return
    assert why_no_answer(world.deps, approval)[0].startswith(f"it was not the turn of {by}")
    with pytest.raises(SafetyRefusal, match=f"it was not the turn of {by}"):
        verify(world)
    with world.deps.state.snapshot() as state:
        (fact,) = [fact for each in state.audit.entries() if (fact := told(each.event, ApprovalAnswered))]
    assert any("not the turn" in each for each in fact.refusals)


def test_without_rota_only_another_member_may_answer_and_whose_turn_it_is_comes_first(uri):
    groups = {"oncall": {"members": ("anna", "boris"), "rota": rota("boris", "anna", rota_only=False)}}
    world = world_of(policy(groups, approvers=("cleo", "group:oncall")), uri)
    request = asked(world)
    assert request.approvers == ("boris", "cleo", "anna")
    agrees(world, request, "anna")
    assert verify(world)


def test_a_rota_that_was_edited_after_the_answer_must_hold_too(uri):
    world = world_of(policy(TURNS, approvers=("group:oncall",)), uri)
    agrees(world, asked(world), "anna")
    under(world, policy({"oncall": {**ONCALL, "rota": rota("boris", "boris")}}, approvers=("group:oncall",)))
    with pytest.raises(SafetyRefusal, match=r"it was not the turn of anna.*allowed: boris \(oncall\)"):
        verify(world)


def test_before_the_first_turn_no_one_is_asked(uri):
    groups = {"oncall": {**ONCALL, "rota": rota("anna", starts_at=NOW + 24 * HOUR)}}
    world = world_of(policy(groups, approvers=("group:oncall",)), uri)
    with pytest.raises(SafetyRefusal, match="nobody may approve now"):
        asked(world)


def test_a_second_person_is_asked_after_the_first_ones_turn_has_ended(uri):
    rule = {"approvers": ("group:oncall", "cleo", "dora"), "approvers_needed": 2}
    groups = {"oncall": {**ONCALL, "rota": rota("anna", "boris", starts_at=NOW - 2 * HOUR, hours=3)}}
    world = world_of(policy(groups, **rule), uri)
    agrees(world, asked(world), "anna")
    later(world, HOUR)
    request = asked(world, ordinal=2)
    assert "anna" not in request.approvers
    agrees(world, request, "boris")
    assert verify(world).approved_by == "anna, boris"


def test_people_are_told_by_name_whose_turn_it_is():
    world = world_of(policy(TURNS, **BY_GROUP))
    tell_question(world.deps, KIND, {"proposal": "change 3 rows", "requested_by": "oncall", "incident_id": None}, "http://x")
    said = dict(world.memory.notifier.posted[-1].notice.facts)["Approvers"]
    assert said == "anna (oncall, on turn until 2026-03-02T04:00:00Z), cleo, boris"


# --- the other lists -----------------------------------------------------------------------------------------------


def test_a_member_releases_a_stopped_guard():
    world = world_of(policy({"oncall": ONCALL}, approvers=("group:oncall",)))
    stop(world.deps, "two tenants were paid twice", "mallory", is_proved=True)
    with pytest.raises(SafetyRefusal, match="cleo is not an approver; allowed: anna, boris"):
        release(world.deps, "it was a test payment", "cleo", is_proved=True)
    assert release(world.deps, "it was a test payment", "boris", is_proved=True)


@pytest.mark.parametrize(("by", "may"), [("anna", True), ("boris", False), ("group:oncall", False)])
def test_a_group_may_act_alone_in_its_turns(by, may):
    given = policy(TURNS, **BY_GROUP)
    glass = given.break_glass.model_copy(update={"users": ("group:oncall",), "kinds": (KIND,)})
    world = world_of(given.model_copy(update={"break_glass": glass}))
    question = {"subject_id": "plan-1", "subject_hash": "hash-1", "incident_id": None, "proposal": "change 3 rows"}
    given_run = {"by": by, "reason": "nobody answers and players can't withdraw", "dag_id": "d", "run_id": "r", "link": ""}
    if may:
        assert break_glass(world.deps, KIND, question, **given_run)
    else:
        with pytest.raises(SafetyRefusal, match=f"{by} may not act alone here; allowed by the policy: anna"):
            break_glass(world.deps, KIND, question, **given_run)
