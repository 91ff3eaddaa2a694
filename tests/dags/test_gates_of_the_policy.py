"""The graphs follow the policy file: its triggers, and a second gate or a way to act alone only where it asks for them."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
import yaml

from ledger_guard.policy.loader import policy_path

pytestmark = pytest.mark.airflow

ROOT = Path(__file__).parents[2]
THREE = ["payments-lead", "ops-lead", "admin"]
WRITES = {
    ("flag_rollback", "flag_rollback"): ("request_approval", "request_second_approval", "roll_back"),
    ("flag_restore", "flag_restore"): ("request_approval", "request_second_approval", "restore"),
    ("tenant_backfill", "backfill_force"): ("request_approval", "request_second_approval", "force"),
    ("tenant_backfill", "backfill_undo"): ("request_undo_approval", "request_second_undo_approval", "undo"),
}


@pytest.fixture
def parsed(airflow_home, tmp_path, monkeypatch):
    """Parse a DAG file under a changed policy."""
    from airflow.sdk import DAG

    def parse(dag_id: str, change) -> DAG:
        document = yaml.safe_load(policy_path().read_text(encoding="utf-8"))
        change(document)
        file = tmp_path / "policy.yaml"
        file.write_text(yaml.safe_dump(document), encoding="utf-8")
        monkeypatch.setenv("LEDGER_GUARD_POLICY", str(file))
        found = runpy.run_path(str(ROOT / "dags" / f"{dag_id}.py"))
        return found[dag_id]()

    return parse


@pytest.mark.parametrize(("place", "tasks"), WRITES.items(), ids="-".join)
def test_two_gates_stand_in_series_before_the_write_where_two_people_are_asked_for(parsed, place, tasks):
    (dag_id, kind), (first, second, write) = place, tasks
    dag = parsed(dag_id, lambda document: document["approvals"][kind].update(approvers=THREE, approvers_needed=2))
    assert first in dag.get_task(second).upstream_task_ids
    assert {first, second} <= dag.get_task(write).get_flat_relative_ids(upstream=True)
    assert (dag.get_task(first).ordinal, dag.get_task(second).ordinal) == (1, 2)
    assert first.replace("request_", "notify_second_") in dag.get_task(first).downstream_task_ids


@pytest.mark.parametrize("place", WRITES, ids="-".join)
def test_one_gate_stands_where_one_person_is_enough(parsed, place):
    dag = parsed(place[0], lambda document: None)
    assert not [task.task_id for task in dag.tasks if "second" in task.task_id]


def test_a_rejection_by_the_first_person_skips_the_second_gate_and_the_write(parsed):
    """Airflow skips only what comes directly behind a rejected gate."""
    dag = parsed(
        "tenant_backfill", lambda document: document["approvals"]["backfill_force"].update(approvers=THREE, approvers_needed=2)
    )
    assert {"request_second_approval", "force"} <= dag.get_task("request_approval").downstream_task_ids


@pytest.mark.parametrize("dag_id", ["flag_rollback", "flag_restore", "tenant_backfill"])
def test_there_is_no_way_to_act_alone_where_the_policy_names_no_one(parsed, dag_id):
    dag = parsed(dag_id, lambda document: None)
    assert "break_glass" not in dag.task_ids
    assert "break_glass" not in dag.params


@pytest.mark.parametrize(
    ("dag_id", "kind", "write"), [("flag_rollback", "flag_rollback", "roll_back"), ("tenant_backfill", "backfill_undo", "undo")]
)
def test_acting_alone_has_a_way_of_its_own_and_a_shout_that_holds_nothing_up(parsed, dag_id, kind, write):
    dag = parsed(dag_id, lambda document: document["break_glass"].update(users=["oncall"], kinds=[kind]))
    assert {write, "shout"} <= dag.get_task("break_glass").downstream_task_ids
    assert not dag.get_task("shout").downstream_task_ids
    assert "oncall" in dag.params.get_param("break_glass").description


def with_a_fourth_trigger(document) -> None:
    document["triggers"]["T4"] = {
        "signal": "generic",
        "name": "slow_rounds",
        "description": "slow rounds out of all rounds",
        "nouns": {"events": "slow rounds", "exposure": "rounds", "subjects": "players"},
        "source": document["triggers"]["T1"]["source"],
        "flag": "ledger_enforce_balance",
        "runbook": "docs/runbooks/T1_insufficient_funds.md",
    }
    document["matrix"] += [
        {"trigger": "T4", "severity": severity, "actions": ["notify"], "runbook_says": "Watch it closely.", "owner": "oncall"}
        for severity in ("mild", "severe")
    ]


def test_a_fourth_trigger_of_the_policy_is_checked_as_any_other(parsed):
    check = parsed("ledger_health_check", with_a_fourth_trigger)
    own = {task.removeprefix("T4.") for task in check.task_ids if task.startswith("T4.")}
    assert own == {task.removeprefix("T1.") for task in check.task_ids if task.startswith("T1.")}
    assert {"sense", "classify", "decide", "notify", "remediate"} <= own
    assert check.params["triggers"] == ["T1", "T2", "T3", "T4"]


def test_a_fourth_trigger_of_the_policy_is_offered_by_the_form_of_a_case_by_hand(parsed):
    form = parsed("ledger_remediation", with_a_fourth_trigger).params.get_param("trigger")
    assert form.schema["enum"] == [None, "T1", "T2", "T3", "T4"]
