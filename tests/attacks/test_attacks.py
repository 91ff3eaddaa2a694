"""The attacks on approvals, each on the real scheduler through Airflow's public API: no write, and what went on record.

What the API can't do is done in the store, and the test says so. A moved clock can't be had here: see
tests/use_cases/approvals.
"""

from __future__ import annotations

import time

import pytest
from tests.attacks.scene import FLAG, LONG_REASON, REASON, SECONDS_AFTER_PARKING

pytestmark = [pytest.mark.stack, pytest.mark.airflow, pytest.mark.timeout(900)]

UNTOUCHED = 20


def test_gate_marked_success_by_hand(scene, victims):
    run = victims["marked_gate"]
    scene.mark(run, "request_approval")
    scene.parked_or_ended(run)
    scene.mark(run, "request_second_approval")
    scene.failed(run, "force")
    assert (scene.wrong_wallets(run), scene.said_on_record(run)) == (UNTOUCHED, [])
    assert "has not been answered" in scene.refusals(run, "force")


def test_writing_task_marked_success_by_hand(scene, victims):
    """Marking a write does not make it; the run says that nothing was written."""
    run = victims["marked_writer"]
    scene.mark(run, "force")
    time.sleep(SECONDS_AFTER_PARKING)
    assert scene.answer(run, "ops-lead", "Reject", REASON).status_code == 200
    scene.ended(run)
    assert (scene.wrong_wallets(run), scene.said_on_record(run)) == (UNTOUCHED, [("rejected", "ops-lead")])


def test_xcom_added_and_edited_through_the_api(scene, victims):
    """The plan's XCom is pointed at another tenant's plan, and the gate is given an approval that nobody spoke."""
    run, other = victims["xcom"], victims["requester"]
    plan_id = str(scene.value("select plan_id from ledger_guard.plan where tenant_id = %s", other.tenant_id))
    forged = {"chosen_options": ["Approve"], "responded_by_user": {"id": "ops-lead", "name": "ops-lead"}, "params_input": {}}
    edited = {"plan_id": plan_id, "operation": "backfill", "requested_by": "oncall", "subject_id": plan_id}
    first = scene.call("payments-lead", "POST", scene.xcom_path(run, "dry_run"), key="return_value", value=edited)
    second = scene.call("payments-lead", "POST", scene.xcom_path(run, "request_approval"), key="return_value", value=forged)
    assert (first.status_code, second.status_code) == (201, 201), (first.text, second.text)
    scene.mark(run, "request_approval")
    scene.parked_or_ended(run)
    scene.mark(run, "request_second_approval")
    scene.failed(run, "force")
    assert "has not been answered" in scene.refusals(run, "force")
    assert (scene.wrong_wallets(run), scene.wrong_wallets(other), scene.said_on_record(run)) == (UNTOUCHED, UNTOUCHED, [])


def test_user_not_assigned(scene, victims):
    run = victims["not_assigned"]
    assert scene.answer(run, "oncall", "Approve", REASON).status_code == 403
    assert (scene.wrong_wallets(run), scene.said_on_record(run)) == (UNTOUCHED, [])


def test_requester_answers(scene, victims):
    """An approver who started the run is turned away by Airflow itself; the record would not count either."""
    run = victims["requester"]
    assert scene.answer(run, "payments-lead", "Approve", REASON).status_code == 403
    assert "payments-lead" not in scene.approvals(run)[0].request.approvers
    assert (scene.wrong_wallets(run), scene.said_on_record(run)) == (UNTOUCHED, [])


def test_one_person_answers_both_gates(scene, victims):
    run = victims["both_gates"]
    scene.agreed(run, "payments-lead")
    scene.parked(run, "request_second_approval")
    assert scene.answer(run, "payments-lead", "Approve", REASON, "request_second_approval").status_code == 403
    scene.mark(run, "request_second_approval")
    scene.failed(run, "force")
    assert scene.wrong_wallets(run) == UNTOUCHED
    assert scene.said_on_record(run) == [("approved", "payments-lead")]
    assert "second approval: the approval has not been answered" in scene.refusals(run, "force")


