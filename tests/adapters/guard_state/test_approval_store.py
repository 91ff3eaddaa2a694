"""What every ApprovalStore promises."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.adapters.guard_state.samples import NOON, a_question, a_yes

from ledger_guard.domain.approvals import Answer, Approval, ApprovalKind
from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.identifiers import new_id

SUBJECT = "ledger_enforce_balance@*"


def test_a_question_comes_back_with_its_answer(state):
    question = a_question()
    with state.transaction() as transaction:
        transaction.approvals.request(question)
        assert transaction.approvals.get(question.approval_id) == Approval(question)
        transaction.approvals.answer(a_yes(question))
    with state.transaction() as transaction:
        assert transaction.approvals.get(question.approval_id) == Approval(question, a_yes(question))


def test_silence_is_recorded_without_a_person(state):
    question = a_question()
    silence = a_yes(question, answer=Answer.TIMED_OUT, answered_by=None, reason="")
    with state.transaction() as transaction:
        transaction.approvals.request(question)
        transaction.approvals.answer(silence)
        assert transaction.approvals.get(question.approval_id).answer == silence


def test_an_answer_is_never_replaced(state):
    question = a_question()
    no = a_yes(question, answer=Answer.REJECTED, reason="not while players sleep")
    with state.transaction() as transaction:
        transaction.approvals.request(question)
        transaction.approvals.answer(no)
        with pytest.raises(SafetyRefusal, match="never replaced"):
            transaction.approvals.answer(a_yes(question))
    with state.transaction() as transaction:
        assert transaction.approvals.get(question.approval_id).answer == no


@pytest.mark.parametrize("approval_id", [new_id(), "approval", ""], ids=["unknown", "no id", "empty"])
def test_an_approval_that_was_never_asked_for_is_bad_input(state, approval_id):
    with state.transaction() as transaction:
        with pytest.raises(BadInputError, match="approval"):
            transaction.approvals.get(approval_id)
        with pytest.raises(BadInputError, match="approval"):
            transaction.approvals.answer(a_yes(a_question(approval_id=approval_id)))


def test_asking_again_in_the_same_gate_voids_the_older_question_even_an_approved_one(state):
    older, newer = a_question(), a_question()
    with state.transaction() as transaction:
        transaction.approvals.request(older)
        transaction.approvals.answer(a_yes(older))
        transaction.approvals.request(newer)
        assert transaction.approvals.of_run(ApprovalKind.FLAG_ROLLBACK, SUBJECT) == [Approval(newer)]
        assert transaction.approvals.waiting(NOON) == [Approval(newer)]


def test_asking_again_voids_the_older_question_even_when_the_clock_was_set_back(state):
    older, newer = a_question(), a_question(requested_at=NOON - timedelta(hours=1))
    with state.transaction() as transaction:
        transaction.approvals.request(older)
        transaction.approvals.answer(a_yes(older))
        transaction.approvals.request(newer)
        assert transaction.approvals.of_run(ApprovalKind.FLAG_ROLLBACK, SUBJECT) == [Approval(newer)]


def test_a_voided_question_takes_no_answer_any_more(state):
    older, newer = a_question(), a_question()
    with state.transaction() as transaction:
        transaction.approvals.request(older)
        transaction.approvals.request(newer)
        with pytest.raises(SafetyRefusal, match="asked again"):
            transaction.approvals.answer(a_yes(older))
        transaction.approvals.answer(a_yes(newer))
        assert transaction.approvals.of_run(ApprovalKind.FLAG_ROLLBACK, SUBJECT) == [Approval(newer, a_yes(newer))]


@pytest.mark.parametrize("elsewhere", [{"run_id": "run-2"}, {"task_id": "second_approval"}, {"dag_id": "flag_restore"}], ids=str)
def test_another_gate_asking_voids_nothing(state, elsewhere):
    older, newer = a_question(), a_question(**elsewhere)
    with state.transaction() as transaction:
        transaction.approvals.request(older)
        transaction.approvals.request(newer)
        transaction.approvals.answer(a_yes(older))
        assert transaction.approvals.get(older.approval_id).answer == a_yes(older)


def test_the_latest_question_is_that_of_its_kind_subject_and_run(state):
    first = a_question(run_id="run-1")
    second = a_question(run_id="run-2")
    other_kind = a_question(run_id="run-3", kind=ApprovalKind.FLAG_RESTORE)
    other_subject = a_question(run_id="run-4", subject_id="ledger_enforce_balance@tenant-a")
    before_all = a_question(run_id="run-5", requested_at=NOON - timedelta(minutes=1))
    with state.transaction() as transaction:
        for question in (first, second, other_kind, other_subject, before_all):
            transaction.approvals.request(question)
        of_run = transaction.approvals.of_run
        assert of_run(ApprovalKind.FLAG_ROLLBACK, SUBJECT) == [Approval(second)]
        assert of_run(ApprovalKind.FLAG_ROLLBACK, SUBJECT, "run-1") == [Approval(first)]
        assert of_run(ApprovalKind.FLAG_ROLLBACK, SUBJECT, "run-3") == []
        assert of_run(ApprovalKind.BACKFILL_FORCE, SUBJECT) == []


@pytest.mark.parametrize(
    ("seconds_after_expiry", "is_waiting"),
    [
        pytest.param(-1, True, id="before it expires"),
        pytest.param(0, True, id="at the moment it expires an answer still counts"),
        pytest.param(1, False, id="after it expired"),
    ],
)
def test_a_question_waits_until_it_expires(state, seconds_after_expiry, is_waiting):
    question = a_question()
    with state.transaction() as transaction:
        transaction.approvals.request(question)
        waiting = transaction.approvals.waiting(question.expires_at + timedelta(seconds=seconds_after_expiry))
    assert waiting == ([Approval(question)] if is_waiting else [])


def test_waiting_questions_come_oldest_first_answered_ones_not_at_all(state):
    newest = a_question(run_id="run-1", requested_at=NOON + timedelta(minutes=2))
    oldest = a_question(run_id="run-2")
    answered = a_question(run_id="run-3")
    with state.transaction() as transaction:
        for question in (newest, oldest, answered):
            transaction.approvals.request(question)
        transaction.approvals.answer(a_yes(answered))
        assert transaction.approvals.waiting(NOON) == [Approval(oldest), Approval(newest)]


def test_a_gate_finds_the_question_that_it_asked_last_and_no_other_gates(state):
    older, newer = a_question(), a_question()
    with state.transaction() as transaction:
        transaction.approvals.request(older)
        transaction.approvals.request(newer)
        transaction.approvals.answer(a_yes(newer))
        asked = transaction.approvals.of_gate(newer.dag_id, newer.run_id, newer.task_id)
        assert asked == Approval(newer, a_yes(newer))
        assert transaction.approvals.of_gate(newer.dag_id, "another run", newer.task_id) is None


def test_what_a_question_says_of_people_and_its_incident_comes_back(state):
    question = a_question(approvers_needed=2, ordinal=2, incident_state="T2 severe widespread", is_break_glass=True)
    with state.transaction() as transaction:
        transaction.approvals.request(question)
        assert transaction.approvals.get(question.approval_id) == Approval(question)


def test_a_run_gives_its_questions_in_the_order_of_its_gates_and_no_others(state):
    second = a_question(task_id="request_second_approval", approvers_needed=2, ordinal=2)
    voided, first = a_question(approvers_needed=2), a_question(approvers_needed=2)
    elsewhere = a_question(run_id="run-0", requested_at=NOON - timedelta(minutes=1))
    with state.transaction() as transaction:
        for question in (elsewhere, voided, second, first):
            transaction.approvals.request(question)
        transaction.approvals.answer(a_yes(first))
        of_run, kind = transaction.approvals.of_run, ApprovalKind.FLAG_ROLLBACK
        assert of_run(kind, SUBJECT, "run-1") == [Approval(first, a_yes(first)), Approval(second)]
        assert of_run(kind, SUBJECT) == of_run(kind, SUBJECT, "run-1"), "the run that asked last"
        assert of_run(kind, SUBJECT, "run-0") == [Approval(elsewhere)]
        assert of_run(kind, SUBJECT, "run-9") == of_run(ApprovalKind.FLAG_RESTORE, SUBJECT) == []


def test_a_reminder_is_remembered_with_the_question_and_the_first_one_stays(state):
    question = a_question()
    with state.transaction() as transaction:
        transaction.approvals.request(question)
        transaction.approvals.escalated(question.approval_id, NOON)
        transaction.approvals.escalated(question.approval_id, NOON + timedelta(hours=1))
    with state.transaction() as transaction:
        assert transaction.approvals.waiting(NOON) == [Approval(question, escalated_at=NOON)]
        with pytest.raises(BadInputError, match="approval"):
            transaction.approvals.escalated(new_id(), NOON)


def test_a_question_whose_run_has_ended_waits_no_more_and_takes_no_answer(state):
    question = a_question()
    with state.transaction() as transaction:
        transaction.approvals.request(question)
        assert transaction.approvals.orphan(question.approval_id, NOON) is True
        assert transaction.approvals.waiting(NOON) == transaction.approvals.unanswered() == []
        with pytest.raises(SafetyRefusal, match="its run had ended unanswered; clear the gate to ask again"):
            transaction.approvals.answer(a_yes(question))
    with state.transaction() as transaction:
        assert transaction.approvals.get(question.approval_id) == Approval(question, orphaned_at=NOON)


def test_a_question_is_closed_once_and_an_answered_or_void_one_never(state):
    answered, older, newer = a_question(run_id="run-9"), a_question(), a_question()
    with state.transaction() as transaction:
        for question in (answered, older, newer):
            transaction.approvals.request(question)
        transaction.approvals.answer(a_yes(answered))
        assert [transaction.approvals.orphan(each.approval_id, NOON) for each in (answered, older, newer, newer)] == [
            False,
            False,
            True,
            False,
        ]
        assert transaction.approvals.orphan(new_id(), NOON) is False
        assert [each.request for each in transaction.approvals.orphans_to_tell()] == [newer]


def test_a_gate_that_is_cleared_after_its_run_had_ended_asks_anew(state):
    older, newer = a_question(), a_question()
    with state.transaction() as transaction:
        transaction.approvals.request(older)
        transaction.approvals.orphan(older.approval_id, NOON)
        transaction.approvals.request(newer)
        assert transaction.approvals.waiting(NOON) == [Approval(newer)]
        transaction.approvals.answer(a_yes(newer))


def test_a_closed_question_is_to_be_reported_until_it_was(state):
    first, second = a_question(run_id="run-1"), a_question(run_id="run-2", requested_at=NOON - timedelta(minutes=1))
    with state.transaction() as transaction:
        for question in (first, second):
            transaction.approvals.request(question)
            transaction.approvals.orphan(question.approval_id, NOON)
        assert [each.request for each in transaction.approvals.orphans_to_tell()] == [second, first]
        transaction.approvals.orphan_told(second.approval_id, NOON)
        transaction.approvals.orphan_told(second.approval_id, NOON)
        assert [each.request for each in transaction.approvals.orphans_to_tell()] == [first]
        with pytest.raises(BadInputError, match="approval"):
            transaction.approvals.orphan_told(new_id(), NOON)


def test_unanswered_questions_are_there_after_they_expired_too(state):
    question, answered = a_question(), a_question(run_id="run-3")
    with state.transaction() as transaction:
        transaction.approvals.request(question)
        transaction.approvals.request(answered)
        transaction.approvals.answer(a_yes(answered))
        assert transaction.approvals.waiting(question.expires_at + timedelta(days=1)) == []
        assert transaction.approvals.unanswered() == [Approval(question)]
