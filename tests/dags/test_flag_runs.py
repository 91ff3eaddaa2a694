"""flag_rollback and flag_restore, run by Airflow in this process against a real flag store."""

import pytest

pytestmark = [pytest.mark.airflow, pytest.mark.postgres]

REASON = "webhooks of every tenant are refused"
FLAG = "webhook_signature_enforced"


@pytest.fixture
def rollback(platform):
    incident = platform.open_incident("T2", "severe", "widespread", ("acme", "zenith"))
    return {"flag": FLAG, "tenant_id": "*", "incident_id": incident, "reason": "by hand"}


def test_an_approved_rollback_switches_the_flag_off_says_unconfirmed_without_probes_and_freezes_it(
    platform, channel, run_dag, answerer, rollback
):
    answerer.when_parked("flag_rollback", "request_approval", "Approve", REASON)
    states = run_dag("flag_rollback", rollback)
    assert states["run"] == "success"
    assert not platform.is_enabled(FLAG)
    assert platform.run("select status from ledger_guard.flag_change") == "unconfirmed"
    assert platform.run("select count(*) from ledger_guard.freeze where lifted_at is null") == 1


def test_a_rejected_rollback_leaves_the_flag_on(platform, channel, run_dag, answerer, rollback):
    answerer.when_parked("flag_rollback", "request_approval", "Reject", "not yet, the provider is on the phone")
    states = run_dag("flag_rollback", rollback)
    assert states["roll_back"] == "skipped"
    assert platform.is_enabled(FLAG)


@pytest.mark.parametrize("marked", ["request_approval", "request_approval|verify_approval"])
def test_gates_marked_success_by_hand_do_not_switch_anything(platform, channel, run_dag, rollback, marked):
    states = run_dag("flag_rollback", rollback, mark_success_pattern=marked)
    assert states["roll_back"] in {"failed", "upstream_failed"}
    assert platform.is_enabled(FLAG)


def test_a_flag_that_is_off_already_asks_nobody(platform, channel, run_dag, rollback):
    platform.run("update rollout_flag set is_enabled = false where key = %s", FLAG)
    states = run_dag("flag_rollback", rollback)
    assert (states["run"], states["request_approval"], states["roll_back"]) == ("success", "skipped", "skipped")


RESTORE = {
    "flag": FLAG,
    "tenant_id": "*",
    "root_cause": "the secret at the provider was rotated a day early",
    "root_cause_link": "https://tracker.example/77",
    "validation": {"environment": "test", "passed": True, "reference": "smoke run 12"},
}


def test_a_restore_without_a_freeze_is_approved_and_switches_the_flag_on(platform, channel, run_dag, answerer):
    platform.run("update rollout_flag set is_enabled = false where key = %s", FLAG)
    answerer.when_parked("flag_restore", "request_approval", "Approve", "validated in test, rotation done")
    states = run_dag("flag_restore", RESTORE)
    assert states["run"] == "success"
    assert platform.is_enabled(FLAG)


def test_a_restore_is_refused_while_others_freeze_the_flag(platform, channel, run_dag):
    platform.run("update rollout_flag set is_enabled = false where key = %s", FLAG)
    platform.run(
        "insert into ledger_guard.freeze (freeze_id, flag, tenant_id, reason, opened_by, opened_at, incident_id)"
        " values (gen_random_uuid(), %s, '*', 'T3 severe', 'ledger_guard', now(), %s)",
        FLAG,
        platform.open_incident("T3"),
    )
    states = run_dag("flag_restore", RESTORE)
    assert (states["review"], states["restore"], states["run"]) == ("failed", "upstream_failed", "failed")
    assert not platform.is_enabled(FLAG)


@pytest.mark.parametrize(
    "missing",
    [
        pytest.param({"root_cause": ""}, id="no root cause"),
        pytest.param({"root_cause_link": ""}, id="no link"),
        pytest.param({"validation": {"environment": "test", "passed": False, "reference": ""}}, id="validation not passed"),
    ],
)
def test_a_restore_that_misses_something_is_refused(platform, channel, run_dag, missing):
    platform.run("update rollout_flag set is_enabled = false where key = %s", FLAG)
    states = run_dag("flag_restore", {**RESTORE, **missing})
    assert states["review"] == "failed"
    assert not platform.is_enabled(FLAG)
