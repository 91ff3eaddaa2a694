"""Delegation: another person answers instead of an approver for a limited time; both together count as one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.use_cases.approvals.people_worlds import (
    HOUR,
    KIND,
    MINUTE,
    SECOND,
    WHY,
    agrees,
    asked,
    later,
    policy,
    rota,
    under,
    verify,
    world_of,
)
from tests.use_cases.flags.rollout_world import BALANCE, NOW

from ledger_guard.domain.audit import AuditEvent
from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.facts.approvals import ApprovalAnswered
from ledger_guard.domain.facts.codec import recorded, told
from ledger_guard.domain.facts.delegations import Delegated
from ledger_guard.domain.flags import EVERYWHERE
from ledger_guard.domain.permission import Subject, permission_refusals
from ledger_guard.use_cases.approvals.delegate import delegate, withdraw
from ledger_guard.use_cases.approvals.permission import rule_now
from ledger_guard.use_cases.approvals.request_approval import tell_question
from ledger_guard.use_cases.approvals.status import guard_status
from ledger_guard.use_cases.flags.freeze import freeze
from ledger_guard.use_cases.flags.override_freeze import override_freeze
from ledger_guard.use_cases.reports.board import board


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
def uri(request):
    return None if request.param == "memory" else request.getfixturevalue("database_uri")


@pytest.fixture
def world(uri):
    return world_of(policy(), uri)


def two_needed():
    return policy(approvers_needed=2)


def active(world):
    return [(each.by, each.to) for each in guard_status(world.deps).delegations]


def test_a_deputy_is_asked_and_their_answer_counts(world):
    given = delegate(world.deps, "dora", 8, f"  {WHY} ", "anna")
    request = asked(world)
    assert request.approvers == ("anna", "boris", "cleo", "dora")
    agrees(world, request, "dora")
    assert verify(world).approved_by == "dora"
    with world.deps.state.snapshot() as state:
        (entry,) = [each for each in state.audit.entries() if told(each.event, Delegated)]
    assert (entry.event.actor, entry.event.at, entry.key_id is not None) == ("anna", NOW, True)
    assert told(entry.event, Delegated) == Delegated(
        delegation_id=given.delegation_id, to="dora", until=NOW + 8 * HOUR, reason=WHY, is_proved=True
    )


def test_the_record_of_the_answer_says_by_whose_right_it_was_given(world):
    delegate(world.deps, "dora", 8, WHY, "anna")
    agrees(world, asked(world), "dora")
    agrees(world, asked(world), "boris")
    with world.deps.state.snapshot() as state:
        facts = [fact for each in state.audit.entries() if (fact := told(each.event, ApprovalAnswered))]
    assert [fact.instead_of for fact in facts] == [("anna",), None]


def test_the_approver_keeps_their_own_right(world):
    delegate(world.deps, "dora", 8, WHY, "anna")
    agrees(world, asked(world), "anna")
    assert verify(world)


# --- its end -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "is_asked"),
    [
        pytest.param(HOUR - SECOND, True, id="below its end"),
        pytest.param(HOUR, False, id="at its end"),
        pytest.param(HOUR + MINUTE, False, id="it expired one minute ago"),
    ],
)
def test_a_deputy_is_not_asked_after_its_end(world, after, is_asked):
    delegate(world.deps, "dora", 1, WHY, "anna")
    later(world, after)
    assert ("dora" in asked(world).approvers) is is_asked
    assert active(world) == ([("anna", "dora")] if is_asked else [])


@pytest.mark.parametrize(
    ("answered_after", "written_after", "counts"),
    [
        pytest.param(HOUR - SECOND, HOUR - SECOND, True, id="below its end"),
        pytest.param(HOUR - SECOND, HOUR, False, id="answered in time, written at its end"),
        pytest.param(HOUR - SECOND, HOUR + MINUTE, False, id="written when it had expired one minute ago"),
        pytest.param(HOUR, HOUR, False, id="answered at its end"),
    ],
)
def test_it_must_hold_when_it_is_answered_and_when_it_is_written(world, answered_after, written_after, counts):
    delegate(world.deps, "dora", 1, WHY, "anna")
    request = asked(world)
    later(world, answered_after)
    agrees(world, request, "dora")
    later(world, written_after - answered_after)
    if counts:
        assert verify(world)
    else:
        with pytest.raises(SafetyRefusal, match=r"dora may no longer approve this: .*a delegation has ended"):
            verify(world)


def test_one_that_came_after_the_question_counts_for_the_next_one(world):
    request = asked(world)
    later(world, MINUTE)
    delegate(world.deps, "dora", 8, WHY, "anna")
    agrees(world, request, "dora")
    with pytest.raises(SafetyRefusal, match="dora may not approve this; allowed: anna, boris, cleo"):
        verify(world)
    assert "dora" in asked(world).approvers


def test_a_question_that_names_the_deputy_by_other_means_needs_it_from_the_time_of_the_question(world):
    """Where the policy named the deputy then, and now only a later delegation would."""
    under(world, policy(approvers=("anna", "boris", "dora")))
    request = asked(world)
    later(world, MINUTE)
    under(world, policy())
    delegate(world.deps, "dora", 8, WHY, "anna")
    agrees(world, request, "dora")
    with pytest.raises(SafetyRefusal, match=r"dora answered instead of anna, who .* delegated after it was asked"):
        verify(world)


@pytest.mark.parametrize("by", ["anna", "dora"])
def test_approver_or_deputy_withdraws_it_and_answers_given_by_it_count_no_more(world, by):
    delegate(world.deps, "dora", 8, WHY, "anna")
    agrees(world, asked(world), "dora")
    assert [each.to for each in withdraw(world.deps, "the plane was cancelled", by)] == ["dora"]
    assert active(world) == []
    with pytest.raises(SafetyRefusal, match="dora may no longer approve this"):
        verify(world)


def test_nobody_else_withdraws_it(world):
    delegate(world.deps, "dora", 8, WHY, "anna")
    with pytest.raises(SafetyRefusal, match="boris has delegated nothing, and nothing is delegated to them"):
        withdraw(world.deps, "the plane was cancelled", "boris")
    assert active(world) == [("anna", "dora")]


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"approvers": ("boris", "cleo")}, id="the approver lost the right"),
        pytest.param({"deputies": ("emil",)}, id="the policy names the deputy no more"),
        pytest.param({"most_hours": 0}, id="the policy allows no delegation any more"),
        pytest.param({"most_hours": 1}, id="the policy allows less than has passed"),
    ],
)
def test_it_ends_when_the_policy_changes(world, changed):
    delegate(world.deps, "dora", 8, WHY, "anna")
    agrees(world, asked(world), "dora")
    later(world, HOUR)
    assert verify(world)
    under(world, policy(**changed))
    with pytest.raises(SafetyRefusal, match=r"dora (may no longer|answered instead of anna)"):
        verify(world)
    assert "dora" not in asked(world).approvers


def test_a_deputy_has_no_longer_turns_than_the_approver(uri):
    groups = {"oncall": {"members": ("anna", "boris"), "rota": rota("anna", "boris", hours=3)}}
    world = world_of(policy(groups, approvers=("group:oncall", "cleo")), uri)
    delegate(world.deps, "dora", 8, WHY, "anna")
    assert "dora" in asked(world).approvers
    later(world, 3 * HOUR)
    assert "dora" not in asked(world).approvers


def test_a_deputy_who_answers_before_the_approvers_turn_permits_nothing(uri):
    groups = {"oncall": {"members": ("anna", "boris"), "rota": rota("boris", "anna")}}
    world = world_of(policy(groups, approvers=("group:oncall", "cleo")), uri)
    delegate(world.deps, "dora", 8, WHY, "anna")
    request = asked(world)
    assert "dora" in request.approvers
    agrees(world, request, "dora")
    with pytest.raises(SafetyRefusal, match=r"dora answered instead of anna, who .* may not approve it"):
        verify(world)


# --- whose right it is ---------------------------------------------------------------------------------------------


def test_nobody_is_asked_instead_of_the_requester(world):
    delegate(world.deps, "dora", 8, WHY, "anna")
    request = asked(world, by="anna")
    assert request.approvers == ("boris", "cleo")
    agrees(world, request, "dora")
    with pytest.raises(SafetyRefusal, match="dora may not approve this"):
        verify(world)


def test_an_answer_instead_of_the_requester_counts_not_even_where_the_question_names_the_deputy(world):
    under(world, policy(approvers=("anna", "boris", "dora")))
    delegate(world.deps, "dora", 8, WHY, "anna")
    agrees(world, asked(world, by="anna"), "dora")
    under(world, policy())
    with pytest.raises(SafetyRefusal, match="dora answered instead of anna, who requested it"):
        verify(world)


@pytest.mark.parametrize("maker", ["anna", "anna (stated, not proved)"])
def test_an_answer_instead_of_the_plans_maker_counts_not(world, maker):
    delegate(world.deps, "dora", 8, WHY, "anna")
    approval = agrees(world, asked(world), "dora")
    with world.deps.state.snapshot() as state:
        rule = rule_now(world.deps, state, KIND)
    (found,) = permission_refusals([approval], rule, Subject("hash-1", made_by=maker), NOW)
    assert found.startswith("dora answered instead of anna, who requested it, made the plan")


@pytest.mark.parametrize("maker", ["dora", "dora (stated, not proved)"])
def test_the_plans_maker_approves_it_not_even_when_their_name_was_only_stated(world, maker):
    delegate(world.deps, "dora", 8, WHY, "anna")
    approval = agrees(world, asked(world), "dora")
    with world.deps.state.snapshot() as state:
        rule = rule_now(world.deps, state, KIND)
    found = permission_refusals([approval], rule, Subject("hash-1", made_by=maker), NOW)
    assert f"{maker} made the plan and can't approve it too" in found


def test_a_requester_is_not_let_in_by_what_was_delegated_to_them(world):
    delegate(world.deps, "dora", 8, WHY, "anna")
    request = asked(world, by="dora")
    assert request.approvers == ("anna", "boris", "cleo")
    agrees(world, request, "dora")
    with pytest.raises(SafetyRefusal, match="dora requested it and can't approve it too"):
        verify(world)


@pytest.mark.parametrize(("first", "second"), [("anna", "dora"), ("dora", "anna")])
def test_approver_and_deputy_are_not_two_people(uri, first, second):
    world = world_of(two_needed(), uri)
    delegate(world.deps, "dora", 8, WHY, "anna")
    agrees(world, asked(world), first)
    request = asked(world, ordinal=2)
    assert request.approvers == ("boris", "cleo")
    agrees(world, request, second)
    with pytest.raises(SafetyRefusal, match=f"{first} and {second} answered by the right of one person, anna"):
        verify(world)


def test_deputy_and_another_approver_are_two_people(uri):
    world = world_of(two_needed(), uri)
    delegate(world.deps, "dora", 8, WHY, "anna")
    agrees(world, asked(world), "dora")
    agrees(world, asked(world, ordinal=2), "boris")
    assert verify(world).approved_by == "dora, boris"


def test_two_deputies_of_two_approvers_are_two_people(uri):
    world = world_of(two_needed(), uri)
    delegate(world.deps, "dora", 8, WHY, "anna")
    delegate(world.deps, "emil", 8, WHY, "boris")
    agrees(world, asked(world), "dora")
    request = asked(world, ordinal=2)
    assert request.approvers == ("boris", "cleo", "emil")
    agrees(world, request, "emil")
    assert verify(world)


def test_a_deputy_of_two_approvers_stays_one_person(uri):
    world = world_of(two_needed(), uri)
    delegate(world.deps, "dora", 8, WHY, "anna")
    delegate(world.deps, "dora", 8, WHY, "boris")
    agrees(world, asked(world), "dora")
    request = asked(world, ordinal=2)
    assert request.approvers == ("anna", "boris", "cleo")
    agrees(world, request, "dora")
    with pytest.raises(SafetyRefusal, match="dora gave both approvals"):
        verify(world)


def test_delegating_makes_no_one_needed_superfluous(uri):
    """Two people must remain besides the requester: a deputy is none of them."""
    world = world_of(policy(approvers=("anna", "boris"), approvers_needed=2), uri)
    delegate(world.deps, "dora", 8, WHY, "boris")
    with pytest.raises(SafetyRefusal, match="2 people must approve; besides the requester anna only boris may"):
        asked(world, by="anna")


# --- who may delegate, to whom, for how long -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "to", "says"),
    [
        pytest.param("mallory", "dora", "mallory has no right to approve; allowed: anna, boris, cleo", id="not an approver"),
        pytest.param("Anna", "dora", "Anna has no right to approve", id="an approver's name in other letters"),
        pytest.param("emil", "dora", "emil has no right to approve; ", id="a person of a group that approves nothing"),
        pytest.param("anna", "anna", "anna is anna; allowed: another person", id="to themself"),
        pytest.param("anna", "Ánna ", "Ánna is anna; allowed: another person", id="to themself in other letters"),
        pytest.param("anna", "mallory", "'mallory' is not a person whom the policy names", id="to a stranger"),
        pytest.param("anna", "group:deputies", "'group:deputies' is not a person", id="to a group"),
    ],
)
def test_only_an_approver_delegates_and_only_to_another_person_of_the_policy(world, by, to, says):
    with pytest.raises(SafetyRefusal, match=says):
        delegate(world.deps, to, 8, WHY, by)
    assert active(world) == []


def test_a_delegated_right_is_not_delegated_on(world):
    delegate(world.deps, "dora", 8, WHY, "anna")
    with pytest.raises(SafetyRefusal, match="dora has no right to approve of their own: a delegated right can't be delegated on"):
        delegate(world.deps, "emil", 8, WHY, "dora")


def test_a_chain_that_is_on_record_all_the_same_lets_no_one_in(world):
    delegate(world.deps, "dora", 8, WHY, "anna")
    fact = Delegated(delegation_id="d-2", to="emil", until=NOW + HOUR, reason=WHY, is_proved=True)
    with world.deps.state.transaction() as state:
        state.audit.append(recorded(fact, actor="dora", subject="delegations", at=NOW))
    assert "emil" not in asked(world).approvers


@pytest.mark.parametrize("detail", [{"is_proved": False}, {"is_proved": None}, {"to": 7}], ids=str)
def test_one_by_a_name_that_no_login_proved_does_not_count(world, detail):
    told_so = {"delegation_id": "d-1", "to": "dora", "until": (NOW + HOUR).isoformat(), "reason": WHY, "is_proved": True}
    with world.deps.state.transaction() as state:
        state.audit.append(AuditEvent("delegate", "anna", "delegations", {**told_so, **detail}, NOW))
    assert active(world) == []


@pytest.mark.parametrize(("hours", "is_given"), [(23.99, True), (24, True), (24.01, False)])
def test_for_no_longer_than_the_policy_allows(world, hours, is_given):
    if is_given:
        assert delegate(world.deps, "dora", hours, WHY, "anna").until == NOW + timedelta(hours=hours)
    else:
        with pytest.raises(SafetyRefusal, match=r"24.01 hours is more than the policy's maximum of 24"):
            delegate(world.deps, "dora", hours, WHY, "anna")


def test_a_policy_without_the_section_allows_none(uri):
    world = world_of(policy(most_hours=0), uri)
    with pytest.raises(SafetyRefusal, match="maximum of 0: no one may delegate"):
        delegate(world.deps, "dora", 1, WHY, "anna")


@pytest.mark.parametrize("hours", [0, -1, float("nan"), float("inf")])
def test_the_hours_are_a_number_above_0(world, hours):
    with pytest.raises(BadInputError, match="allowed: more than 0"):
        delegate(world.deps, "dora", hours, WHY, "anna")


def test_a_reason_and_a_name_are_needed(world):
    with pytest.raises(BadInputError, match="the reason has 9 characters; allowed: at least 10"):
        delegate(world.deps, "dora", 1, " 123456789 ", "anna")
    with pytest.raises(BadInputError, match="the name of the other person is empty"):
        delegate(world.deps, " ", 1, WHY, "anna")


def test_an_approver_has_one_deputy_at_a_time(world):
    delegate(world.deps, "dora", 1, WHY, "anna")
    with pytest.raises(SafetyRefusal, match=r"dora answers instead of anna until .*needed: withdraw that first"):
        delegate(world.deps, "emil", 1, WHY, "anna")
    later(world, HOUR)
    assert delegate(world.deps, "emil", 1, WHY, "anna")


def test_nothing_but_approvals_is_delegated():
    shipped = policy()
    rules = shipped.freeze.model_copy(update={"override_by": ("anna",)})
    world = world_of(shipped.model_copy(update={"freeze": rules}))
    delegate(world.deps, "dora", 8, WHY, "anna")
    freeze(world.deps, BALANCE, EVERYWHERE, None, "stop the rollout", "oncall")
    with pytest.raises(SafetyRefusal, match="dora may not grant it; allowed: anna"):
        override_freeze(world.deps, BALANCE, "tenant-a", 1, "pilot agreed on with the tenant", "dora")


# --- told ----------------------------------------------------------------------------------------------------------


def test_status_board_channel_and_question_say_who_answers_instead_of_whom():
    world = world_of(policy())
    delegate(world.deps, "dora", 8, WHY, "anna")
    sentence = "dora answers instead of anna until 2026-03-02T11:00:00Z"
    assert f"delegated  {sentence}" in guard_status(world.deps).lines()
    assert [each.sentence for each in board(world.deps).delegations] == [sentence]
    assert f'{sentence}: anna wrote "{WHY}"' in world.memory.notifier.posted[-1].notice.summary
    tell_question(world.deps, KIND, {"proposal": "change 3 rows", "requested_by": "oncall", "incident_id": None}, "http://x")
    said = dict(world.memory.notifier.posted[-1].notice.facts)["Approvers"]
    assert said == "anna, boris, cleo, dora (instead of anna)"
