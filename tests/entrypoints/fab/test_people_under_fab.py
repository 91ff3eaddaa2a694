"""Who may answer under FAB, whose user ids are numbers: real logins, the real gate, and what guard state says afterwards."""

from __future__ import annotations

import sys

import httpx
import pytest
from tests.attacks.scene import REASON

pytestmark = [
    pytest.mark.stack,
    pytest.mark.airflow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.version_info < (3, 11), reason="FAB 3.10.2 needs Python 3.11"),
]

UNTOUCHED = 20


def answered(scene, run, user, option="Approve"):
    """Airflow takes the answer of whoever may answer anything, and stores a number for the person."""
    answer = scene.answer(run, user, option, REASON)
    assert answer.status_code == 200, answer.text
    by = answer.json()["responded_by"]
    assert (by["id"].isdigit(), by["name"]) == (True, user), "FAB's id is a number: else this proves nothing"


def test_a_person_cannot_approve_his_own_request_and_another_can_in_his_place(scene, runs):
    run = runs["own"]
    answered(scene, run, "payments-lead")
    scene.failed(run, "request_approval")
    asked = scene.approvals(run)[0].request
    assert (asked.requested_by, asked.approvers) == ("payments-lead", ("ops-lead",))
    assert (scene.wrong_wallets(run), scene.said_on_record(run)) == (UNTOUCHED, [("approved", "payments-lead")])
    scene.clear(run, "request_approval")
    scene.parked(run)
    answered(scene, run, "ops-lead")
    scene.ended(run)
    assert (scene.wrong_wallets(run), scene.said_on_record(run)) == (0, [("approved", "ops-lead")])


def test_another_approver_is_accepted(scene, runs):
    run = runs["others"]
    answered(scene, run, "ops-lead")
    assert scene.ended(run)["force"] == "success"
    assert (scene.wrong_wallets(run), scene.said_on_record(run)) == (0, [("approved", "ops-lead")])


@pytest.mark.parametrize(("victim", "option"), [("unnamed", "Approve"), ("unnamed_reject", "Reject")])
def test_someone_the_policy_does_not_name_answers_nothing(scene, runs, victim, option):
    run = runs[victim]
    answered(scene, run, "mallory", option)
    scene.failed(run, "request_approval")
    said = {"Approve": "approved", "Reject": "rejected"}[option]
    assert (scene.wrong_wallets(run), scene.said_on_record(run)) == (UNTOUCHED, [(said, "mallory")])


def test_the_board_is_for_whoever_is_logged_in(scene):
    assert scene.user("mallory").call("GET", "/ledger-guard/", {}).status_code == 200
    assert httpx.get(f"{scene.stack.url}/ledger-guard/", timeout=30).status_code == 401
