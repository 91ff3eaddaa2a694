"""The stop on the board: who may, from which page, and that nothing else is taken for their order."""

from __future__ import annotations

import re
import time

import pytest
from tests.plugins.board_values import NOW

from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.stops import active_stop
from ledger_guard.use_cases.approvals.stop import release, stop

pytestmark = [pytest.mark.airflow, pytest.mark.filterwarnings("default")]

STOP, RELEASE = "/ledger-guard/stop", "/ledger-guard/release"
OWN = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
WHY = "two tenants were paid twice"


@pytest.fixture
def people(board_client, login_of):
    """What each person sends from a browser: with the login cookie of the UI, as a form of the board's own page."""

    class Browser:
        def __init__(self, user: str) -> None:
            token = login_of(user)["Authorization"].removeprefix("Bearer ")
            self.cookie = {"Cookie": f"_token={token}"}

        def reads(self, address: str):
            return board_client.get(address, headers={**self.cookie, **OWN})

        def token(self, address: str) -> str:
            found = re.search(r'name="token" value="([^"]+)"', self.reads(address).text)
            assert found, "the page has no form"
            return found[1]

        def sends(self, address: str, reason: str = WHY, token: str | None = None, headers: dict | None = None):
            fields = {"reason": reason, "token": self.token(address) if token is None else token}
            sent = {**self.cookie, **(OWN if headers is None else headers)}
            return board_client.post(address, data=fields, headers=sent, follow_redirects=False)

    return Browser


def standing(world):
    with world.state.snapshot() as state:
        return active_stop(state.audit)


def test_who_may_start_runs_stops_the_guard_on_the_board_in_their_own_name(people, world):
    answer = people("oncall").sends(STOP)
    assert (answer.status_code, answer.headers["location"]) == (303, "./")
    found = standing(world)
    assert (found.stopped_by, found.is_proved, found.reason, found.since) == (("oncall",), True, WHY, NOW)
    assert people("viewer").reads("/ledger-guard/").text.count("Guard stopped since 2026-03-01T03:02:00Z by oncall") == 1


def test_a_second_person_who_is_an_approver_releases_it(people, world):
    people("oncall").sends(STOP)
    answer = people("payments-lead").sends(RELEASE, "it was a test payment")
    assert (answer.status_code, standing(world)) == (303, None)


@pytest.mark.parametrize(
    ("user", "says"),
    [
        pytest.param("oncall", "oncall stopped the guard; needed: another person", id="who stopped it"),
        pytest.param("admin", "admin is not an approver; allowed: ops-lead, payments-lead", id="who is no approver"),
    ],
)
def test_a_release_is_refused_as_anywhere_else_and_the_page_says_why(people, world, user, says):
    people("oncall").sends(STOP)
    answer = people(user).sends(RELEASE, "it was a test payment")
    assert answer.status_code == 409
    assert says in answer.text
    assert standing(world) is not None


@pytest.mark.parametrize("reason", ["", "short", "         x         ", "ninechars"])
def test_a_reason_that_is_too_short_is_answered_on_the_page_with_the_form_as_it_was(people, world, reason):
    answer = people("oncall").sends(STOP, reason)
    assert answer.status_code == 400
    assert "allowed: at least 10" in answer.text
    assert f">{reason}</textarea>" in answer.text
    assert 'name="token"' in answer.text
    assert standing(world) is None


def test_a_second_stop_is_refused(people, world):
    oncall = people("oncall")
    token = oncall.token(STOP)
    stop(world.deps, WHY, "anna", is_proved=True)
    assert oncall.sends(STOP, token=token).status_code == 403
    page = oncall.reads(STOP).text
    assert "stopped since 2026-03-01T03:02:00Z by anna" in page
    assert "<form" not in page


# --- who may not --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", [STOP, RELEASE])
def test_no_one_orders_anything_without_a_login(board_client, world, address):
    answer = board_client.post(address, data={"reason": WHY, "token": "x"}, headers=OWN, follow_redirects=False)
    assert (answer.status_code, standing(world)) == (401, None)


@pytest.mark.parametrize("address", [STOP, RELEASE])
def test_a_viewer_neither_sees_the_form_nor_is_obeyed(people, world, address):
    viewer, token = people("viewer"), people("oncall").token(STOP)
    for answer in (viewer.reads(address), viewer.sends(address, token=token)):
        assert answer.status_code == 403
        assert "the right to start runs of guard_stop" in answer.text
    assert standing(world) is None
    board = viewer.reads("/ledger-guard/").text
    assert 'href="stop"' not in board
    assert 'href="stop"' in people("oncall").reads("/ledger-guard/").text


def test_reading_an_address_changes_nothing_whatever_stands_in_it(people, world):
    oncall = people("oncall")
    assert oncall.reads(f"{STOP}?reason={WHY}&token={oncall.token(STOP)}").status_code == 200
    assert standing(world) is None


# --- forged forms -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, id="another site"),
        pytest.param({"Origin": "https://evil.example"}, id="another site, an old browser"),
        pytest.param({"Origin": "http://evil.testserver", "Sec-Fetch-Site": "same-site"}, id="a neighbour of the same site"),
        pytest.param({"Origin": "http://testserver:8081"}, id="another port"),
        pytest.param({"Origin": "http://testserver.evil.example"}, id="a name that begins alike"),
        pytest.param({"Origin": "null"}, id="a sandboxed frame"),
        pytest.param({"Origin": "http://testserver", "Sec-Fetch-Site": "cross-site"}, id="two that contradict each other"),
        pytest.param({"Sec-Fetch-Site": "none"}, id="typed by hand"),
        pytest.param({"Origin": "file://testserver"}, id="another scheme"),
        pytest.param({}, id="from nowhere"),
    ],
)
def test_attack_a_form_that_another_site_makes_the_browser_send_is_not_obeyed(people, world, headers):
    """Even with a token of that person: a page may leak."""
    answer = people("oncall").sends(STOP, headers=headers)
    assert (answer.status_code, standing(world)) == (403, None)