@pytest.mark.parametrize(
    ("victim", "reason"), [pytest.param("no_reason", None, id="empty"), pytest.param("one_letter", "x", id="one letter")]
)
def test_empty_or_one_letter_reason(scene, victims, victim, reason):
    run = victims[victim]
    assert scene.answer(run, "payments-lead", "Approve", reason).status_code == 200
    states = scene.ended(run)
    assert (states["request_approval"], scene.wrong_wallets(run)) == ("failed", UNTOUCHED)
    assert scene.said_on_record(run) == [("approved", "payments-lead")]


def test_second_answer(scene, victims):
    run = victims["second_answer"]
    assert scene.answer(run, "payments-lead", "Reject", "not before the cause is known").status_code == 200
    assert scene.answer(run, "ops-lead", "Approve", REASON).status_code == 409
    states = scene.ended(run)
    assert (states["force"], scene.wrong_wallets(run)) == ("skipped", UNTOUCHED)
    assert scene.said_on_record(run) == [("rejected", "payments-lead")]


def test_task_cleared_and_rerun_after_a_rejection(scene, victims):
    run = victims["rerun_rejected"]
    assert scene.answer(run, "payments-lead", "Reject", "not before the cause is known").status_code == 200
    scene.ended(run)
    scene.mark(run, "request_second_approval")
    scene.clear(run, "force")
    scene.ended(run)
    assert (scene.wrong_wallets(run), scene.said_on_record(run)) == (UNTOUCHED, [("rejected", "payments-lead")])


def test_answer_for_a_changed_plan(scene, victims):
    """The plan's rows can't be changed at all; its hash is, in the store, while the second person reads."""
    run = victims["changed_plan"]
    scene.agreed(run, "payments-lead")
    scene.parked(run, "request_second_approval")
    scene.value("update ledger_guard.plan set plan_hash = repeat('0', 64) where tenant_id = %s returning 1", run.tenant_id)
    assert scene.answer(run, "ops-lead", "Approve", REASON, "request_second_approval").status_code == 200
    states = scene.ended(run)
    assert (states["force"], scene.wrong_wallets(run)) == ("failed", UNTOUCHED)
    assert scene.said_on_record(run) == [("approved", "payments-lead"), ("approved", "ops-lead")]


def test_answer_for_a_changed_flag(scene, victims):
    run = victims["changed_flag"]
    scene.value(
        "update rollout_flag set version = version + 1, change_reason = 'meanwhile' where tenant_id = %s returning 1",
        run.tenant_id,
    )
    before = scene.flag(run)
    scene.agreed(run, "payments-lead")
    scene.ended(run)
    assert scene.flag(run) == before
    assert "approved: tenant r-changed_flag on (version" in scene.refusals(run, "roll_back")


def test_answer_for_an_expired_approval(scene, victims):
    """The question's time is over in the store; Airflow's own timeout is the one it was parked with."""
    run = victims["expired"]
    scene.value(
        "update ledger_guard.approval set expires_at = now() - interval '1 minute' where run_id = %s returning 1", run.run_id
    )
    before = scene.flag(run)
    assert scene.answer(run, "payments-lead", "Approve", REASON).status_code == 200
    states = scene.ended(run)
    assert (states["request_approval"], scene.flag(run)) == ("failed", before)
    assert scene.said_on_record(run) == [("approved", "payments-lead")]


def test_nobody_answers_at_all(scene, victims):
    """Silence is a no, and is recorded as what it is: timed out, by nobody."""
    run = victims["silence"]
    states = scene.ended(run)
    assert (states["roll_back"], scene.flag(run)[0]) == ("skipped", True)
    assert scene.said_on_record(run) == [("timed_out", None)]


def test_two_runs_racing_for_one_flag(scene, victims):
    run, rival = victims["race"], victims["race_rival"]
    _, version = scene.flag(run)
    for each in (run, rival):
        assert scene.answer(each, "payments-lead", "Approve", REASON).status_code == 200
    scene.ended(run)
    scene.ended(rival)
    assert scene.flag(run) == (False, version + 1)
    assert scene.value("select count(*) from ledger_guard.flag_change where tenant_id = %s", run.tenant_id) == 1


