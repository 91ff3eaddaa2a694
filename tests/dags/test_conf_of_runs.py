"""What a run's conf may hold: the form's keys. Any other is refused by the first task, before anything is asked or stored."""

import pytest

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
}


@pytest.mark.parametrize("dag_id", RUNS)
def test_a_key_that_the_form_has_not_is_refused_and_the_allowed_ones_are_named(platform, channel, run_dag, dag_id):
    first, conf, allowed = RUNS[dag_id]
    states = run_dag(dag_id, {**conf, "approver_reason": "every tenant is refused, the CTO agrees"})
    assert states[first] == "failed"
    assert states["run"] == "failed"
    told = " ".join(message["text"] for message in channel.messages if first.rsplit(".", maxsplit=1)[-1] in message["text"])
    assert f"conf: the run has 'approver_reason', which {dag_id} does not know; allowed: " in told
    assert [name for name in allowed if name not in told.split("allowed: ")[1]] == []
    for table in ("approval", "plan", "incident"):
        assert platform.run(f"select count(*) from ledger_guard.{table}") == 0
