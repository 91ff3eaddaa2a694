from __future__ import annotations

from datetime import timedelta

import pytest
from tests.use_cases.flags.rollout_world import NOW, REASON, RUN, RolloutWorld, answered, asked, rollout_world

from ledger_guard.domain.approvals import Answer, ApprovalKind, refusals
from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.approvals.permission import verify_approval
from ledger_guard.use_cases.approvals.record_answer import record_answer

KIND = ApprovalKind.BACKFILL_FORCE
VALID = timedelta(minutes=120)


@pytest.fixture
def world() -> RolloutWorld:
    return rollout_world()


def _verify(world: RolloutWorld, subject_hash: str = "hash-1"):
    return verify_approval(world.deps, KIND, "plan-1", subject_hash, RUN)


def test_a_question_takes_approvers_expiry_and_reason_length_from_the_policy(world):
    request = asked(world.deps)
    assert request.approvers == ("payments-lead", "ops-lead")
    assert (request.requested_at, request.expires_at) == (NOW, NOW + VALID)
    assert request.minimum_reason_characters == 10
    with world.deps.state.transaction() as state:
        assert state.approvals.get(request.approval_id).request == request
    assert [entry["subject_hash"] for entry in world.audit("request_approval")] == ["hash-1"]


@pytest.mark.parametrize(
    ("approvers", "is_refused"),
    [
        pytest.param(["oncall"], True, id="only the requester may approve"),
        pytest.param(["oncall", "oncall"], True, id="the requester is listed twice"),
        pytest.param(["oncall", "ops-lead"], False, id="somebody else remains"),
    ],
)
def test_nobody_can_ask_a_question_that_only_the_requester_could_answer(approvers, is_refused):
    policy = load_policy()
    rule = policy.approvals[KIND].model_copy(update={"approvers": tuple(approvers)})
    world = rollout_world(policy.model_copy(update={"approvals": {**policy.approvals, KIND: rule}}))
    if is_refused:
        with pytest.raises(SafetyRefusal, match="oncall asks and is the only one"):
            asked(world.deps)
    else:
        asked(world.deps)
    with world.deps.state.transaction() as state:
        assert len(state.approvals.waiting(NOW)) == (0 if is_refused else 1)


@pytest.mark.parametrize(
    "emptied",
    [
        pytest.param({"by": " "}, id="no requester"),
        pytest.param({"subject_id": ""}, id="no subject"),
        pytest.param({"subject_hash": ""}, id="no hash"),
    ],
)
def test_a_question_without_requester_subject_or_hash_is_bad_input(world, emptied):
    with pytest.raises(BadInputError, match="is empty"):
        asked(world.deps, **emptied)


def test_the_named_persons_timely_reasoned_approval_of_this_very_subject_permits_the_write(world):
    answered(world.deps, asked(world.deps).approval_id)
    assert _verify(world).approved_by == "payments-lead"
    assert world.audit("verify_approval")[-1]["permitted"] is True


def test_a_requester_who_is_an_approver_cannot_approve_his_own_request(world):
    answered(world.deps, asked(world.deps, by="payments-lead").approval_id, by="payments-lead")
    with pytest.raises(SafetyRefusal, match="payments-lead asked for it and can't approve it too"):
        _verify(world)


@pytest.mark.parametrize("account", ["Payments-Lead", "payments-l\u00e9ad", "payments - lead"])
def test_a_requester_with_a_second_account_cannot_approve_his_own_request(world, account):
    question = asked(world.deps, by=account)
    assert question.approvers == ("ops-lead",)
    answered(world.deps, question.approval_id, by="payments-lead")
    with pytest.raises(SafetyRefusal, match=f"payments-lead may be {account}, who asked for it and can't approve it too"):
        _verify(world)


def test_somebody_who_is_not_in_the_list_cannot_approve(world):
    answered(world.deps, asked(world.deps).approval_id, by="intern")
    with pytest.raises(SafetyRefusal, match="intern may not approve this; allowed: payments-lead, ops-lead"):
        _verify(world)


@pytest.mark.parametrize("nobody", [pytest.param(None, id="none"), pytest.param("", id="empty")])
def test_an_approval_that_names_no_person_permits_nothing(world, nobody):
    answered(world.deps, asked(world.deps).approval_id, by=nobody)
    with pytest.raises(SafetyRefusal, match="names no person"):
        _verify(world)


@pytest.mark.parametrize(
    ("reason", "counts"),
    [
        pytest.param("", False, id="empty"),
        pytest.param("x", False, id="one letter"),
        pytest.param("123456789", False, id="9 characters: one below"),
        pytest.param("1234567890", True, id="10 characters: at the limit"),
        pytest.param("12345678901", True, id="11 characters: above"),
        pytest.param("    x     ", False, id="10 characters, 9 of them blank"),
    ],
)
def test_a_reason_shorter_than_the_minimum_is_stored_but_does_not_count(world, reason, counts):
    approval = answered(world.deps, asked(world.deps).approval_id, reason=reason)
    assert approval.answer.reason == reason
    assert (refusals(approval, "hash-1", NOW) == []) is counts
    assert (world.audit("record_answer")[0]["refusals"] == []) is counts
    if not counts:
        with pytest.raises(SafetyRefusal, match="fewer than 10 characters"):
            _verify(world)