def test_task_cleared_and_rerun_after_the_approval_was_used(scene, victims):
    run = victims["rerun_used"]
    scene.agreed(run, "payments-lead")
    scene.ended(run)
    assert scene.flag(run)[0] is False
    scene.value(
        "update rollout_flag set is_enabled = true, version = version + 1 where tenant_id = %s returning 1", run.tenant_id
    )
    before = scene.flag(run)
    scene.clear(run, "roll_back")
    states = scene.ended(run)
    assert (states["roll_back"], scene.flag(run)) == ("failed", before)
    assert "an approval is used once" in scene.refusals(run, "roll_back")


@pytest.mark.alone
def test_policy_file_changed_while_parked(scene, victims):
    """The approver is taken out of the policy after the question was put to them."""
    run, kept = victims["policy"], scene.policy.read_text(encoding="utf-8")
    before = scene.flag(run)
    scene.change_policy(lambda document: document["approvals"]["flag_rollback"].update(approvers=["ops-lead", "admin"]))
    try:
        scene.agreed(run, "payments-lead")
        scene.ended(run)
    finally:
        scene.policy.write_text(kept, encoding="utf-8")
    assert (scene.flag(run), scene.said_on_record(run)) == (before, [("approved", "payments-lead")])
    verified = scene.value(
        "select detail ->> 'refusals' from ledger_guard.audit_entry where verb = 'verify_approval' and detail ->> 'run_id' = %s",
        run.run_id,
    )
    assert "payments-lead may not approve this any more: the policy was changed" in verified


def test_answer_within_the_first_second(scene):
    """Airflow may fail a gate that is answered so soon; either way there is no write without the answer on record."""
    run = scene.rollback("r-first-second")
    scene.parked(run, pause=0)
    assert scene.answer(run, "payments-lead", "Approve", REASON).status_code == 200
    states = scene.ended(run)
    is_recorded = scene.said_on_record(run) == [("approved", "payments-lead")]
    assert is_recorded or (scene.flag(run)[0] is True and states["roll_back"] == "upstream_failed")
    assert scene.flag(run)[0] is (states["roll_back"] != "success")


def test_params_of_a_run_edited_through_the_api(scene, victims):
    """A run's conf is none of what the public API lets anybody change."""
    run = victims["not_assigned"]
    path = f"/api/v2/dags/{run.dag_id}/dagRuns/{run.run_id}"
    assert scene.call("admin", "PATCH", path, conf={"tenant_id": "b-requester", "operation": "backfill"}).status_code == 422


def test_requester_writes_the_approvers_reason(scene):
    """A key of the run's conf that is named as the gate's field would fill it in."""
    run = scene.rollback("r-own-words", approver_reason=REASON)
    states = scene.ended(run)
    assert (states["review"], scene.flag(run)[0], scene.approvals(run)) == ("failed", True, [])
    (told,) = [each for each in scene.stack.slack.messages if run.run_id in str(each) and "review · failed" in str(each)]
    assert "approver_reason" in str(told)


def test_glass_broken_by_somebody_whom_the_policy_does_not_name(scene):
    run = scene.rollback("r-glass-thief", "payments-lead", break_glass=LONG_REASON)
    before = scene.flag(run)
    states = scene.ended(run)
    assert (states["break_glass"], states["roll_back"], scene.flag(run)) == ("failed", "upstream_failed", before)
    scene.mark(run, "break_glass")
    scene.clear(run, "roll_back")
    scene.ended(run)
    assert (scene.flag(run), scene.approvals(run)) == (before, [])
    assert "no approval was asked for" in scene.refusals(run, "roll_back")


def test_glass_broken_by_a_named_person_is_a_write_that_everybody_hears_of(scene):
    """No attack: what the others are held against."""
    run = scene.rollback("r-glass", break_glass=LONG_REASON)
    scene.ended(run)
    assert scene.flag(run)[0] is False
    (record,) = scene.approvals(run)
    assert (record.request.is_break_glass, record.approved_by) == (True, "oncall")
    about, messages = f"{FLAG}@{run.tenant_id}", scene.stack.slack.messages
    titles = [message["text"] for message in messages if "BREAK GLASS" in message["text"] and about in message["text"]]
    assert len(titles) == 2
    assert all(text.startswith("<!here> ") for text in titles)
