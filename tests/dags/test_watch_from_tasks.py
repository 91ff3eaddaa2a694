"""Blocked slots, asked of Airflow itself: what the first task of each DAG sees and tells of the others."""

from __future__ import annotations

import psycopg
import pytest

pytestmark = [pytest.mark.airflow, pytest.mark.postgres]

INCIDENT = "00000000-0000-4000-8000-000000000000"
FLAG = "webhook_signature_enforced"
#: DAG → a conf that its form takes
CONFS = {
    "ledger_health_check": {"triggers": ["T1"]},
    "ledger_remediation": {"trigger": "T1", "severity": "mild", "scope": "isolated"},
    "tenant_backfill": {"tenant_id": "acme"},
    "flag_rollback": {"flag": FLAG, "incident_id": INCIDENT},
    "flag_restore": {"flag": FLAG},
    "guard_stop": {"order": "stop", "reason": "two tenants were paid twice"},
}
#: refused by the first task of every DAG, so that the run ends there
UNKNOWN_KEY = {"approver_reason": "every tenant is refused"}


class Airflow:
    """Airflow's own database, as people leave it by hand."""

    def pause(self, dag_id: str, *, is_paused: bool = True) -> None:
        from airflow.models.dag import DagModel
        from airflow.utils.session import create_session

        with create_session() as session:
            session.get(DagModel, dag_id).is_paused = is_paused

    def run(self, dag_id: str, run_id: str, state: str) -> None:
        """A run that a person started by hand."""
        from airflow.models.dagrun import DagRun
        from airflow.utils.session import create_session
        from airflow.utils.types import DagRunTriggeredByType, DagRunType

        with create_session() as session:
            run = DagRun(dag_id=dag_id, run_id=run_id, run_type=DagRunType.MANUAL, state=state)
            run.triggered_by = DagRunTriggeredByType.REST_API
            session.add(run)

    def remove(self, dag_id: str, run_id: str) -> None:
        from airflow.models.dagrun import DagRun
        from airflow.utils.session import create_session
        from sqlalchemy import delete

        with create_session() as session:
            session.execute(delete(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))


@pytest.fixture
def airflow(stored_dags):
    found, made = Airflow(), []
    run = found.run

    def noted(dag_id, run_id, state):
        made.append((dag_id, run_id))
        run(dag_id, run_id, state)

    found.run = noted
    yield found
    for dag_id in CONFS:
        found.pause(dag_id, is_paused=False)
    for each in made:
        found.remove(*each)


def watch_titles(channel) -> list[str]:
    """Of messages that the look posted, without whom they call."""
    texts = [message["text"].removeprefix("<!here> ") for message in channel.messages]
    return [text.split(": ")[0] for text in texts if text.startswith("watch · ")]


@pytest.mark.parametrize("dag_id", CONFS)
def test_the_first_task_of_every_dag_tells_which_other_is_paused_even_where_its_own_run_is_refused(
    platform, channel, run_dag, airflow, dag_id
):
    other = "flag_restore" if dag_id == "flag_rollback" else "flag_rollback"
    airflow.pause(other)
    run_dag(dag_id, {**CONFS[dag_id], **UNKNOWN_KEY})
    assert [title for title in watch_titles(channel) if "paused" in title] == [f"watch · {other} · paused"]


def test_a_by_hand_emergency_that_stays_queued_is_told_by_another_dags_task(platform, channel, run_dag, airflow):
    airflow.run("flag_rollback", "manual__3am", "queued")
    run_dag("flag_restore", CONFS["flag_restore"])
    assert platform.run("select kind || ' ' || about from ledger_guard.guard_alert") == "queued flag_rollback"
    platform.run("update ledger_guard.guard_alert set since = since - interval '2 minutes'")
    platform.run("update ledger_guard.last_look set looked_at = looked_at - interval '1 minute'")
    run_dag("flag_restore", CONFS["flag_restore"])
    assert "watch · flag_rollback · queued" in watch_titles(channel)


def test_questions_of_runs_that_were_marked_failed_or_deleted_are_closed_and_those_of_others_wait_on(
    platform, channel, run_dag, airflow
):
    for run_id, state in (("parked", "running"), ("marked", "failed")):
        airflow.run("flag_rollback", run_id, state)
    for run_id in ("parked", "marked", "deleted"):
        ask(platform, run_id)
    run_dag("flag_restore", CONFS["flag_restore"])
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