@pytest.mark.parametrize(
    ("late_by", "counts"),
    [
        pytest.param(timedelta(microseconds=-1), True, id="just before expiry"),
        pytest.param(timedelta(0), True, id="at expiry"),
        pytest.param(timedelta(microseconds=1), False, id="just after expiry"),
    ],
)
def test_an_answer_counts_until_the_question_expires(world, late_by, counts):
    request = asked(world.deps)
    world.memory.wall_clock.advance(VALID + late_by)
    answered(world.deps, request.approval_id)
    if counts:
        assert _verify(world)
    else:
        with pytest.raises(SafetyRefusal, match="the answer came after"):
            _verify(world)


def test_every_reason_against_an_approval_is_named_at_once(world):
    request = asked(world.deps, by="intern")
    world.memory.wall_clock.advance(VALID + timedelta(days=1))
    answered(world.deps, request.approval_id, by="intern", reason="")
    with pytest.raises(SafetyRefusal) as refused:
        _verify(world, "another-hash")
    for reason in ("may not approve", "asked for it", "came after", "fewer than", "changed since"):
        assert reason in str(refused.value)
    assert len(world.audit("verify_approval")[-1]["refusals"]) == 5


def test_an_approval_of_an_older_plan_does_not_permit_the_newer(world):
    answered(world.deps, asked(world.deps).approval_id)
    with pytest.raises(SafetyRefusal, match="changed since"):
        _verify(world, "hash-2")


def test_an_approval_given_in_another_run_does_not_permit_this_one(world):
    answered(world.deps, asked(world.deps, run_id="another run").approval_id)
    with pytest.raises(SafetyRefusal, match="no approval was asked for"):
        _verify(world)


def test_a_gate_that_asks_again_voids_the_older_approval(world):
    answered(world.deps, asked(world.deps).approval_id)
    world.memory.wall_clock.advance(timedelta(minutes=1))
    asked(world.deps)
    with pytest.raises(SafetyRefusal, match="has not been answered"):
        _verify(world)


def test_a_gate_marked_success_by_hand_leaves_no_row_and_permits_nothing(world):
    asked(world.deps)
    with pytest.raises(SafetyRefusal, match="has not been answered"):
        _verify(world)


def test_a_second_answer_never_replaces_the_first(world):
    approval_id = asked(world.deps).approval_id
    answered(world.deps, approval_id, option="Reject", reason="not at night")
    with pytest.raises(SafetyRefusal, match="answered already"):
        answered(world.deps, approval_id)
    with pytest.raises(SafetyRefusal, match='rejected by payments-lead, who wrote "not at night"'):
        _verify(world)
    assert len(world.audit("record_answer")) == 1


def test_the_same_event_delivered_again_changes_nothing(world):
    approval_id = asked(world.deps).approval_id
    first = answered(world.deps, approval_id)
    assert answered(world.deps, approval_id) == first
    assert len(world.audit("record_answer")) == 1


def test_a_timeout_is_kept_apart_from_a_rejection_and_names_nobody(world):
    approval = record_answer(
        world.deps,
        asked(world.deps).approval_id,
        chosen_options=["Reject"],
        reason="",
        answered_by="payments-lead",
        answered_at=NOW + VALID,
        timed_out=True,
    )
    assert (approval.answer.answer, approval.answer.answered_by) == (Answer.TIMED_OUT, None)
    with pytest.raises(SafetyRefusal, match="nobody answered in time"):
        _verify(world)


def test_a_timeout_is_no_approval_even_where_the_gate_defaults_to_approve(world):
    approval_id = asked(world.deps).approval_id
    record_answer(
        world.deps,
        approval_id,
        chosen_options=["Approve"],
        reason=REASON,
        answered_by=None,
        answered_at=NOW + VALID,
        timed_out=True,
    )
    with pytest.raises(SafetyRefusal, match="nobody answered in time"):
        _verify(world)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param([], id="nothing chosen"),
        pytest.param(["Approve", "Reject"], id="both"),
        pytest.param(["Approve", "Approve"], id="twice"),
        pytest.param(["approve"], id="another spelling"),
        pytest.param(["Yes"], id="another word"),
        pytest.param("Approve", id="a text, not a list"),
    ],
)
def test_an_answer_other_than_exactly_approve_or_reject_is_bad_input_and_not_stored(world, options):
    approval_id = asked(world.deps).approval_id
    with pytest.raises(BadInputError, match=r"allowed: exactly \['Approve'\] or \['Reject'\]"):
        record_answer(
            world.deps,
            approval_id,
            chosen_options=options,
            reason=REASON,
            answered_by="ops-lead",
            answered_at=NOW,
            timed_out=False,
        )
    with world.deps.state.transaction() as state:
        assert state.approvals.get(approval_id).answer is None
    assert world.audit("record_answer") == []


def test_an_answer_to_a_question_that_was_never_asked_is_bad_input(world):
    with pytest.raises(BadInputError):
        answered(world.deps, "00000000-0000-0000-0000-000000000001")
    with pytest.raises(BadInputError, match="is not an id"):
        answered(world.deps, "'; drop table approval; --")
