"""The shipped ASGI middleware: real requests to a FastAPI application on a real uvicorn, and the log that it writes."""

from __future__ import annotations

import gzip
import importlib.util
import json
import logging
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from logged_requests import FUNDS, REQUESTS, Sent, player, webhook
from nginx_server import SHIPPED
from platform_stand_in import WEBHOOK, WITHDRAW, make_platform, serving, token
from starlette.testclient import TestClient
from starlette.websockets import WebSocket


@pytest.fixture(scope="module")
def shipped() -> ModuleType:
    """The module, loaded from its one file."""
    described = importlib.util.spec_from_file_location("ledger_guard_asgi", SHIPPED / "asgi/ledger_guard_asgi.py")
    assert described
    assert described.loader
    module = importlib.util.module_from_spec(described)
    sys.modules[described.name] = module
    described.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def logged(shipped, tmp_path_factory) -> Iterator[tuple[httpx.Client, Path]]:
    path = tmp_path_factory.mktemp("asgi") / "ledger_guard.log"
    app = make_platform()
    app.add_middleware(shipped.LedgerGuardLog, path=str(path))
    with serving(app) as url, httpx.Client(base_url=url) as client:
        yield client, path


def lines_of(logged: tuple[httpx.Client, Path], sent: Sent) -> tuple[httpx.Response, list[dict[str, Any]]]:
    client, path = logged
    before = path.read_text().count("\n") if path.exists() else 0
    answer = client.request(sent.method, sent.path, json=sent.json, content=sent.content, headers=sent.headers)
    # the line is written before the server takes the connection's next request
    client.get("/fine")
    lines = path.read_text().splitlines()[before:] if path.exists() else []
    return answer, [json.loads(line) for line in lines]


#: of a long answer this one reads nothing, for it needs all of it; and it can read compressed ones
OF_ITS_OWN = ("a megabyte behind the code", "compressed although nobody asked for it: not known")


@pytest.mark.parametrize("sent", [each for each in REQUESTS if each.id not in OF_ITS_OWN])
def test_a_request_is_logged_with_what_the_platform_knows_of_it(logged, sent):
    answer, lines = lines_of(logged, sent)
    assert answer.status_code == sent.status
    assert len(lines) == (0 if sent.logged is None else 1)
    for found in lines:
        assert {name: found.get(name) for name in sent.logged or {}} == sent.logged
        assert (found["method"], found["path"], found["status"]) == ("POST", sent.path.partition("?")[0], sent.status)
        assert (found["remote_addr"], len(found["request_id"])) == ("127.0.0.1", 32)
        assert abs(float(found["time"]) - time.time()) < 60


def test_the_code_of_an_answer_that_is_longer_than_4_kb_is_not_known(logged):
    answer, [line] = lines_of(logged, player(500, 400, FUNDS, "huge"))
    assert len(answer.json()["echo"]) == 1_000_000
    assert "error_code" not in line


def test_the_code_of_a_compressed_answer_is_read(logged):
    _, [line] = lines_of(logged, player(500, 400, FUNDS, "always compressed"))
    assert line["error_code"] == FUNDS


@pytest.mark.parametrize("form", ["a bomb", "no gzip", "cut"])
def test_a_compressed_answer_that_can_not_be_read_or_is_long_has_no_known_code(shipped, form):
    bomb = gzip.compress(b'{"detail": "' + b"x" * 10_000_000 + b'"}')
    content = {"a bomb": bomb, "no gzip": b"plain", "cut": gzip.compress(b'{"detail": "A_CODE"}')[:-9]}[form]
    seen = shipped._Seen({"type": "http", "headers": []}, is_webhook=True)
    seen.answer({"type": "http.response.start", "status": 401, "headers": [(b"Content-Encoding", b"gzip")]})
    seen.answer({"type": "http.response.body", "body": content})
    assert seen.error_code() is None


def test_an_application_that_breaks_is_logged_as_500_and_breaks_as_ever(logged):
    answer, [line] = lines_of(logged, player(500, 500, None, "breaks"))
    assert (answer.status_code, line["status"]) == (500, 500)


def test_a_line_has_ids_and_no_more(logged):
    _, [line] = lines_of(logged, player(500, 400, FUNDS))
    names = {"time", "tenant_id", "subject_id", "method", "path", "status", "error_code", "amount", "request_id", "remote_addr"}
    assert set(line) == names
    assert "role" not in json.dumps(line)
    assert "Kontostand" not in json.dumps(line)


@pytest.fixture
def played(shipped):
    """The middleware before an application, without a server: what a test hands in is how lines are written."""

    def call(write, **options):
        app = make_platform()
        app.add_middleware(shipped.LedgerGuardLog, write=write, **options)
        return TestClient(app, raise_server_exceptions=False)

    return call


def full(_line: str) -> None:
    raise OSError("No space left on device")


def test_a_log_that_can_not_be_written_breaks_no_request(played, caplog):
    with caplog.at_level(logging.ERROR, "ledger_guard"):
        sent = webhook(200, "")
        assert played(full).post(sent.path, json=sent.json, headers=sent.headers).status_code == 200
    assert "Ledger Guard's log can't be written" in caplog.text


def test_where_a_line_can_not_be_filled_one_that_can_not_be_read_names_the_path(played, shipped, monkeypatch):
    def broken(*_: object) -> str:
        raise RuntimeError

    monkeypatch.setattr(shipped, "_text", broken)
    lines: list[str] = []
    sent = webhook(200, "")
    assert played(lines.append).post(sent.path, json=sent.json, headers=sent.headers).status_code == 200
    assert lines == [f"ledger guard: no line for '{WEBHOOK}'"]


def test_paths_claims_and_fields_can_be_named(played):
    lines: list[str] = []
    names = {"tenant_claim": "casino", "subject_claim": "number", "tenant_field": "merchant"}
    client = played(lines.append, players=[WITHDRAW], webhooks=["/api/v1/payments/webhook/"], **names)
    headers = {"Authorization": f"Bearer {token(casino='north', number='p-9')}", "Idempotency-Key": "1"}
    client.post(WITHDRAW, json={"amount": 500}, headers=headers)
    client.post(WEBHOOK, json={"merchant": "south", "event_id": "e"})
    assert [(found["tenant_id"], found["subject_id"]) for found in map(json.loads, lines)] == [("north", "p-9"), ("south", "e")]


def test_without_a_path_lines_go_to_standard_output(played, capsys):
    played(None).post(WEBHOOK, json={"tenant_id": "acme"})
    assert json.loads(capsys.readouterr().out)["tenant_id"] == "acme"


def test_what_is_no_request_is_passed_on(shipped):
    app = make_platform()
    seen: list[str] = []

    @app.websocket(WITHDRAW)
    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("hello")
        await socket.close()

    app.add_middleware(shipped.LedgerGuardLog, write=seen.append)
    with TestClient(app).websocket_connect(WITHDRAW) as connection:
        assert connection.receive_text() == "hello"
    assert seen == []
