"""Every DAG is listed here, parses, and says what an operator needs to know."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.airflow

ROOT = Path(__file__).parents[2]
DAG_IDS = [
    "flag_override",
    "flag_restore",
    "flag_rollback",
    "guard_delegate",
    "guard_drill",
    "guard_mode",
    "guard_stop",
    "guard_storage",
    "ledger_health_check",
    "ledger_remediation",
    "tenant_backfill",
]
SECTIONS = ["Purpose", "Schedule", "Params", "What it changes", "Safe to re-run?", "When it fails"]
TAGS = {"ledger-guard", "stop", "storage", "drill", "mode", "watch", "remediate", "backfill", "flags", "approvals"}


def test_each_file_holds_the_one_dag_it_is_named_after(dag_bag):
    assert dag_bag.import_errors == {}
    assert sorted(dag_bag.dags) == DAG_IDS
    assert sorted(path.stem for path in (ROOT / "dags").glob("*.py")) == DAG_IDS


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_a_dag_says_what_an_operator_needs(dag_bag, dag_id):
    dag = dag_bag.dags[dag_id]
    assert re.findall(r"^## (.+)$", dag.doc_md, re.MULTILINE) == SECTIONS
    assert dag.owner == "ledger-guard"
    assert dag.tags <= TAGS
    assert not dag.catchup
    assert dag.dagrun_timeout is not None


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_every_param_of_the_form_has_a_type_and_a_title(dag_bag, dag_id):
    for name in dag_bag.dags[dag_id].params:
        schema = dag_bag.dags[dag_id].params.get_param(name).schema
        assert "type" in schema or "enum" in schema, name
        assert schema.get("title"), name


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_a_task_that_writes_to_the_platform_is_never_retried_by_itself(dag_bag, dag_id):
    for task in dag_bag.dags[dag_id].tasks:
        if task.task_id in {"force", "undo", "roll_back", "restore", "request_approval", "request_undo_approval"}:
            assert task.retries == 0, task.task_id


def test_the_health_check_runs_every_five_minutes_one_at_a_time(dag_bag):
    dag = dag_bag.dags["ledger_health_check"]
    assert dag.timetable.expression == "*/5 * * * *"
    assert dag.max_active_runs == 1
