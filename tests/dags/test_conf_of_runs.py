"""What a run's conf may hold: the form's keys. Any other is refused by the first task, before anything is asked or stored."""

import inspect
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache

import pytest
from tests.dags.conftest import Airflow, SmallPlatform, connected_to, told_to_a_stand_in, watch_titles

pytestmark = [pytest.mark.airflow, pytest.mark.postgres]

INCIDENT = "00000000-0000-4000-8000-000000000000"
FLAG = "webhook_signature_enforced"
#: DAG → its first task, a conf that its form takes, and two keys that the refusal has to name as allowed
RUNS = {
    "ledger_health_check": ("T1.sense", {"triggers": ["T1"]}, ["triggers"]),
    "ledger_remediation": ("open_case", {"trigger": "T1", "severity": "mild", "scope": "isolated"}, ["severity", "tenants"]),
    "tenant_backfill": ("dry_run", {"tenant_id": "acme"}, ["operation", "plan_id"]),
    "flag_rollback": ("review", {"flag": FLAG, "incident_id": INCIDENT}, ["flag", "reason"]),
    "flag_restore": ("review", {"flag": FLAG}, ["root_cause", "validation"]),
    "flag_override": (
        "grant",
        {"flag": FLAG, "tenant_id": "acme", "reason": "a pilot with the tenant"},
        ["hours", "tenant_id"],
    ),
    "guard_delegate": ("obey", {"to": "ops-lead", "reason": "on a plane until ten"}, ["hours", "to"]),
    "guard_drill": ("review", {"trigger": "T1"}, ["trigger"]),
    "guard_stop": ("obey", {"order": "stop", "reason": "two tenants were paid twice"}, ["order", "reason"]),
    "guard_mode": (
        "obey",
        {"order": "lower", "row": "T3 severe", "to": "propose", "reason": "two repairs were wrong"},
        ["row", "reason"],
    ),
}


def test_a_task_that_waits_for_nothing_refuses_unknown_keys_or_reads_no_conf(dag_bag):
    """In the health check tasks stand beside the first one: whatever a run's conf holds, they see nothing of it."""
    readers = {
        f"{dag.dag_id}.{task.task_id}"
        for dag in dag_bag.dags.values()
        for task in dag.tasks
        if not task.upstream_task_ids and _may_read_conf(task)
    }
    signals = {f"ledger_health_check.{trigger}.sense" for trigger in ("T1", "T2", "T3")}
    assert readers == {f"{dag_id}.{first}" for dag_id, (first, _, _) in RUNS.items()} | signals
    for dag_id in RUNS:
        for task in (task for task in dag_bag.dags[dag_id].tasks if f"{dag_id}.{task.task_id}" in readers):
            body = " ".join(inspect.getsource(task.python_callable).split('"""')[-1].split())
            assert body.startswith("with first_task("), f"{dag_id}.{task.task_id}"


@pytest.mark.parametrize("task_id", ["watch", "keep_record", "watch_runs", "watch_restored"])
def test_what_the_health_check_does_beside_its_checks_reads_no_conf(dag_bag, task_id):
    """Whatever the conf holds, these run: even behind a first task that was refused."""
    assert not _may_read_conf(dag_bag.dags["ledger_health_check"].get_task(task_id))


def _may_read_conf(task) -> bool:
    """Whether Airflow hands the task anything of its run: its function names something, or asks for the context.

    A task instance is asked about other runs, and holds no conf.
    """
    function = getattr(task, "python_callable", None)
    if function is None:
        return bool(task.template_fields)
    return bool(inspect.signature(function).parameters.keys() - {"ti"}) or "get_current_context" in inspect.getsource(function)


@dataclass(frozen=True)
class Refused:
    """What is left of a run whose conf has a key that the form has not, while another DAG is paused."""

    platform: SmallPlatform
    messages: list[dict[str, object]]
    states: dict[str, str]
    paused: str


@pytest.fixture(scope="module")
def refused(run_dag, own_database):
    """The refused run of a DAG, played once."""

    @cache
    def run(dag_id: str) -> Refused:
        platform = SmallPlatform(stack.enter_context(own_database()))
        paused = "flag_restore" if dag_id == "flag_rollback" else "flag_rollback"
        conf = {**RUNS[dag_id][1], "approver_reason": "every tenant is refused, the CTO agrees"}
        with connected_to(platform.uri), told_to_a_stand_in() as channel:
            Airflow().pause(paused)
            try:
                states = run_dag(dag_id, conf)
            finally:
                Airflow().pause(paused, is_paused=False)
        return Refused(platform, list(channel.messages), states, paused)

    with ExitStack() as stack:
        yield run


@pytest.mark.parametrize("dag_id", RUNS)
def test_a_key_that_the_form_has_not_is_refused_and_the_allowed_ones_are_named(refused, dag_id):
    first, _, allowed = RUNS[dag_id]
    found = refused(dag_id)
    assert found.states[first] == "failed"
    assert found.states["run"] == "failed"
    told = " ".join(message["text"] for message in found.messages if first.rsplit(".", maxsplit=1)[-1] in message["text"])
    assert f"conf: the run has 'approver_reason', which {dag_id} does not know; allowed: " in told
    assert [name for name in allowed if name not in told.split("allowed: ")[1]] == []
    for table in ("approval", "plan", "incident"):
        assert found.platform.run(f"select count(*) from ledger_guard.{table}") == 0


@pytest.mark.parametrize("dag_id", RUNS)
def test_the_first_task_of_every_dag_tells_which_other_is_paused_even_where_its_own_run_is_refused(refused, dag_id):
    found = refused(dag_id)
    assert [title for title in watch_titles(found) if "paused" in title] == [f"watch · {found.paused} · paused"]