@pytest.mark.parametrize("header", ["Origin", "Sec-Fetch-Site"])
def test_one_of_the_two_headers_is_enough(people, world, header):
    people("oncall").sends(STOP, headers={header: OWN[header]})
    assert standing(world) is not None


def test_behind_a_proxy_the_configured_address_counts(people, world, monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.org/team")
    oncall = people("oncall")
    assert oncall.sends(STOP, headers={"Origin": "http://airflow.example.org"}).status_code == 403
    assert oncall.sends(STOP, headers={"Origin": "https://airflow.example.org"}).status_code == 303
    assert standing(world) is not None


@pytest.mark.parametrize("token", ["", "x", "WyJvbmNhbGwiXQ.abc.def"], ids=["none", "anything", "forged"])
def test_attack_a_form_without_its_token_is_not_obeyed(people, world, token):
    answer = people("oncall").sends(STOP, token=token)
    assert answer.status_code == 403
    assert "Load the page again" in answer.text
    assert standing(world) is None


def test_attack_the_token_of_another_person_is_not_obeyed(people, world):
    assert people("oncall").sends(STOP, token=people("payments-lead").token(STOP)).status_code == 403
    assert standing(world) is None


def test_attack_the_token_of_a_stop_releases_nothing(people, world):
    lead = people("payments-lead")
    token = lead.token(STOP)
    stop(world.deps, WHY, "anna", is_proved=True)
    assert lead.sends(RELEASE, token=token).status_code == 403
    assert standing(world) is not None


def test_a_form_about_an_earlier_stop_does_not_release_the_one_that_stands_now(people, world):
    stop(world.deps, WHY, "anna", is_proved=True)
    lead = people("payments-lead")
    token = lead.token(RELEASE)
    release(world.deps, "it was a test payment", "ops-lead", is_proved=True)
    world.wall_clock.advance(NOW - NOW.replace(minute=0))
    stop(world.deps, "now it is real money", "anna", is_proved=True)
    assert lead.sends(RELEASE, token=token).status_code == 403
    assert standing(world).reason == "now it is real money"


@pytest.mark.parametrize(("seconds", "status"), [(3599, 303), (3602, 403)])
def test_a_form_is_valid_for_an_hour(people, monkeypatch, seconds, status):
    oncall = people("oncall")
    token = oncall.token(STOP)
    later = time.time() + seconds
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: later)
    assert oncall.sends(STOP, token=token).status_code == status


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        pytest.param(b'{"reason": "two tenants were paid twice"}', "application/json", 415, id="JSON"),
        pytest.param(b"reason=x", "text/plain", 415, id="a text"),
        pytest.param(b"reason=" + b"x" * 70_000, "application/x-www-form-urlencoded", 413, id="too long"),
        pytest.param(b"reason=%ff%fe&token=%ff", "application/x-www-form-urlencoded", 400, id="no text"),
        pytest.param(b"\xff\xfe", "application/x-www-form-urlencoded", 400, id="no form"),
    ],
)
def test_what_is_no_form_of_the_board_is_refused(board_client, people, world, content, kind, status):
    headers = {**people("oncall").cookie, **OWN, "Content-Type": kind}
    assert board_client.post(STOP, content=content, headers=headers).status_code == status
    assert standing(world) is None


# --- the page -----------------------------------------------------------------------------------------------------------


def test_only_the_pages_with_a_form_may_send_one_and_only_to_this_site(people):
    oncall = people("oncall")
    assert "form-action 'self'" in oncall.reads(STOP).headers["Content-Security-Policy"]
    assert "frame-ancestors 'self'" in oncall.reads(STOP).headers["Content-Security-Policy"]
    assert "form-action 'none'" in oncall.reads("/ledger-guard/").headers["Content-Security-Policy"]


def test_the_form_works_without_a_script_and_is_not_read_again_while_somebody_writes(people):
    page = people("oncall").reads(STOP).text
    assert '<form method="post" action="stop">' in page
    assert 'http-equiv="refresh"' not in page
    assert "in your name: <b>oncall</b>" in page


def test_hostile_reasons_are_shown_as_text(people, world):
    hostile = '</textarea><script>alert("x")</script>'
    page = people("oncall").sends(STOP, hostile[:9]).text
    assert "&lt;/textare" in page
    stop(world.deps, hostile, "anna", is_proved=False)
    assert "<script>alert" not in people("oncall").reads(RELEASE).text


def test_a_guard_state_that_can_not_be_read_is_said_and_nothing_is_claimed(people, world, monkeypatch):
    oncall = people("oncall")
    token = oncall.token(STOP)

    def away():
        raise SourceUnavailable("guard state: connection refused")

    monkeypatch.setattr(world.state, "snapshot", away)
    answer = oncall.sends(STOP, token=token)
    assert answer.status_code == 503
    assert "connection refused" in answer.text


def test_a_person_whom_the_auth_manager_does_not_identify_orders_nothing(people, world, monkeypatch):
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    monkeypatch.setattr(SimpleAuthManagerUser, "get_name", lambda self: "Anonymous")
    answer = people("oncall").sends(STOP, token="x")
    assert (answer.status_code, standing(world)) == (403, None)
    assert "Who you are is not known" in answer.text
