"""Blocked slots, asked of Airflow itself: what the first task of a DAG sees and tells of the others."""

from __future__ import annotations

import psycopg
import pytest
from tests.dags.conftest import watch_titles

pytestmark = [pytest.mark.airflow, pytest.mark.postgres]

FLAG = "webhook_signature_enforced"


def test_a_by_hand_emergency_that_stays_queued_is_told_by_another_dags_task(platform, channel, run_dag, airflow):
    airflow.run("flag_rollback", "manual__3am", "queued")
    run_dag("flag_restore", {"flag": FLAG})
    assert platform.run("select kind || ' ' || about from ledger_guard.guard_alert") == "queued flag_rollback"
    platform.run("update ledger_guard.guard_alert set since = since - interval '2 minutes'")
    platform.run("update ledger_guard.last_look set looked_at = looked_at - interval '1 minute'")
    run_dag("flag_restore", {"flag": FLAG})
    assert "watch · flag_rollback · queued" in watch_titles(channel)


def test_questions_of_runs_that_were_marked_failed_or_deleted_are_closed_and_those_of_others_wait_on(
    platform, channel, run_dag, airflow
):
    for run_id, state in (("parked", "running"), ("marked", "failed")):
        airflow.run("flag_rollback", run_id, state)
    for run_id in ("parked", "marked", "deleted"):
        ask(platform, run_id)
    run_dag("flag_restore", {"flag": FLAG})
    with psycopg.connect(platform.uri) as connection:
        found = connection.execute("select run_id, orphaned_at is not null from ledger_guard.approval order by run_id").fetchall()
    assert found == [("deleted", True), ("marked", True), ("parked", False)]
    assert watch_titles(channel).count("watch · questions without a run") == 1


def test_a_look_that_can_not_be_told_fails_no_task(platform, channel, run_dag, airflow):
    channel.stop()
    airflow.pause("flag_rollback")
    states = run_dag("tenant_backfill", {"tenant_id": "acme"})
    assert (states["dry_run"], states["run"]) == ("success", "success")


def test_a_look_without_guard_states_tables_fails_no_task(platform, channel, run_dag, airflow):
    platform.run("drop table ledger_guard.last_look")
    assert run_dag("tenant_backfill", {"tenant_id": "acme"})["dry_run"] == "success"


def ask(platform, run_id: str) -> None:
    platform.run(
        "insert into ledger_guard.approval (approval_id, kind, subject_id, subject_hash, requested_by, approvers,"
        " minimum_reason_characters, requested_at, expires_at, dag_id, run_id, task_id, link, proposal, approvers_needed,"
        " ordinal, incident_state, is_break_glass) values (gen_random_uuid(), 'flag_rollback', 'f@*', 'h', 'oncall',"
        " array['payments-lead'], 10, now(), now() + interval '1 hour', 'flag_rollback', %s, 'request_approval', '', '', 1, 1,"
        " '', false)",
        run_id,
    )
