"""ledger_remediation, run by Airflow in this process: each row of the matrix reaches its actions."""

from contextlib import ExitStack
from functools import cache

import psycopg
import pytest
from tests.dags.conftest import SmallPlatform, connected_to, told_to_a_stand_in

pytestmark = [pytest.mark.airflow, pytest.mark.postgres]

#: actions as tasks of the remediation
ACTIONS = {"triage", "check_secrets", "freeze", "list_backfills", "list_rollbacks", "plan_secret_rotation", "request_review"}
#: child runs are marked as started and never come to be: their own runs are tested elsewhere
NO_CHILDREN = "start_.*"


@pytest.fixture(scope="module")
def remediated(run_dag, own_database):
    """The run of a row of the matrix, played once: what it left behind, and the states of its tasks."""

    @cache
    def run(trigger: str, severity: str, scope: str) -> tuple[SmallPlatform, dict[str, str]]:
        platform = SmallPlatform(stack.enter_context(own_database()))
        conf = {"incident_id": platform.open_incident(trigger, severity, scope)}
        with connected_to(platform.uri), told_to_a_stand_in():
            return platform, run_dag("ledger_remediation", conf, mark_success_pattern=NO_CHILDREN)

    with ExitStack() as stack:
        yield run


@pytest.mark.parametrize(
    ("trigger", "severity", "scope", "done"),
    [
        pytest.param("T1", "mild", "isolated", {"triage"}, id="T1 mild"),
        pytest.param("T1", "severe", "isolated", {"triage", "list_backfills", "request_review"}, id="T1 severe isolated"),
        pytest.param(
            "T1",
            "severe",
            "widespread",
            {"triage", "list_backfills", "list_rollbacks", "request_review"},
            id="T1 severe widespread",
        ),
        pytest.param("T2", "mild", "isolated", {"check_secrets"}, id="T2 mild"),
        pytest.param(
            "T2", "severe", "isolated", {"check_secrets", "plan_secret_rotation", "request_review"}, id="T2 severe isolated"
        ),
        pytest.param(
            "T2", "severe", "widespread", {"check_secrets", "list_rollbacks", "plan_secret_rotation"}, id="T2 severe widespread"
        ),
        pytest.param("T3", "mild", "isolated", {"triage", "list_backfills"}, id="T3 mild"),
        pytest.param("T3", "severe", "isolated", {"freeze", "triage", "list_backfills", "request_review"}, id="T3 severe"),
    ],
)
def test_each_row_of_the_matrix_reaches_its_actions_and_no_others(remediated, trigger, severity, scope, done):
    _, states = remediated(trigger, severity, scope)
    assert states["run"] == "success"
    assert {task_id for task_id in ACTIONS if states[task_id] == "success"} == done
    assert (states["report"], states["notify"]) == ("success", "success")


def test_a_child_run_that_never_came_to_be_is_recorded_as_failed_and_nothing_waits_for_it(remediated):
    platform, _ = remediated("T1", "severe", "isolated")
    found = platform.run("select status || ': ' || outcome from ledger_guard.action where kind = 'backfill'")
    assert found == "failed: the run was never created"


def test_t3_severe_stops_the_rollout(remediated):
    platform, _ = remediated("T3", "severe", "isolated")
    assert platform.run("select flag from ledger_guard.freeze where lifted_at is null") == "ledger_enforce_balance"


def test_a_row_in_shadow_records_what_it_would_do_and_posts_nothing(platform, channel, run_dag):
    shadow = {"order": "lower", "row": "T3 severe", "to": "shadow", "reason": "to be tried first"}
    assert run_dag("guard_mode", shadow)["run"] == "success"
    states = run_dag("ledger_remediation", {"incident_id": platform.open_incident("T3")}, mark_success_pattern=NO_CHILDREN)
    assert (states["run"], states["freeze"], states["report"], states["notify"]) == ("success",) * 4
    with psycopg.connect(platform.uri) as connection:
        found = connection.execute("select distinct kind, detail ? 'shadow' from ledger_guard.action order by 1").fetchall()
    assert found == [("dry_run", False), ("freeze", True), ("request_review", True), ("triage", False)]
    assert platform.run("select count(*) from ledger_guard.freeze") == 0
    assert [message["text"] for message in channel.messages if not message["text"].startswith("watch")] == []


def test_a_case_by_hand_opens_an_incident(platform, channel, run_dag):
    by_hand = {"trigger": "T1", "severity": "mild", "scope": "isolated", "tenants": ["acme"], "reason": "a player called"}
    states = run_dag("ledger_remediation", by_hand)
    assert states["run"] == "success"
    assert platform.run("select trigger from ledger_guard.incident") == "T1"


