"""The board on guard state of another release: every route says what to do, and no order is taken."""

from __future__ import annotations

import pytest
from tests.other_releases import AHEAD, SENTENCES, everything_in, say
from tests.plugins.test_board_orders import OWN, WHY
from tests.plugins.test_board_page import BROWSER, ROUTES

pytestmark = [pytest.mark.airflow, pytest.mark.postgres, pytest.mark.filterwarnings("default")]

READING = [route for route in ROUTES if "/static/" not in route]


@pytest.fixture
def ahead(database_uri, monkeypatch) -> str:
    """Guard state of a newer release, behind the board's own connections."""
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER_DB", database_uri)
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER_GUARD_DB", database_uri)
    say(database_uri, AHEAD)
    return database_uri


@pytest.mark.parametrize("route", READING)
def test_each_route_says_what_to_do(airflow_client, login_of, ahead, route):
    answer = airflow_client.get(route, headers={**login_of("oncall"), **BROWSER})
    assert answer.status_code == 503
    assert SENTENCES["ahead"] in answer.text
    assert "it does not mean that all is quiet" in answer.text


def test_programs_get_the_sentence_as_json(airflow_client, login_of, ahead):
    answer = airflow_client.get("/ledger-guard/health", headers=login_of("viewer"))
    assert (answer.status_code, answer.json()) == (503, {"status": "unreadable", "detail": SENTENCES["ahead"]})


@pytest.mark.parametrize("order", ["stop", "release"])
def test_no_order_is_taken(airflow_client, login_of, ahead, order):
    before = everything_in(ahead)
    cookie = {"Cookie": f"_token={login_of('oncall')['Authorization'].removeprefix('Bearer ')}"}
    sent = {"reason": WHY, "token": "old"}
    answer = airflow_client.post(f"/ledger-guard/{order}", data=sent, headers={**cookie, **OWN}, follow_redirects=False)
    assert answer.status_code == 503
    assert SENTENCES["ahead"] in answer.text
    assert everything_in(ahead) == before
