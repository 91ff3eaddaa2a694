"""Every DAG is listed here, parses, and says what an operator needs to know."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from ledger_guard.domain.command_outcome import CommandFailed
from ledger_guard.domain.errors import (
    BadInputError,
    ConcurrentWriterError,
    LedgerInvariantError,
    SafetyRefusal,
    SourceUnavailable,
    WriterSuperseded,
)

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
def test_a_task_that_writes_a_flag_or_asks_a_human_is_never_retried_by_itself(dag_bag, dag_id):
    for task in dag_bag.dags[dag_id].tasks:
        if task.task_id in {"roll_back", "restore", "request_approval", "request_undo_approval"}:
            assert task.retries == 0, task.task_id


@pytest.mark.parametrize("task_id", ["force", "undo"])
def test_a_task_that_writes_wallets_goes_on_by_itself_soon_after_a_lost_worker(dag_bag, task_id):
    """A write goes on exactly where it stopped; what was refused fails at once, whatever the number of retries."""
    task = dag_bag.dags["tenant_backfill"].get_task(task_id)
    assert 1 <= task.retries <= 3
    assert timedelta(0) < task.retry_delay <= timedelta(minutes=1)
    assert not task.retry_exponential_backoff
    assert task.on_retry_callback


@pytest.mark.parametrize(
    "error",
    [
        SafetyRefusal("no approval"),
        ConcurrentWriterError("another run writes"),
        WriterSuperseded("a later try writes"),
        LedgerInvariantError("the plan was edited"),
        BadInputError("no such plan"),
        CommandFailed("the script did something else"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_was_refused_is_not_retried(airflow_home, error):
    from airflow.sdk.exceptions import AirflowFailException

    from ledger_guard.entrypoints.airflow.errors import never_retried

    with pytest.raises(AirflowFailException), never_retried():
        raise error


def test_a_database_that_is_away_is_retried(airflow_home):
    from ledger_guard.entrypoints.airflow.errors import never_retried

    with pytest.raises(SourceUnavailable), never_retried():
        raise SourceUnavailable("the server closed the connection")


def test_the_health_check_runs_every_five_minutes_one_at_a_time(dag_bag):
    dag = dag_bag.dags["ledger_health_check"]
    assert dag.timetable.expression == "*/5 * * * *"
    assert dag.max_active_runs == 1
