"""What every FlagChangeStore, FreezeStore and RotationStore promises."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.state.samples import NOON, a_flag_change, a_freeze, a_question, a_rotation, an_incident

from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.flags import ChangeStatus
from ledger_guard.domain.identifiers import new_id

FLAG = "ledger_enforce_balance"


def lifted(freeze, **changes):
    given = {
        "lifted_at": NOON,
        "lifted_by": "ops-lead",
        "root_cause": "a deploy lost the wallet write",
        "root_cause_link": None,
    }
    return replace(freeze, **{**given, **changes})


def test_a_flag_change_comes_back_and_can_be_confirmed(state):
    question = a_question()
    change = a_flag_change(question, from_value=None)
    confirmed = replace(change, status=ChangeStatus.CONFIRMED, confirmed_at=NOON)
    with state.transaction() as transaction:
        transaction.approvals.request(question)
        transaction.flag_changes.add(change)
        assert transaction.flag_changes.latest(FLAG, "*") == change
        transaction.flag_changes.save(confirmed)
    with state.transaction() as transaction:
        assert transaction.flag_changes.of_approval(question.approval_id) == confirmed
        assert transaction.flag_changes.latest(FLAG, "tenant-a") is None


def test_recording_the_same_change_again_changes_nothing(state):
    question = a_question()
    change = a_flag_change(question)
    with state.transaction() as transaction:
        transaction.approvals.request(question)
        transaction.flag_changes.add(change)
        transaction.flag_changes.add(replace(change, reason="another reason"))
        assert transaction.flag_changes.latest(FLAG, "*") == change


def test_an_approval_is_used_once(state):
    question = a_question()
    first = a_flag_change(question)
    with state.transaction() as transaction:
        transaction.approvals.request(question)
        transaction.flag_changes.add(first)
        with pytest.raises(SafetyRefusal, match="used already"):
            transaction.flag_changes.add(a_flag_change(question))
        assert transaction.flag_changes.of_approval(question.approval_id) == first


def test_a_change_without_an_approval_that_was_asked_for_is_refused(state):
    with pytest.raises(BadInputError, match="approval"), state.transaction() as transaction:
        transaction.flag_changes.add(a_flag_change(a_question()))


def test_confirming_a_change_that_was_never_made_is_bad_input(state):
    with state.transaction() as transaction, pytest.raises(BadInputError, match="flag change"):
        transaction.flag_changes.save(a_flag_change(a_question()))


def test_the_latest_change_is_the_newest_of_its_scope(state):
    questions = [a_question(run_id=f"run-{number}") for number in range(3)]
    older, newer = a_flag_change(questions[0], changed_at=NOON - timedelta(hours=1)), a_flag_change(questions[1])
    elsewhere = a_flag_change(questions[2], tenant_id="tenant-a", changed_at=NOON + timedelta(hours=1))
    with state.transaction() as transaction:
        for question in questions:
            transaction.approvals.request(question)
        for change in (newer, older, elsewhere):
            transaction.flag_changes.add(change)
        assert transaction.flag_changes.latest(FLAG, "*") == newer


def test_a_freeze_that_stands_for_the_same_flag_scope_and_incident_is_returned_instead(state):
    incident = an_incident()
    by_hand, of_incident = a_freeze(), a_freeze(incident_id=incident.incident_id)
    of_tenant = a_freeze(tenant_id="tenant-a")
    with state.transaction() as transaction:
        transaction.incidents.add(incident)
        for freeze in (by_hand, of_incident, of_tenant):
            assert transaction.freezes.add(freeze) == freeze
        assert transaction.freezes.add(a_freeze(reason="again")) == by_hand
        assert transaction.freezes.add(a_freeze(incident_id=incident.incident_id)) == of_incident
        assert transaction.freezes.standing(FLAG) == [by_hand, of_incident, of_tenant]
        assert transaction.freezes.get(of_tenant.freeze_id) == of_tenant


def test_standing_freezes_come_oldest_first_of_one_flag_or_all(state):
    newer, older = a_freeze(), a_freeze(flag="webhook_signature_enforced", opened_at=NOON - timedelta(hours=1))
    with state.transaction() as transaction:
        transaction.freezes.add(newer)
        transaction.freezes.add(older)
        assert transaction.freezes.standing() == [older, newer]
        assert transaction.freezes.standing(FLAG) == [newer]
        assert transaction.freezes.standing("another_flag") == []


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        pytest.param({"root_cause": None}, "a root cause", id="no root cause"),
        pytest.param({"root_cause": "  "}, "a root cause", id="blank root cause"),
        pytest.param({"lifted_by": None}, "a person", id="nobody"),
        pytest.param({"lifted_at": None}, "a time", id="no time"),
    ],
)
def test_a_freeze_is_not_lifted_without_what_lifting_needs(state, missing, said):
    freeze = a_freeze()
    with state.transaction() as transaction:
        transaction.freezes.add(freeze)
        with pytest.raises(SafetyRefusal, match=said):
            transaction.freezes.lift(lifted(freeze, **missing))
        assert transaction.freezes.standing() == [freeze]


def test_a_lifted_freeze_stands_no_more_keeps_its_root_cause_and_makes_room_for_another(state):
    freeze, another = a_freeze(), a_freeze()
    with state.transaction() as transaction:
        transaction.freezes.add(freeze)
        transaction.freezes.lift(lifted(freeze))
        assert transaction.freezes.standing() == []
        assert transaction.freezes.get(freeze.freeze_id) == lifted(freeze)
        assert transaction.freezes.add(another) == another
        with pytest.raises(SafetyRefusal, match="lifted already"):
            transaction.freezes.lift(lifted(freeze, lifted_by="payments-lead"))


def test_a_freeze_that_does_not_exist_is_bad_input(state):
    with state.transaction() as transaction:
        with pytest.raises(BadInputError, match="freeze"):
            transaction.freezes.get(new_id())
        with pytest.raises(BadInputError, match="freeze"):
            transaction.freezes.lift(lifted(a_freeze()))


def test_a_secret_has_one_pending_rotation(state):
    first, other = a_rotation(), a_rotation(secret_name="ADYEN_HMAC_KEY", planned_at=NOON - timedelta(hours=1))
    with state.transaction() as transaction:
        assert transaction.rotations.add(first) == first
        assert transaction.rotations.add(a_rotation(owner="ops-lead")) == first
        assert transaction.rotations.add(other) == other
        assert transaction.rotations.pending() == [other, first]


def test_a_rotation_that_took_place_is_pending_no_more_and_is_not_recorded_twice(state):
    first, next_one = a_rotation(), a_rotation()
    with state.transaction() as transaction:
        transaction.rotations.add(first)
        transaction.rotations.done(first.rotation_id, "payments-lead", NOON)
        assert transaction.rotations.pending() == []
        with pytest.raises(SafetyRefusal, match="done already, by payments-lead"):
            transaction.rotations.done(first.rotation_id, "ops-lead", NOON)
        assert transaction.rotations.add(next_one) == next_one


def test_pending_rotations_can_be_asked_for_by_incident(state):
    incident = an_incident()
    mine, other = a_rotation(incident_id=incident.incident_id), a_rotation(secret_name="ADYEN_HMAC_KEY")
    with state.transaction() as transaction:
        transaction.incidents.add(incident)
        transaction.rotations.add(mine)
        transaction.rotations.add(other)
        assert transaction.rotations.pending(incident.incident_id) == [mine]


def test_a_rotation_that_was_never_planned_is_bad_input(state):
    with state.transaction() as transaction, pytest.raises(BadInputError, match="rotation"):
        transaction.rotations.done(new_id(), "ops-lead", NOON)
