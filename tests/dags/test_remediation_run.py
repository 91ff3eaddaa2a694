"""ledger_remediation, run by Airflow in this process: each row of the matrix reaches its actions."""

import pytest

pytestmark = [pytest.mark.airflow, pytest.mark.postgres]

#: actions as tasks of the remediation
ACTIONS = {"triage", "check_secrets", "freeze", "list_backfills", "list_rollbacks", "plan_secret_rotation", "request_review"}
#: child runs are marked as started and never come to be: their own runs are tested elsewhere
NO_CHILDREN = "start_.*"


@pytest.mark.parametrize(
    ("trigger", "severity", "scope", "done"),
    [
        pytest.param("T1", "mild", "isolated", {"triage"}, id="T1 mild"),
        pytest.param("T1", "severe", "isolated", {"triage", "list_backfills", "request_review"}, id="T1 severe isolated"),
        pytest.param(
            "T1",
            "severe",
            "widespread",
            {"triage", "list_backfills", "list_rollbacks", "request_review"},
            id="T1 severe widespread",
        ),
        pytest.param("T2", "mild", "isolated", {"check_secrets"}, id="T2 mild"),
        pytest.param(
            "T2", "severe", "isolated", {"check_secrets", "plan_secret_rotation", "request_review"}, id="T2 severe isolated"
        ),
        pytest.param(
            "T2", "severe", "widespread", {"check_secrets", "list_rollbacks", "plan_secret_rotation"}, id="T2 severe widespread"
        ),
        pytest.param("T3", "mild", "isolated", {"triage", "list_backfills"}, id="T3 mild"),
        pytest.param("T3", "severe", "isolated", {"freeze", "triage", "list_backfills", "request_review"}, id="T3 severe"),
    ],
)
def test_each_row_of_the_matrix_reaches_its_actions_and_no_others(platform, channel, run_dag, trigger, severity, scope, done):
    incident = platform.open_incident(trigger, severity, scope)
    states = run_dag("ledger_remediation", {"incident_id": incident}, mark_success_pattern=NO_CHILDREN)
    assert states["run"] == "success"
    assert {task_id for task_id in ACTIONS if states[task_id] == "success"} == done
    assert (states["report"], states["notify"]) == ("success", "success")


def test_a_child_run_that_never_came_to_be_is_recorded_as_failed_and_nothing_waits_for_it(platform, channel, run_dag):
    incident = platform.open_incident("T1")
    run_dag("ledger_remediation", {"incident_id": incident}, mark_success_pattern=NO_CHILDREN)
    found = platform.run("select status || ': ' || outcome from ledger_guard.action where kind = 'backfill'")
    assert found == "failed: the run was never created"


def test_t3_severe_stops_the_rollout(platform, channel, run_dag):
    run_dag("ledger_remediation", {"incident_id": platform.open_incident("T3")}, mark_success_pattern=NO_CHILDREN)
    assert platform.run("select flag from ledger_guard.freeze where lifted_at is null") == "ledger_enforce_balance"


def test_a_case_by_hand_opens_an_incident(platform, channel, run_dag):
    by_hand = {"trigger": "T1", "severity": "mild", "scope": "isolated", "tenants": ["acme"], "reason": "a player called"}
    states = run_dag("ledger_remediation", by_hand)
    assert states["run"] == "success"
    assert platform.run("select trigger from ledger_guard.incident") == "T1"


@pytest.mark.parametrize(
    "conf",
    [
        pytest.param({"incident_id": "00000000-0000-4000-8000-000000000000"}, id="unknown incident"),
        pytest.param({"trigger": "T1", "severity": "severe", "scope": "isolated", "tenants": ["nobody"]}, id="unknown tenant"),
        pytest.param({"trigger": "T1", "severity": "severe", "scope": "isolated", "tenants": ["%"]}, id="pattern"),
        pytest.param({"trigger": "T1", "scope": "isolated", "tenants": ["acme"]}, id="no severity"),
        pytest.param({}, id="nothing"),
    ],
)
def test_a_case_that_is_not_allowed_ends_at_once_and_stores_nothing(platform, channel, run_dag, conf):
    states = run_dag("ledger_remediation", conf)
    assert (states["open_case"], states["run"]) == ("failed", "failed")
    assert platform.run("select count(*) from ledger_guard.incident") == 0
