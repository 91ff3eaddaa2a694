"""What every store of the rollout promises: flag changes, freezes, overrides, rotations, sightings of secrets, deploys."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.adapters.guard_state.samples import NOON, a_flag_change, a_freeze, a_question, a_rotation, an_incident

from ledger_guard.domain.deploys import Deploy
from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.flags import ChangeStatus
from ledger_guard.domain.freeze_overrides import FreezeOverride
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.secrets import SecretSighting

FLAG = "ledger_enforce_balance"


def lifted(freeze, **changes):
    given = {
        "lifted_at": NOON,
        "lifted_by": "ops-lead",
        "root_cause": "a deploy lost the wallet write",
        "root_cause_link": "OPS-123",
        "root_cause_owner": "platform-team",
        "root_cause_by": "oncall",
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
        with pytest.raises(SafetyRefusal, match="already used"):
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
        pytest.param({"root_cause_link": " "}, "a link to it", id="no link"),
        pytest.param({"root_cause_owner": ""}, "its owner", id="no owner"),
        pytest.param({"root_cause_by": None}, "the name of who wrote it", id="written by nobody"),
        pytest.param({"root_cause_by": "ops-lead"}, "wrote the root cause and can't lift it too", id="lifted by its writer"),
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
        with pytest.raises(SafetyRefusal, match="already lifted"):
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
        with pytest.raises(SafetyRefusal, match="already done, by payments-lead"):
            transaction.rotations.done(first.rotation_id, "ops-lead", NOON)
        assert transaction.rotations.add(next_one) == next_one


@pytest.mark.parametrize(
    ("hours_later", "is_refused"),
    [
        pytest.param(0, True, id="at once"),
        pytest.param(23.999, True, id="just before the overlap ends"),
        pytest.param(24, False, id="when it has ended"),
    ],
)
def test_no_rotation_is_planned_while_one_that_is_done_overlaps(state, hours_later, is_refused):
    first = a_rotation(overlap_hours=24)
    second = a_rotation(planned_at=NOON + timedelta(hours=hours_later))
    of_another = a_rotation(secret_name="ADYEN_HMAC_KEY")
    with state.transaction() as transaction:
        transaction.rotations.add(first)
        transaction.rotations.done(first.rotation_id, "payments-lead", NOON)
        assert transaction.rotations.last_done(first.secret_name) == replace(first, done_at=NOON, done_by="payments-lead")
        if is_refused:
            with pytest.raises(SafetyRefusal, match="was done by payments-lead and overlaps until 2026-03-02T12:00"):
                transaction.rotations.add(second)
            assert transaction.rotations.pending() == []
        else:
            assert transaction.rotations.add(second) == second
        assert transaction.rotations.add(of_another) == of_another


def test_two_rotations_planned_at_once_are_one(state):
    """Both writers may have looked before either wrote; one plan stands, and both are told of it."""
    plans = [a_rotation(owner=f"owner-{number}") for number in range(4)]
    start = threading.Barrier(len(plans))

    def plan(rotation):
        start.wait()
        with state.transaction() as transaction:
            return transaction.rotations.add(rotation).rotation_id

    with ThreadPoolExecutor(len(plans)) as pool:
        told = set(pool.map(plan, plans))
    assert len(told) == 1
    with state.transaction() as transaction:
        assert {each.rotation_id for each in transaction.rotations.pending()} == told


@pytest.mark.postgres
def test_a_rotation_planned_while_another_ends_meets_its_overlap(postgres_state):
    """The writer who ends the first has not committed when the second is planned: it waits, then sees the overlap."""
    first, second = a_rotation(overlap_hours=24), a_rotation()
    with postgres_state.transaction() as transaction:
        transaction.rotations.add(first)
    with ThreadPoolExecutor(1) as pool:
        with postgres_state.transaction() as ending:
            ending.rotations.done(first.rotation_id, "payments-lead", NOON)

            def plan():
                with postgres_state.transaction() as transaction:
                    return transaction.rotations.add(second)

            planned = pool.submit(plan)
            assert wait([planned], timeout=0.5).not_done
        with pytest.raises(SafetyRefusal, match="overlaps until"):
            planned.result(timeout=30)


def an_override(**changes):
    given = {
        "override_id": new_id(),
        "flag": FLAG,
        "tenant_id": "tenant-a",
        "reason": "a pilot that was agreed on before",
        "granted_by": "ops-lead",
        "granted_at": NOON,
        "expires_at": NOON + timedelta(hours=2),
    }
    return FreezeOverride(**{**given, **changes})


@pytest.mark.parametrize(
    ("minutes", "counts"),
    [
        pytest.param(-1, False, id="before it is granted"),
        pytest.param(0, True, id="from then on"),
        pytest.param(119, True, id="just before it expires"),
        pytest.param(120, False, id="expired"),
    ],
)
def test_an_override_is_in_force_until_it_expires(state, minutes, counts):
    override, of_another = an_override(), an_override(flag="webhook_signature_enforced")
    moment = NOON + timedelta(minutes=minutes)
    with state.transaction() as transaction:
        transaction.overrides.add(override)
        transaction.overrides.add(of_another)
        assert transaction.overrides.in_force(moment, FLAG) == ([override] if counts else [])
        assert len(transaction.overrides.in_force(moment)) == (2 if counts else 0)


def test_an_override_can_be_ended_early_once(state):
    override, later = an_override(), NOON + timedelta(hours=1)
    with state.transaction() as transaction:
        transaction.overrides.add(override)
        assert transaction.overrides.end(override.override_id, "oncall", later).ended_by == "oncall"
        assert transaction.overrides.in_force(later) == []
        with pytest.raises(SafetyRefusal, match="has already ended, by oncall"):
            transaction.overrides.end(override.override_id, "ops-lead", later)
        with pytest.raises(BadInputError, match="does not exist"):
            transaction.overrides.end(new_id(), "ops-lead", later)


def test_an_override_that_has_expired_is_not_ended_again(state):
    override = an_override()
    with state.transaction() as transaction:
        transaction.overrides.add(override)
        with pytest.raises(SafetyRefusal, match="already expired"):
            transaction.overrides.end(override.override_id, "oncall", override.expires_at)


def test_a_secret_is_known_since_it_was_first_seen(state):
    hour = timedelta(hours=1)
    with state.transaction() as transaction:
        transaction.sightings.see("WEBHOOK_SECRET", "aaaaaaaa", NOON)
        transaction.sightings.see("ADYEN_HMAC_KEY", "aaaaaaaa", NOON - hour)
        transaction.sightings.see("WEBHOOK_SECRET", "bbbbbbbb", NOON + hour)
        found = transaction.sightings.see("WEBHOOK_SECRET", "aaaaaaaa", NOON + 2 * hour)
        assert found == [
            SecretSighting("WEBHOOK_SECRET", "aaaaaaaa", NOON, NOON + 2 * hour),
            SecretSighting("WEBHOOK_SECRET", "bbbbbbbb", NOON + hour, NOON + hour),
        ]


def test_the_latest_deploy_is_the_newest_by_a_moment(state):
    hour = timedelta(hours=1)
    old, new = (Deploy(new_id(), name, at, "anna", NOON) for name, at in (("v1", NOON - 2 * hour), ("v2", NOON - hour)))
    with state.transaction() as transaction:
        assert transaction.deploys.latest(NOON) is None
        transaction.deploys.add(new)
        transaction.deploys.add(old)
        assert transaction.deploys.latest(NOON) == new
        assert transaction.deploys.latest(NOON - hour) == new
        assert transaction.deploys.latest(NOON - hour - timedelta(microseconds=1)) == old


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
