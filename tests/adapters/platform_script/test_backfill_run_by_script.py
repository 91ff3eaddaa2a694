"""A tenant_backfill run whose policy names the platform's script as the writer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.adapters.platform_script.script_worlds import TENANT, ScriptWorld, settings_for

from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.movement_witness import PostgresMovementWitness
from ledger_guard.domain.command_outcome import CommandFailed
from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.incidents import ActionStatus
from ledger_guard.domain.runs import StartedRun
from ledger_guard.policy.command_runner import BackfillWriter
from ledger_guard.use_cases.approvals.granted_runs import RunOnRecord
from ledger_guard.use_cases.backfill.backfill_ending import close_run
from ledger_guard.use_cases.backfill.backfill_run import force_run, next_tasks, plan_run, verify_run

pytestmark = pytest.mark.postgres

BACKFILL = {"tenant_id": TENANT, "operation": "backfill", "mode": "force"}


@pytest.fixture
def world(world: ScriptWorld) -> ScriptWorld:
    given = {"backfill_writer": BackfillWriter.PLATFORM_SCRIPT, "command_runner": settings_for(world.folder)}
    world.deps = replace(world.deps, policy=world.deps.policy.model_copy(update=given))
    return world


def carried_out(world: ScriptWorld) -> dict[str, object]:
    """Plan, force and nothing else; returns the plan as the run's tasks hand it on."""
    plan = plan_run(world.deps, BACKFILL, "oncall")
    assert next_tasks(world.deps, plan) == ["force"]
    witness = PostgresMovementWitness(ConnectionSettings.parse(world.uri, "ledger_db"), world.deps.policy.platform)
    force_run(world.deps, BACKFILL, plan, "oncall", lambda _: (world.runner(), witness))
    return plan


def closed(world: ScriptWorld, plan: dict[str, object]) -> tuple[ActionStatus, str]:
    run = StartedRun("tenant_backfill", "manual__1", "oncall", is_started_by_run=False, conf=BACKFILL)
    return close_run(RunOnRecord(world.deps, run), BACKFILL, plan, verify_run(world.deps, BACKFILL, plan))


def test_the_script_writes_and_the_run_says_that_it_can_not_be_undone(world):
    plan = carried_out(world)
    assert len(world.started()) == 2
    assert world.wallet("lags") == 20.0
    status, words = closed(world, plan)
    assert status is ActionStatus.DONE
    assert "written by the platform's script: 2 rows; can not be undone" in words


def test_a_script_that_wrote_nothing_fails_the_write_and_the_run(world):
    world.write_script("print('created 1, updated 1, errors 0')")
    with pytest.raises(CommandFailed, match="2 rows of the plan were not written"):
        carried_out(world)
    with world.deps.state.transaction() as state:
        plan_id = state.plans.latest(TENANT).plan_id
        first = next(e for e in state.audit.entries(tenant_id=TENANT) if e.event.verb == "run_script")
    plan = {"plan_id": first.event.subject.removeprefix("plan:"), "operation": "backfill"}
    assert plan["plan_id"] != plan_id, "the newest plan is the fresh one that the script was checked against"
    status, words = closed(world, plan)
    assert status is ActionStatus.FAILED
    assert "2 rows of the plan were not written" in words


def test_money_that_the_script_would_erase_is_refused_and_the_run_says_that_nothing_was_written(world):
    world.add_depositor("rich", 20.0, 50.0)
    with pytest.raises(SafetyRefusal):
        carried_out(world)
    assert world.started() == []
    with world.deps.state.transaction() as state:
        plans = {e.event.subject for e in state.audit.entries(tenant_id=TENANT) if e.event.verb == "run_script"}
    (plan_id,) = (subject.removeprefix("plan:") for subject in plans)
    status, words = closed(world, {"plan_id": plan_id, "operation": "backfill"})
    assert (status, words.split(";")[0]) == (ActionStatus.FAILED, "ended before it wrote")


def test_without_the_setting_the_guards_own_force_writes_and_no_script_is_built(world):
    world.deps = replace(world.deps, policy=world.deps.policy.model_copy(update={"backfill_writer": BackfillWriter.LEDGER_GUARD}))
    plan = plan_run(world.deps, BACKFILL, "oncall")

    def no_script(_policy):
        raise AssertionError("nobody asked for the script")

    assert force_run(world.deps, BACKFILL, plan, "oncall", no_script)["applied"] == 2
    assert world.started() == []
