"""A failure is told in the thread of the incident that the run is for, by guard state, whatever a forged conf says."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from tests.adapters.guard_state.samples import an_incident
from tests.triggers import T1, T2

from ledger_guard.adapters.memory.dependencies import memory_world
from ledger_guard.domain.runs import RunGrant
from ledger_guard.policy.loader import load_policy

pytestmark = pytest.mark.airflow

OURS = "0d2a3f60-6a51-4f0e-9f55-0d5f3a1c7b11"
ANOTHERS = "5c1b9e6e-2f60-4d0e-8d0e-7a6f0b1c2d3e"


@pytest.fixture
def world(monkeypatch):
    from datetime import datetime, timezone

    from ledger_guard import wiring

    world = memory_world(load_policy(), datetime(2026, 3, 1, tzinfo=timezone.utc))
    monkeypatch.setattr(wiring, "dependencies_that_tell", lambda: world.deps)
    now = world.deps.wall_clock.now()
    with world.state.transaction() as state:
        state.incidents.add(replace(an_incident(), incident_id=OURS, trigger=T1))
        state.incidents.add(replace(an_incident(), incident_id=ANOTHERS, trigger=T2))
        state.runs.grant(RunGrant("granted", "a rollback", "flag_rollback", {"incident_id": OURS}, "oncall", OURS, now))
    return world


@pytest.mark.parametrize(
    ("run_type", "run_id", "thread"),
    [
        pytest.param("operator_triggered", "granted", OURS, id="with leave, and another conf: its own incident"),
        pytest.param("operator_triggered", "forged", None, id="without leave: outside of any thread"),
        pytest.param("manual", "by hand", ANOTHERS, id="by hand: the incident that the person named"),
    ],
)
def test_a_forged_conf_puts_no_failure_into_another_incidents_thread(world, airflow_home, run_type, run_id, thread):
    from ledger_guard.entrypoints.airflow.failure import tell_failure

    run = SimpleNamespace(
        dag_id="flag_rollback",
        run_id=run_id,
        run_type=run_type,
        triggering_user_name="oncall",
        conf={"incident_id": ANOTHERS},
    )
    task = SimpleNamespace(dag_id="flag_rollback", run_id=run_id, task_id="review", try_number=1)
    tell_failure({"ti": task, "dag_run": run, "exception": "refused"})
    (posted,) = world.notifier.posted
    assert posted.notice.incident_id == thread
    assert posted.notice.summary == "flag_rollback could not finish review: refused"