@pytest.mark.parametrize(
    "conf",
    [
        pytest.param({"incident_id": "00000000-0000-4000-8000-000000000000"}, id="unknown incident"),
        pytest.param({"trigger": "T1", "severity": "severe", "scope": "isolated", "tenants": ["nobody"]}, id="unknown tenant"),
        pytest.param({"trigger": "T1", "severity": "severe", "scope": "isolated", "tenants": ["%"]}, id="pattern"),
        pytest.param({"trigger": "T1", "scope": "isolated", "tenants": ["acme"]}, id="no severity"),
        pytest.param({}, id="nothing"),
    ],
)
def test_a_case_that_is_not_allowed_ends_at_once_and_stores_nothing(platform, channel, run_dag, conf):
    states = run_dag("ledger_remediation", conf)
    assert (states["open_case"], states["run"]) == ("failed", "failed")
    assert platform.run("select count(*) from ledger_guard.incident") == 0


# --- forged signals: what strangers and players can send ----------------------------------------------------------


def strike(lived, trigger: str, scope: str, tenants=("acme", "zenith")) -> str:
    """An incident of the two newest closed windows."""
    incident = lived.open_incident(trigger, "severe", scope, tenants)
    bin_start = "date_bin('5 minutes', now(), 'epoch')"
    lived.run(
        f"update ledger_guard.incident set first_window_start = {bin_start} - interval '10 minutes',"
        f" last_alarm_window_start = {bin_start} - interval '5 minutes' where incident_id = %s",
        incident,
    )
    return incident


def send(lived, trigger: str, tenant: str, count: int, amount_cents: int | None = None) -> None:
    """Refused requests spread over the two newest closed windows."""
    path, status, code = {
        "T1": ("/api/v1/player/wallet/withdraw", 400, "INSUFFICIENT_FUNDS"),
        "T2": ("/api/v1/payments/webhook/mockpsp", 401, "WEBHOOK_SIGNATURE_INVALID"),
    }[trigger]
    lived.run(
        "insert into ledger_guard.access_event"
        " (event_key, event_time, tenant_id, subject_id, method, path, status, error_code, amount_cents)"
        " select gen_random_uuid()::text,"
        "   date_bin('5 minutes', now(), 'epoch') - (n + 1) * interval '600 seconds' / (%s + 1), %s,"
        "   case when %s = 'T1' then 'p' || lpad((n %% 20)::text, 2, '0') else 'x-' || n end, 'POST', %s, %s, %s, %s"
        " from generate_series(0, %s - 1) n",
        *(count, tenant, trigger, path, status, code, amount_cents, count),
    )


def proposals(lived) -> list[str]:
    with psycopg.connect(lived.uri) as connection:
        rows = connection.execute(
            "select kind || ' ' || target || ' ' || status from ledger_guard.action"
            " where kind in ('roll_back', 'backfill') order by 1"
        )
        return [row[0] for row in rows.fetchall()]


def test_attack_downgrade_by_anonymous_ends_without_a_rollback_or_a_rotation(lived, channel, run_dag):
    lived.last_windows("T2")
    for tenant in ("acme", "zenith"):
        send(lived, "T2", tenant, 72)
    states = run_dag("ledger_remediation", {"incident_id": strike(lived, "T2", "widespread")}, mark_success_pattern=NO_CHILDREN)
    assert (states["run"], states["list_rollbacks"], states["start_rollback"]) == ("success", "success", "skipped")
    assert proposals(lived) == ["roll_back webhook_signature_enforced refused"]
    assert lived.run("select count(*) from ledger_guard.rotation_plan") == 0
    assert any("Likely forged: do not roll back" in str(message) for message in channel.messages)


def test_a_flip_that_refuses_genuine_webhooks_still_asks_for_a_rollback(lived, channel, run_dag):
    lived.last_windows("T2", acme_every=1, zenith_every=1)
    run_dag("ledger_remediation", {"incident_id": strike(lived, "T2", "widespread")}, mark_success_pattern=NO_CHILDREN)
    assert proposals(lived) == ["roll_back webhook_signature_enforced failed"]
    assert lived.run("select outcome from ledger_guard.action where kind = 'roll_back'") == "the run was never created"


def test_attack_players_who_overdraw_end_without_a_rollback_or_a_backfill(lived, channel, run_dag):
    lived.last_windows("T1")
    for tenant in ("acme", "zenith"):
        send(lived, "T1", tenant, 60, amount_cents=20_000)
    incident = strike(lived, "T1", "widespread", tenants=("acme",))
    states = run_dag("ledger_remediation", {"incident_id": incident}, mark_success_pattern=NO_CHILDREN)
    assert (states["run"], states["start_rollback"], states["start_backfills"]) == ("success", "skipped", "skipped")
    assert proposals(lived) == ["backfill acme refused", "roll_back ledger_enforce_balance refused"]


def test_a_triage_that_failed_keeps_no_rollback_from_people(lived, channel, run_dag, monkeypatch):
    incident = strike(lived, "T1", "widespread", tenants=("acme",))
    lived.run("alter table player rename to player_away")
    lived.traffic("T1", "acme", 2, 0, every=1)
    states = run_dag("ledger_remediation", {"incident_id": incident}, mark_success_pattern=NO_CHILDREN)
    assert (states["triage"], states["list_rollbacks"]) == ("failed", "success")
    assert proposals(lived) == ["roll_back ledger_enforce_balance failed"]
