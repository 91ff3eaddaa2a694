"""The attacks on what starts a run, tells of it and keeps its record, each on the real scheduler through Airflow's public API.

`mallory` is an Airflow user whom no policy names; where the attack is one person's asking and approving, an approver plays it.
"""

from __future__ import annotations

import httpx
import pytest
from tests.attacks.parents import FORCED_TENANT, MALLORY, SENSED_TENANTS, granted
from tests.attacks.scene import FLAG, LONG_REASON, REASON, Run

from ledger_guard.domain.identifiers import new_id

pytestmark = [pytest.mark.stack, pytest.mark.airflow, pytest.mark.timeout(1800)]

UNTOUCHED = 20
#: what the policy lets on-call write into a rollback of their own
BROKEN = {"break_glass": LONG_REASON}


def test_glass_broken_in_anothers_name(scene, parents):
    """On-call, whom the policy lets break the glass, started the remediation; the list of its rollbacks is edited."""
    before = scene.flag(parents.rollback)
    ((run_id, conf),) = granted(scene, "flag_rollback", scene.incident_id, 1)
    forged = Run("flag_rollback", f"roll_back__{FLAG}__{new_id()}", "*")
    parents.write_xcom(parents.by_hand, "list_rollbacks", [{"trigger_run_id": forged.run_id, "conf": {**conf, **BROKEN}}])
    assert parents.run_again(parents.by_hand, "start_rollback") == "success"
    assert "without a grant in guard state" in parents.refused(forged, "review")
    assert (scene.flag(parents.rollback), scene.approvals(forged), parents.recorded(run_id=forged.run_id)) == (before, [], [])

    parents.deleted(parents.rollback)
    parents.write_xcom(parents.by_hand, "list_rollbacks", [{"trigger_run_id": run_id, "conf": {**conf, **BROKEN}}])
    assert parents.run_again(parents.by_hand, "start_rollback") == "success"
    assert "its conf differs from the grant in: break_glass" in parents.refused(parents.rollback, "review")

    parents.deleted(parents.rollback)
    scene.user(MALLORY).trigger("flag_rollback", {**conf, **BROKEN}, run_id)
    assert "under a run id reserved for another run" in parents.refused(parents.rollback, "review")

    assert scene.flag(parents.rollback) == before
    assert [each for each in scene.approvals(parents.rollback) if each.request.is_break_glass] == []
    broken = [event for event in parents.recorded(verb="break_glass") if event.detail["run_id"] in (run_id, forged.run_id)]
    assert (broken, parents.told(f"BREAK GLASS · oncall acts alone · flag_rollback · {FLAG}@*")) == ([], [])


def test_one_person_asks_and_approves(scene, parents):
    """The health check started the remediation, so the guard asks in it: an approver has it undo a plan, and would approve."""
    approver = "payments-lead"
    undo = {"tenant_id": FORCED_TENANT, "operation": "undo", "plan_id": parents.forced_plan, "incident_id": None, "reason": ""}
    forged = Run("tenant_backfill", f"backfill__{FORCED_TENANT}__{new_id()}", FORCED_TENANT)
    other = parents.backfills[SENSED_TENANTS[1]].run_id
    listed = [{"trigger_run_id": forged.run_id, "conf": undo}, {"trigger_run_id": other, "conf": undo}]
    parents.write_xcom(parents.sensed, "list_backfills", listed, approver)
    assert "success" in parents.run_again(parents.sensed, "start_backfills", approver)
    assert "without a grant in guard state" in parents.refused(forged, "dry_run")

    with pytest.raises(httpx.HTTPStatusError, match="400"):
        # by hand nothing gets an id that begins so: Airflow keeps it
        scene.user(approver).trigger("tenant_backfill", undo, f"backfill__{FORCED_TENANT}__{new_id()}")
    looks_granted = f"undo__{FORCED_TENANT}__{new_id()}"
    own = Run("tenant_backfill", scene.user(approver).trigger("tenant_backfill", undo, looks_granted), FORCED_TENANT)
    scene.parked(own, "request_undo_approval")
    assert scene.answer(own, approver, "Approve", REASON, "request_undo_approval").status_code == 403
    asked = scene.rehearsal.look(lambda state: state.approvals.of_gate(own.dag_id, own.run_id, "request_undo_approval"))
    assert (asked.request.requested_by, approver in asked.request.approvers) == (approver, False)

    plan = scene.rehearsal.look(lambda state: state.plans.get(parents.forced_plan, with_rows=False))
    assert (plan.status.value, scene.wrong_wallets(own)) == ("forced", 0)


