"""The dangerous orders, and only those: they survive every other change of the graphs."""

import pytest

pytestmark = pytest.mark.airflow


def upstream(dag_bag, dag_id, task_id):
    return dag_bag.dags[dag_id].get_task(task_id).get_flat_relative_ids(upstream=True)


def test_no_flag_is_rolled_back_before_approval_was_requested_and_verified(dag_bag):
    assert {"review", "request_approval", "verify_approval"} <= upstream(dag_bag, "flag_rollback", "roll_back")


def test_no_flag_is_restored_before_checklist_and_approval(dag_bag):
    assert {"review", "request_approval", "verify_approval"} <= upstream(dag_bag, "flag_restore", "restore")


def test_no_wallet_is_written_before_dry_run_and_review(dag_bag):
    assert {"dry_run", "review"} <= upstream(dag_bag, "tenant_backfill", "force")


def test_no_plan_is_undone_before_its_own_approval(dag_bag):
    assert {"review", "request_undo_approval"} <= upstream(dag_bag, "tenant_backfill", "undo")


def test_a_remediation_starts_nothing_before_the_case_is_open_and_decided(dag_bag):
    for task_id in ("start_backfills", "start_rollback", "freeze", "triage"):
        assert {"open_case", "decide"} <= upstream(dag_bag, "ledger_remediation", task_id)


def test_triage_comes_before_any_repair_is_proposed(dag_bag):
    assert {"triage", "check_secrets"} <= upstream(dag_bag, "ledger_remediation", "list_rollbacks")
    assert "triage" in upstream(dag_bag, "ledger_remediation", "list_backfills")


def test_the_health_check_decides_only_on_what_was_sensed_and_judged(dag_bag):
    for trigger in ("T1", "T2", "T3"):
        assert {f"{trigger}.sense", f"{trigger}.classify"} <= upstream(dag_bag, "ledger_health_check", f"{trigger}.remediate")


def test_a_notice_is_never_upstream_of_a_repair(dag_bag):
    """Slack down: the notifying task fails on its own, nothing else stops."""
    for dag in dag_bag.dags.values():
        for task in dag.tasks:
            if task.task_id.split(".")[-1] == "notify":
                assert not task.get_flat_relative_ids(upstream=False), f"{dag.dag_id}.{task.task_id}"


def test_only_the_policys_approvers_are_asked_and_no_answer_means_reject(dag_bag):
    from ledger_guard.policy.loader import load_policy

    policy = load_policy()
    gates = [task for dag in dag_bag.dags.values() for task in dag.tasks if hasattr(task, "assigned_users")]
    assert len(gates) == 5
    for gate in gates:
        approval = policy.approval_of(gate.kind)
        assert [user["id"] for user in gate.assigned_users] == list(approval.approvers)
        assert gate.defaults == ["Reject"]
        assert gate.response_timeout.total_seconds() == approval.valid_minutes * 60


def test_an_emergency_never_queues_behind_parked_questions(dag_bag):
    """Parked runs count as active: the places are for more of them than anybody parks, the work is bounded by task."""
    from ledger_guard.domain.runs import EMERGENCY_DAG_IDS

    assert [dag_bag.dags[dag_id].max_active_runs for dag_id in EMERGENCY_DAG_IDS] == [1000, 1000]
    for task_id in ("dry_run", "force", "undo", "verify"):
        assert dag_bag.dags["tenant_backfill"].get_task(task_id).max_active_tis_per_dag == 32


def test_every_dag_of_the_guard_is_watched_for_being_paused(dag_bag):
    from ledger_guard.domain.runs import DAG_IDS

    assert sorted(dag_bag.dags) == sorted(DAG_IDS)
