"""The board inside Airflow's real API application: who gets in, what is shown, and what is said when nothing is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.plugins.board_values import NEWEST, NOW, approval, incident, sensed, verdict
from tests.triggers import T1, TRIGGERS

from ledger_guard.domain.audit import AuditEvent
from ledger_guard.domain.errors import BadInputError, SourceUnavailable
from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.facts.drills import DrillRequested
from ledger_guard.domain.flags import Freeze
from ledger_guard.domain.verdicts import Severity

pytestmark = [pytest.mark.airflow, pytest.mark.filterwarnings("default")]

PAGE = "/ledger-guard/"
ROUTES = (
    PAGE,
    "/ledger-guard/state.json",
    "/ledger-guard/health",
    "/ledger-guard/incidents/7d0f9d52-5b1c-4f5e-9a3d-2f6f1f1f0001",
    "/ledger-guard/incidents/7d0f9d52-5b1c-4f5e-9a3d-2f6f1f1f0001/report.md",
    "/ledger-guard/incidents/7d0f9d52-5b1c-4f5e-9a3d-2f6f1f1f0001/record.json",
    "/ledger-guard/stop",
    "/ledger-guard/release",
    "/ledger-guard/static/board.css",
    "/ledger-guard/static/board.js",
)
REPORT = ROUTES[3]
BROWSER = {"Accept": "text/html"}
HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"


def store_quiet_verdicts(world) -> None:
    with world.state.transaction() as state:
        for trigger in TRIGGERS:
            state.readings.record([sensed(trigger)], [])
            state.verdicts.record([verdict(trigger, "tenant-01", Severity.NONE)], None)
            state.verdicts.save_engine_state(trigger, NEWEST.end, NOW, b"")


# --- who gets in ----------------------------------------------------------------------------------------------------


def test_these_are_all_the_routes_that_the_board_has(board_client):
    from ledger_guard_board.app import app

    assert sorted(route.path for route in app.routes) == [
        "/",
        "/health",
        "/incidents/{incident_id}",
        "/incidents/{incident_id}/record.json",
        "/incidents/{incident_id}/report.md",
        "/release",
        "/release",
        "/state.json",
        "/static/{name}",
        "/stop",
        "/stop",
    ]


@pytest.mark.parametrize("route", ROUTES)
def test_no_one_gets_anything_without_a_login(board_client, world, route):
    store_quiet_verdicts(world)
    answer = board_client.get(route)
    assert answer.status_code == 401
    assert "tenant-01" not in answer.text


@pytest.mark.parametrize("route", ROUTES)
def test_a_forged_token_is_no_login(board_client, route):
    assert board_client.get(route, headers={"Authorization": "Bearer forged"}).status_code in (401, 403)


def test_a_browser_whose_login_ran_out_gets_a_page_that_says_so(board_client):
    answer = board_client.get(PAGE, headers=BROWSER)
    assert answer.status_code == 401
    assert "You are not logged in" in answer.text


@pytest.mark.parametrize("user", ["admin", "oncall", "payments-lead", "viewer"])
def test_every_logged_in_user_may_read_the_board(board_client, world, login_of, user):
    store_quiet_verdicts(world)
    answer = board_client.get(PAGE, headers=login_of(user))
    assert answer.status_code == 200
    assert "All quiet" in answer.text


def test_the_login_cookie_of_the_ui_is_enough(board_client, world, login_of):
    store_quiet_verdicts(world)
    token = login_of("viewer")["Authorization"].removeprefix("Bearer ")
    assert board_client.get(PAGE, headers={"Cookie": f"_token={token}"}).status_code == 200


@pytest.mark.parametrize("headers", [{}, BROWSER], ids=["anonymous program", "anonymous browser"])
def test_refusals_carry_the_security_headers_too(board_client, headers):
    assert "default-src 'none'" in board_client.get(PAGE, headers=headers).headers["Content-Security-Policy"]


def test_the_board_may_run_its_own_files_only_and_be_framed_by_airflow_only(board_client, world, login_of):
    answer = board_client.get(PAGE, headers=login_of("viewer"))
    rules = dict(rule.split(maxsplit=1) for rule in answer.headers["Content-Security-Policy"].split("; "))
    assert rules == {
        "default-src": "'none'", "style-src": "'self'", "script-src": "'self'", "base-uri": "'none'",
        "form-action": "'none'", "frame-ancestors": "'self'",
    }  # fmt: skip
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"


# --- what is shown --------------------------------------------------------------------------------------------------


def test_the_page_tells_state_incident_approval_freeze_and_audit(board_client, world, login_of):
    store_quiet_verdicts(world)
    with world.state.transaction() as state:
        state.incidents.add(incident())
        state.approvals.request(approval().request)
        state.freezes.add(Freeze("f-1", "ledger_enforce_balance", "*", "T3 severe in tenant-09", "ledger_guard", NOW))
        state.audit.append(AuditEvent("freeze", "ledger_guard", "flag:ledger_enforce_balance@*", {}, NOW))
    world.flags.put("ledger_enforce_balance", "*", is_enabled=True)
    text = board_client.get(PAGE, headers=login_of("viewer")).text
    for said in (
        "T1 severe, isolated",
        "22 times its usual rate",
        "Money at risk: amount not known in the newest window in alarm",
        'href="incidents/7d0f9d52-5b1c-4f5e-9a3d-2f6f1f1f0001"',
        "Roll a flag back",
        "payments-lead, ops-lead",
        'href="/dags/flag_rollback/runs/roll_back__1/tasks/request_approval/required_actions?map_index=-1"',
        "T3 severe in tenant-09",
        "flag:ledger_enforce_balance@*",
    ):
        assert said in text


def test_the_page_asks_to_be_read_again_every_thirty_seconds(board_client, login_of):
    assert '<meta http-equiv="refresh" content="30">' in board_client.get(PAGE, headers=login_of("viewer")).text


def test_programs_read_the_same_state_as_json(board_client, world, login_of):
    store_quiet_verdicts(world)
    found = board_client.get("/ledger-guard/state.json", headers=login_of("viewer")).json()
    first = found["triggers"][0]
    assert (first["trigger"], first["state"], first["verdict_age_seconds"], first["is_blind"]) == ("T1", "quiet", 120, False)


def test_health_is_ok_while_verdicts_are_fresh_and_503_once_the_guard_is_blind(board_client, world, login_of):
    store_quiet_verdicts(world)
    fresh = board_client.get("/ledger-guard/health", headers=login_of("viewer"))
    world.clock.advance(2 * NEWEST.length)
    blind = board_client.get("/ledger-guard/health", headers=login_of("viewer"))
    assert (fresh.status_code, fresh.json()) == (200, {"status": "ok", "blind_for": []})
    assert (blind.status_code, blind.json()) == (503, {"status": "blind", "blind_for": ["T1", "T2", "T3"]})


def test_hostile_tenant_ids_reasons_and_links_are_shown_as_text(board_client, world, login_of):
    store_quiet_verdicts(world)
    with world.state.transaction() as state:
        state.verdicts.record([verdict(T1, HOSTILE, Severity.SEVERE, sentence=HOSTILE)], None)
        state.incidents.add(incident(tenants=(HOSTILE,), summary=HOSTILE))
        state.approvals.request(replace(approval().request, link="javascript:alert(1)", proposal=HOSTILE, requested_by=HOSTILE))
        state.freezes.add(Freeze("f-1", "ledger_enforce_balance", HOSTILE, HOSTILE, HOSTILE, NOW))
        state.audit.append(AuditEvent("freeze", HOSTILE, HOSTILE, {}, NOW))
    text = board_client.get(PAGE, headers=login_of("viewer")).text
    assert "&lt;script&gt;alert(" in text
    assert "<script>alert" not in text
    assert "<img" not in text
    assert "javascript:" not in text


def test_an_incidents_report_is_one_link_away(board_client, world, login_of):
    with world.state.transaction() as state:
        state.incidents.add(incident(summary=HOSTILE))
    answer = board_client.get(REPORT, headers=login_of("viewer"))
    assert answer.status_code == 200
    assert incident().incident_id in answer.text
    assert "<script>alert" not in answer.text


def test_a_report_is_a_page_with_headings_and_tables_and_no_one_elses_markup(board_client, world, login_of):
    with world.state.transaction() as state:
        state.incidents.add(incident(summary=f"{HOSTILE} ![x](http://evil.example/x.png) [go](javascript:alert(1))"))
    text = board_client.get(REPORT, headers=login_of("viewer")).text
    assert "<h1>" in text
    assert "<h2>" in text
    assert "<li>" in text
    assert "<th>Severe windows</th>" in text
    assert "<td>tenant-07</td>" in text
    assert "# Incident" not in text
    assert "<img" not in text
    assert 'href="javascript:' not in text


@pytest.mark.parametrize(
    ("name", "media_type", "holds"), [("report.md", "text/markdown", "# "), ("record.json", "application/json", "{")]
)
def test_a_report_can_be_taken_along_as_a_file(board_client, world, login_of, name, media_type, holds):
    with world.state.transaction() as state:
        state.incidents.add(incident(summary=HOSTILE))
    answer = board_client.get(f"{REPORT}/{name}", headers=login_of("viewer"))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(media_type)
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert answer.text.startswith(holds)
    assert incident().incident_id in answer.text
    unknown = board_client.get(f"/ledger-guard/incidents/nothing/{name}", headers=login_of("viewer"))
    assert unknown.status_code == 404


@pytest.mark.parametrize("incident_id", ["7d0f9d52-5b1c-4f5e-9a3d-2f6f1f1f9999", "not-an-id", "%3Cscript%3E"])
def test_a_report_that_does_not_exist_is_a_404_in_words(board_client, login_of, incident_id):
    answer = board_client.get(f"/ledger-guard/incidents/{incident_id}", headers=login_of("viewer"))
    assert answer.status_code == 404
    assert "There is no such incident" in answer.text


@pytest.mark.parametrize("name", ["board.html", "..%2Fapp.py", "app.py"])
def test_only_the_two_static_files_are_served(board_client, login_of, name):
    assert board_client.get(f"/ledger-guard/static/{name}", headers=login_of("viewer")).status_code == 404


def test_a_paused_rollback_is_the_first_thing_that_the_page_says(board_client, world, scheduler, login_of):
    store_quiet_verdicts(world)
    scheduler.paused.add("flag_rollback")
    answer = board_client.get(PAGE, headers=login_of("viewer"))
    assert '<p class="first">flag_rollback is paused: none of its runs starts, not even emergencies.</p>' in answer.text
    assert '<section class="headline bad" role="status">' in answer.text


def test_airflow_s_own_database_says_which_dags_are_paused_and_which_runs_are_queued_or_have_ended(airflow_client):
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from airflow.utils.types import DagRunTriggeredByType, DagRunType

    from ledger_guard_board.scheduler import MetadataScheduler

    with create_session() as session:
        session.merge(DagBundleModel(name="a-bundle"))
        session.flush()
        for dag_id, is_paused in (("board_on", False), ("board_paused", True)):
            session.merge(DagModel(dag_id=dag_id, is_paused=is_paused, bundle_name="a-bundle"))
        session.flush()
        for state in ("queued", "running", "success", "failed"):
            run = DagRun(dag_id="board_on", run_id=f"is-{state}", run_type=DagRunType.MANUAL, state=state)
            run.triggered_by = DagRunTriggeredByType.REST_API
            session.add(run)
    found = MetadataScheduler()
    assert [found.is_paused("board_on"), found.is_paused("board_paused")] == [False, True]
    assert [found.queued("board_on"), found.queued("board_paused")] == [1, 0]
    asked = ["is-queued", "is-running", "is-success", "is-failed", "is-gone"]
    assert found.ended("board_on", asked) == ["is-success", "is-failed", "is-gone"]
    with pytest.raises(SourceUnavailable, match="does not know board_gone"):
        found.is_paused("board_gone")


# --- when nothing is known ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(SourceUnavailable("guard state: connection refused"), id="database away"),
        pytest.param(BadInputError("connection ledger_guard_db: names no database"), id="connection wrong"),
    ],
)
@pytest.mark.parametrize("route", [PAGE, "/ledger-guard/state.json", "/ledger-guard/health"])
def test_an_unreadable_guard_state_is_a_503_with_the_reason_and_never_a_traceback(board_client, login_of, error, route):
    from ledger_guard_board.app import app, opened_dependencies

    def unreadable():
        raise error

    app.dependency_overrides[opened_dependencies] = unreadable
    answer = board_client.get(route, headers={**login_of("viewer"), **BROWSER})
    assert answer.status_code == 503
    assert str(error) in answer.text
    assert "it does not mean that all is quiet" in answer.text
    assert "Traceback" not in answer.text


def test_programs_get_the_reason_as_json(board_client, world, login_of, monkeypatch):
    def away():
        raise SourceUnavailable("guard state: is not migrated")

    monkeypatch.setattr(world.state, "snapshot", away)
    answer = board_client.get("/ledger-guard/state.json", headers=login_of("viewer"))
    assert (answer.status_code, answer.json()) == (503, {"status": "unreadable", "detail": "guard state: is not migrated"})


def test_without_the_flag_store_the_rest_of_the_board_still_stands(board_client, world, login_of, monkeypatch):
    def away(flag):
        raise SourceUnavailable("platform: connection refused")

    store_quiet_verdicts(world)
    monkeypatch.setattr(world.flags, "scopes", away)
    answer = board_client.get(PAGE, headers=login_of("viewer"))
    assert answer.status_code == 200
    assert "platform: connection refused" in answer.text


# --- how Airflow finds it -------------------------------------------------------------------------------------------


def test_airflow_loads_the_plugin_and_puts_it_into_the_navigation(board_client, login_of):
    plugins = board_client.get("/api/v2/plugins", headers=login_of("admin")).json()["plugins"]
    ours = next(plugin for plugin in plugins if plugin["name"] == "ledger_guard_board")
    view = ours["external_views"][0]
    assert (view["name"], view["url_route"], view["destination"]) == ("Ledger Guard", "ledger-guard", "nav")
    errors = board_client.get("/api/v2/plugins/importErrors", headers=login_of("admin")).json()
    assert errors["import_errors"] == []


def test_airflow_loads_the_plugin_class_alone_and_not_the_pages_code(airflow_home):
    from airflow._shared.module_loading import find_path_from_directory

    plugins = Path(__file__).parents[2] / "plugins"
    found = [
        Path(path).relative_to(plugins).as_posix() for path in find_path_from_directory(str(plugins), ".airflowignore", "glob")
    ]
    assert [path for path in found if path.endswith(".py")] == ["ledger_guard_board/__init__.py"]


def test_the_page_shows_the_last_drill_of_each_trigger(board_client, world, login_of):
    with world.state.transaction() as state:
        fact = DrillRequested(trigger="T2", canary_id="c", is_proved=True, ends_by=NOW)
        state.audit.append(recorded(fact, actor=HOSTILE, subject="drill:d-1", at=NOW - timedelta(days=3)))
    page = board_client.get(PAGE, headers=login_of("viewer")).text
    assert "T1: never; due every 30 days" in page
    assert "T2: 3 days ago by" in page
    assert "<script>alert" not in page