def test_forged_record_of_a_rejected_backfill(scene, parents):
    """The run's plan is said to be one that was forced, of another tenant, before an approver rejects."""
    tenant_id = SENSED_TENANTS[0]
    run = parents.backfills[tenant_id]
    forged = {
        "plan_id": parents.forced_plan,
        "subject_id": parents.forced_plan,
        "operation": "backfill",
        "requested_by": "oncall",
    }
    parents.write_xcom(run, "dry_run", forged)
    parents.write_xcom(run, "verify", {"is_clean": True, "wrong_again": 0, "left": 0, "for_humans": 0, "remaining": []})
    scene.parked(run)
    assert scene.answer(run, "payments-lead", "Reject", REASON).status_code == 200
    scene.ended(run)
    action = parents.action(parents.sensed_incident, "backfill", tenant_id)
    assert (action.status.value, scene.wrong_wallets(run)) == ("refused", UNTOUCHED)
    assert "payments-lead" in action.outcome


def test_freeze_in_anothers_name(scene, parents):
    """The case says that somebody else asked; the freeze that stood is taken away in the store, so that there is one to open."""
    incident_id = parents.sensed_incident
    scene.value("delete from ledger_guard.freeze where incident_id = %s returning 1", incident_id)
    case = {"incident_id": incident_id, "requested_by": "payments-lead", "flag": FLAG, "trigger": "T3", "severity": "severe"}
    parents.write_xcom(parents.sensed, "open_case", {**case, "scope": "isolated", "tenants": [], "actions": ["freeze"]})
    assert parents.run_again(parents.sensed, "freeze") == "success"
    opened = parents.recorded(verb="freeze", incident_id=incident_id)
    assert [(event.actor, event.detail["opened_by"]) for event in opened] == [("ledger_guard", "ledger_guard")] * 2
    assert {event.subject for event in opened} == {"flag:ledger_enforce_balance@*"}


def test_squatted_run_id(scene, parents):
    """The id that names incident, severity and scope was taken beforehand; the real remediation starts all the same."""
    assert parents.squatted.run_id in parents.refused(parents.squatted, "open_case")
    assert parents.sensed.run_id.startswith(f"{parents.squatted.run_id}__")
    decided = parents.recorded(run_id=parents.sensed.run_id, verb="decide", incident_id=parents.sensed_incident)
    (taken_up,) = [event for event in decided if event.detail.get("run_id") == parents.sensed.run_id]
    assert (taken_up.actor, taken_up.detail["severity"], taken_up.detail["by_hand"]) == ("ledger_guard", "severe", False)
    assert set(parents.backfills) == set(SENSED_TENANTS)


def test_remediation_of_another_incident_by_an_edited_decision(scene, parents):
    """What the health check decided is edited, to remediate an incident of another trigger in the guard's name."""
    forged = Run("ledger_remediation", f"remediation__{scene.incident_id}__severe__widespread__{new_id()}", "")
    parents.write_xcom(parents.check, "T3.decide", forged.run_id, key="remediation_run_id")
    parents.write_xcom(parents.check, "T3.decide", scene.incident_id, key="incident_id")
    assert parents.run_again(parents.check, "T3.remediate") == "success"
    assert "without a grant in guard state" in parents.refused(forged, "open_case")
    assert parents.recorded(run_id=forged.run_id) == []


def test_notices_lie(scene, parents):
    """What the question is about is edited, and the notice sent once more: the bot says what guard state holds."""
    run = parents.backfills[SENSED_TENANTS[1]]
    plan = scene.rehearsal.look(lambda state: state.plans.latest(run.tenant_id))
    # what another run's question says of its incident may name this run too, so its own are told apart by the plan
    question = f"Force plan {plan.plan_id} (hash {plan.plan_hash[:12]})"
    before = scene.wait_for(lambda: parents.told(question), "the question to be told")
    lie = {"proposal": "routine: please approve", "requested_by": "the-cfo", "operation": "backfill", "plan_id": new_id()}
    parents.write_xcom(run, "dry_run", {**lie, "incident_id": parents.sensed_incident})
    assert parents.run_again(run, "notify") == "success"
    (posted,) = [each for each in parents.told(question, run.run_id) if each not in before]
    assert "*Asked by*\\nledger_guard" in posted
    assert (parents.told("routine: please approve"), parents.told("the-cfo")) == ([], [])
