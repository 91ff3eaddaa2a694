"""Two people where the policy asks for two; what was asked then and what the policy says now must both hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.use_cases.flags.rollout_world import NOW, REASON, RUN, RolloutWorld, answered, rollout_world

from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.policy.loader import load_policy
from ledger_guard.policy.schema import Policy
from ledger_guard.use_cases.approvals.permission import verify_approval
from ledger_guard.use_cases.approvals.request_approval import request_approval

KIND = ApprovalKind.BACKFILL_FORCE
MINUTE = timedelta(minutes=1)


def policy(**changes: object) -> Policy:
    """The shipped policy with another rule for force."""
    shipped = load_policy()
    given = {"approvers": ("anna", "boris", "cleo"), "approvers_needed": 2, **changes}
    return shipped.model_copy(update={"approvals": {**shipped.approvals, KIND: shipped.approvals[KIND].model_copy(update=given)}})


@pytest.fixture
def world() -> RolloutWorld:
    return rollout_world(policy())


def asked(
    world: RolloutWorld, ordinal: int = 1, by: str = "oncall", subject_hash: str = "hash-1", incident_id: str | None = None
):
    return request_approval(
        world.deps,
        KIND,
        "plan-1",
        subject_hash,
        incident_id=incident_id,
        requested_by=by,
        dag_id="gate_dag",
        run_id=RUN,
        task_id=f"gate_{ordinal}",
        link="",
        proposal="change 3 rows",
        ordinal=ordinal,
    )


def both_agree(world: RolloutWorld, first: str = "anna", second: str = "boris") -> None:
    answered(world.deps, asked(world).approval_id, by=first)
    answered(world.deps, asked(world, 2).approval_id, by=second)


def verify(world: RolloutWorld, subject_hash: str = "hash-1"):
    return verify_approval(world.deps, KIND, "plan-1", subject_hash, RUN)


def under(world: RolloutWorld, **changes: object) -> None:
    """The policy file is changed while the gates are parked."""
    world.deps = replace(world.deps, policy=policy(**changes))


def test_two_different_people_permit_the_write_and_both_are_named(world):
    both_agree(world)
    permission = verify(world)
    assert (permission.approved_by, permission.reason) == ("anna, boris", f"{REASON}; {REASON}")


def test_the_first_approval_alone_permits_nothing(world):
    answered(world.deps, asked(world).approval_id, by="anna")
    with pytest.raises(SafetyRefusal, match="2 approvals are needed, 1 was asked for"):
        verify(world)


def test_the_second_question_leaves_out_who_asked_and_who_agreed_first(world):
    answered(world.deps, asked(world, by="cleo").approval_id, by="anna")
    assert asked(world, 2, by="cleo").approvers == ("boris",)


def test_one_person_cannot_give_both_approvals(world):
    both_agree(world, "anna", "anna")
    with pytest.raises(SafetyRefusal, match="anna gave both approvals; allowed: 2 different people"):
        verify(world)


def test_one_person_with_two_accounts_cannot_give_both_approvals():
    world = rollout_world(policy(approvers=("anna", "Anna", "boris", "cleo")))
    both_agree(world, "anna", "Anna")
    with pytest.raises(SafetyRefusal, match="anna gave both approvals; allowed: 2 different people"):
        verify(world)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param(None, "has not been answered", id="the first gate was marked success by hand"),
        pytest.param({"option": "Reject"}, "rejected by anna", id="the first person said no"),
        pytest.param({"reason": "x"}, "fewer than 10 characters", id="the first approval has no reason"),
        pytest.param({"by": "oncall"}, "oncall asked for it", id="the requester gave the first"),
    ],
)
def test_nobody_is_asked_second_behind_a_first_approval_that_does_not_count(world, answer, why):
    first = asked(world)
    if answer is not None:
        answered(world.deps, first.approval_id, **{"by": "anna", **answer})
    with pytest.raises(SafetyRefusal, match=why):
        asked(world, 2)


def test_a_second_question_without_a_first_is_not_asked(world):
    with pytest.raises(SafetyRefusal, match="the first question was never asked"):
        asked(world, 2)


def test_two_people_must_remain_besides_the_requester():
    world = rollout_world(policy(approvers=("anna", "boris")))
    with pytest.raises(SafetyRefusal, match="2 people must approve; besides the requester anna only boris may"):
        asked(world, by="anna")
    assert asked(world, by="oncall").approvers_needed == 2


def test_a_rejection_by_the_second_person_is_a_no(world):
    answered(world.deps, asked(world).approval_id, by="anna")
    answered(world.deps, asked(world, 2).approval_id, by="boris", option="Reject", reason="not at night")
    with pytest.raises(SafetyRefusal, match='second approval: rejected by boris, who wrote "not at night"'):
        verify(world)


def test_both_must_have_agreed_to_the_same(world):
    both_agree(world)
    with pytest.raises(SafetyRefusal, match=r"first approval: it was given for another state.*second approval: it was given"):
        verify(world, "hash-2")


# --- the policy file changed while parked --------------------------------------------------------------------------


def test_one_approval_does_not_do_any_more_when_the_policy_has_come_to_ask_for_two():
    world = rollout_world(policy(approvers_needed=1))
    answered(world.deps, asked(world).approval_id, by="anna")
    under(world, approvers_needed=2)
    with pytest.raises(SafetyRefusal, match="the policy asks for 2 approvers now, 1 had to agree when it was asked"):
        verify(world)


def test_two_that_were_asked_for_stay_two_when_the_policy_has_come_to_ask_for_one(world):
    answered(world.deps, asked(world).approval_id, by="anna")
    under(world, approvers_needed=1)
    with pytest.raises(SafetyRefusal, match="2 approvals are needed"):
        verify(world)


def test_an_approver_who_was_taken_out_of_the_policy_does_not_count_any_more(world):
    both_agree(world)
    under(world, approvers=("anna", "cleo", "dan"))
    with pytest.raises(SafetyRefusal, match="second approval: boris may not approve this any more: the policy was changed"):
        verify(world)


def test_an_approver_who_came_into_the_policy_later_was_not_asked(world):
    answered(world.deps, asked(world).approval_id, by="dan")
    under(world, approvers=("anna", "boris", "dan"))
    with pytest.raises(SafetyRefusal, match="dan may not approve this; allowed: anna, boris, cleo"):
        asked(world, 2)


@pytest.mark.parametrize(
    ("needed", "counts"), [pytest.param(len(REASON), True, id="at the limit"), pytest.param(len(REASON) + 1, False, id="above")]
)
def test_a_longer_reason_that_the_policy_has_come_to_ask_for_is_asked_of_old_answers_too(world, needed, counts):
    both_agree(world)
    under(world, minimum_reason_characters=needed)
    if counts:
        assert verify(world)
    else:
        with pytest.raises(SafetyRefusal, match="characters now: it was changed"):
            verify(world)


# --- what changed meanwhile ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "now"),
    [
        pytest.param({"severity": Severity.SEVERE}, "T1 severe isolated", id="severity"),
        pytest.param({"scope": Scope.WIDESPREAD}, "T1 mild widespread", id="scope"),
    ],
)
def test_an_approval_is_void_when_the_incident_changed_and_says_how(world, change, now):
    incident_id = world.incident(severity=Severity.MILD, scope=Scope.ISOLATED)
    answered(world.deps, asked(world, incident_id=incident_id).approval_id, by="anna")
    answered(world.deps, asked(world, 2, incident_id=incident_id).approval_id, by="boris")
    assert verify(world)
    world.change_incident(incident_id, **change)
    with pytest.raises(SafetyRefusal, match=f"the incident was T1 mild isolated when it was asked, and is {now} now"):
        verify(world)


def test_an_approval_is_void_when_the_incident_was_resolved(world):
    incident_id = world.incident()
    answered(world.deps, asked(world, incident_id=incident_id).approval_id, by="anna")
    world.resolve(incident_id)
    with pytest.raises(SafetyRefusal, match="is T1 severe widespread resolved now"):
        verify(world)


# --- clocks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stands", "refused"),
    [
        pytest.param(2 * MINUTE, None, id="two minutes ahead of the guard: at the limit"),
        pytest.param(2 * MINUTE + timedelta(seconds=1), "now: a clock was moved", id="more than two minutes ahead"),
        pytest.param(-2 * MINUTE, None, id="two minutes before the question: at the limit"),
        pytest.param(-2 * MINUTE - timedelta(seconds=1), "before it was asked for: a clock was moved", id="more than that"),
    ],
)
def test_clock_moved_between_the_answers_date_and_the_guards_own(world, stands, refused):
    """The API server dates the answer, a worker's clock judges it: they may stand two minutes apart."""
    approval = answered(world.deps, asked(world).approval_id, by="anna", at=NOW + stands)
    if refused is None:
        assert asked(world, 2)
    else:
        with pytest.raises(SafetyRefusal, match=refused):
            asked(world, 2)
    assert approval.answer.answered_at == NOW + stands


def test_clock_moved_back_below_an_answer_permits_nothing(world):
    world.memory.wall_clock.advance(timedelta(hours=1))
    both_agree(world)
    world.memory.wall_clock.advance(-timedelta(hours=1))
    with pytest.raises(SafetyRefusal, match="a clock was moved"):
        verify(world)


@pytest.mark.parametrize(
    ("after", "counts"),
    [
        pytest.param(timedelta(minutes=122), True, id="at the limit, with the clocks' tolerance"),
        pytest.param(timedelta(minutes=122, seconds=1), False, id="after it"),
    ],
)
def test_an_approval_is_good_for_as_long_as_its_question_was(world, after, counts):
    both_agree(world)
    world.memory.wall_clock.advance(after)
    if counts:
        assert verify(world)
    else:
        with pytest.raises(SafetyRefusal, match="was good for 120 minutes: ask again"):
            verify(world)
