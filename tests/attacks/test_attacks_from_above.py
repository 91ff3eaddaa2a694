"""The attacks on the run that starts a run: its XComs are edited, and the task that starts the child is cleared."""

from __future__ import annotations

import pytest
from tests.attacks.scene import FLAG, LONG_REASON, PATIENCE_SECONDS, Run

from ledger_sandbox.airflow_api import wait_for

pytestmark = [pytest.mark.stack, pytest.mark.airflow, pytest.mark.timeout(900)]

UNTOUCHED = 20


@pytest.fixture(scope="module")
def parent(scene) -> Run:
    """A remediation that on-call started by hand, whose backfill runs or waits."""
    scene.tenant("above")
    case = {"trigger": "T3", "severity": "mild", "scope": "isolated", "tenants": ["above"], "reason": "attack"}
    run = Run("ledger_remediation", scene.user("oncall").trigger("ledger_remediation", case), "above")
    wait_for(lambda: _child_of(scene, "above"), "the remediation's own backfill to begin", PATIENCE_SECONDS, scene.said.append)
    return run


def _child_of(scene, tenant_id: str) -> str | None:
    return scene.value(
        "select min(run_id) from ledger_guard.run_grant where conf ->> 'tenant_id' = %s and begun_at is not null", tenant_id
    )


def test_a_child_is_asked_for_by_whom_guard_state_says(scene, parent):
    """On-call started the parent; the leave says so, with a run id that nobody could know beforehand."""
    run_id = _child_of(scene, "above")
    assert run_id.startswith("backfill__above__")
    assert scene.value("select requested_by from ledger_guard.run_grant where run_id = %s", run_id) == "oncall"


def test_glass_broken_in_anothers_name(scene, parent):
    """The child carries on-call's name, whom the policy names; without leave it gets nowhere."""
    before = scene.flag(parent)
    conf = {"flag": FLAG, "tenant_id": "above", "incident_id": scene.incident_id, "break_glass": LONG_REASON}
    child = _started_through(scene, parent, "list_rollbacks", "start_rollback", Run("flag_rollback", "glass", "above"), conf)
    assert child["review"] == "failed"
    assert scene.flag(parent) == before
    assert scene.value("select count(*) from ledger_guard.approval where run_id = 'glass'") == 0
    assert (
        scene.value("select count(*) from ledger_guard.audit_entry where verb = 'break_glass' and detail ->> 'run_id' = 'glass'")
        == 0
    )


def test_one_person_asks_and_approves_through_another_run(scene, parent):
    """Another tenant's wallets, asked for in on-call's name by whoever would approve it: no plan, no question."""
    scene.tenant("beside")
    conf = {"tenant_id": "beside", "operation": "backfill", "mode": "force"}
    child = _started_through(scene, parent, "list_backfills", "start_backfills", Run("tenant_backfill", "beside", "beside"), conf)
    assert child["dry_run"] == "failed"
    assert scene.value("select count(*) from ledger_guard.plan where tenant_id = 'beside'") == 0
    assert scene.wrong_wallets(Run("tenant_backfill", "beside", "beside")) == UNTOUCHED


def _started_through(scene, parent: Run, listed_by: str, started_by: str, child: Run, conf: dict) -> dict[str, str]:
    """Put a run of one's own on the parent's list, and let the parent start it; gives the child's task states at its end."""
    path, runs = scene.xcom_path(parent, listed_by), [{"trigger_run_id": child.run_id, "conf": conf}]
    answer = scene.call("ops-lead", "PATCH", f"{path}/return_value", value=runs)
    if answer.status_code == 404:
        answer = scene.call("ops-lead", "POST", path, key="return_value", value=runs)
    assert answer.is_success, answer.text
    scene.mark(parent, listed_by, "ops-lead")
    scene.clear(parent, started_by, "ops-lead")
    wait_for(
        lambda: child.run_id in {run["dag_run_id"] for run in scene.user("admin").runs(child.dag_id)},
        f"the run {child.run_id} to be started",
        PATIENCE_SECONDS,
        scene.said.append,
    )
    return scene.ended(child)
