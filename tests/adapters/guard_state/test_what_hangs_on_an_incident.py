"""Every store can tell what belongs to an incident, whatever became of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from tests.adapters.guard_state.samples import (
    NOON,
    a_flag_change,
    a_freeze,
    a_plan,
    a_question,
    a_rotation,
    a_yes,
    an_incident,
)

from ledger_guard.domain.approvals import Approval
from ledger_guard.domain.identifiers import new_id

EARLIER = NOON - timedelta(hours=1)


def test_plans_approvals_changes_freezes_and_rotations_of_an_incident_come_oldest_first(state):
    incident = an_incident()
    mine = {"incident_id": incident.incident_id}
    plans = [a_plan(created_at=EARLIER, **mine), a_plan(**mine)]
    questions = [a_question(requested_at=EARLIER, **mine), a_question(**mine)]
    changes = [a_flag_change(questions[1], changed_at=EARLIER, **mine), a_flag_change(questions[0], **mine)]
    freezes = [a_freeze(opened_at=EARLIER, **mine), a_freeze(tenant_id="tenant-a", **mine)]
    root_cause = {"root_cause": "a deploy lost the wallet write", "root_cause_link": "OPS-1", "root_cause_owner": "platform"}
    lifted = replace(freezes[0], lifted_at=NOON, lifted_by="ops-lead", root_cause_by="oncall", **root_cause)
    rotations = [a_rotation(planned_at=EARLIER, **mine), a_rotation(secret_name="ADYEN_HMAC_KEY", **mine)]
    with state.transaction() as transaction:
        transaction.incidents.add(incident)
        for plan in (*reversed(plans), a_plan()):
            transaction.plans.add(plan)
        transaction.approvals.request(questions[0])
        transaction.approvals.answer(a_yes(questions[0]))
        for question in (questions[1], a_question(run_id="another")):
            transaction.approvals.request(question)
        for change in reversed(changes):
            transaction.flag_changes.add(change)
        for freeze in (*reversed(freezes), a_freeze()):
            transaction.freezes.add(freeze)
        transaction.freezes.lift(lifted)
        for rotation in (*reversed(rotations), a_rotation(secret_name="another")):
            transaction.rotations.add(rotation)
        transaction.rotations.done(rotations[0].rotation_id, "ops-lead", NOON)
    with state.snapshot() as seen:
        found = incident.incident_id
        assert seen.plans.of_incident(found) == [replace(plan, rows=()) for plan in plans]
        assert seen.approvals.of_incident(found) == [Approval(questions[0], a_yes(questions[0])), Approval(questions[1])]
        assert seen.flag_changes.of_incident(found) == changes
        assert seen.freezes.of_incident(found) == [lifted, freezes[1]]
        assert seen.rotations.of_incident(found) == [replace(rotations[0], done_by="ops-lead", done_at=NOON), rotations[1]]


def test_nothing_hangs_on_an_incident_that_no_one_knows(state):
    with state.snapshot() as seen:
        for store in (seen.plans, seen.approvals, seen.flag_changes, seen.freezes, seen.rotations, seen.actions):
            assert store.of_incident(new_id()) == []
