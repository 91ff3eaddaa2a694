"""The shipped nginx configuration: real requests through the real nginx package, and the log that it writes."""

from __future__ import annotations

import gzip
import json
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from logged_requests import FUNDS, REQUESTS, Sent, player, webhook
from nginx_server import running_nginx, why_there_is_none
from platform_stand_in import WEBHOOK, WITHDRAW, make_platform, serving, token
from tests.folders import run_folder

from ledger_sandbox.airflow_api import wait_for

LOCATIONS = """
    location /api/v1/payments/webhook/limited { return 429; }
    location /api/v1/payments/webhook/replaced {
        proxy_pass http://127.0.0.1:1; error_page 502 =401 /own.html;
    }
    location = /own.html { internal; return 401 "own words"; }
    location /api/v1/payments/webhook/broken {
        rewrite_by_lua_block { require("ledger_guard_fields").line = nil }
        proxy_pass http://127.0.0.1:1;
    }
"""


class Nginx:
    """A running one, and its log."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.client = httpx.Client(base_url=url)

    @property
    def log(self) -> list[str]:
        path = self.folder / "ledger_guard.log"
        return path.read_text().splitlines() if path.exists() else []

    def wait_for_line(self, text: str, after: int = 0) -> None:
        wait_for(lambda: any(text in line for line in self.log[after:]), "nginx's log", 10, lambda _: None, every_seconds=0.01)

    def lines_of(self, ask: Any, count: int) -> list[str]:
        """Lines that `ask` leads to; `count` are awaited, and of no more than these is there a sign after another request."""
        before = len(self.log)
        ask()
        marker = self.client.post(WEBHOOK, json={"tenant_id": "acme", "event_id": "marker"})
        assert marker.status_code == 401
        self.wait_for_line('"marker"', before)
        found = self.log[before:]
        assert len(found) == count + 1, found
        return found[:-1]


@pytest.fixture(scope="module")
def nginx() -> Iterator[Nginx]:
    if why := why_there_is_none():
        pytest.skip(why)
    folder = run_folder("nginx")
    with serving(make_platform()) as upstream, running_nginx(folder, upstream, LOCATIONS) as url:
        found = Nginx(url, folder)
        yield found
        found.client.close()
    shutil.rmtree(folder, ignore_errors=True)


def ask(nginx: Nginx, sent: Sent) -> httpx.Response:
    return nginx.client.request(sent.method, sent.path, json=sent.json, content=sent.content, headers=sent.headers)


@pytest.mark.parametrize("sent", REQUESTS)
def test_a_request_is_logged_with_what_the_platform_knows_of_it(nginx, sent):
    lines = nginx.lines_of(lambda: _answered(nginx, sent), 0 if sent.logged is None else 1)
    for line in lines:
        found = json.loads(line)
        assert {name: found.get(name) for name in sent.logged or {}} == sent.logged
        assert (found["method"], found["path"], found["status"]) == ("POST", sent.path.partition("?")[0], str(sent.status))
        assert (found["remote_addr"], len(found["request_id"])) == ("127.0.0.1", 32)
        assert abs(float(found["time"]) - time.time()) < 60


def _answered(nginx: Nginx, sent: Sent) -> None:
    assert ask(nginx, sent).status_code == sent.status


def test_the_client_gets_the_platforms_answer_and_the_platform_its_request(nginx):
    answer = ask(nginx, player(500, 400, FUNDS))
    assert answer.json() == {"detail": {"error_code": FUNDS, "message": "Kontostand zu klein: 0 €"}}
    huge = ask(nginx, player(500, 400, FUNDS, "huge"))
    assert len(huge.json()["echo"]) == 1_000_000
    assert ask(nginx, player(500, 400, None, "always compressed")).json()["detail"]["error_code"] == FUNDS
    elsewhere = nginx.client.get("/api/v1/elsewhere", headers={"Accept-Encoding": "gzip"})
    assert elsewhere.headers["Content-Encoding"] == "gzip"


def test_requests_over_one_connection_are_logged_one_by_one(nginx):
    host, port = urlsplit(nginx.url).hostname, urlsplit(nginx.url).port
    head = f"POST {WITHDRAW} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token()}\r\nIdempotency-Key: 1\r\n"
    bodies = ['{"amount": 500}', '{"amount": 50}', '{"amount": 500}']
    chunked = f"{head}Transfer-Encoding: chunked\r\n\r\n4\r\n{bodies[0][:4]}\r\nb\r\n{bodies[0][4:]}\r\n0\r\n\r\n"
    plain = [f"{head}Content-Length: {len(body)}\r\n\r\n{body}" for body in bodies[1:]]

    def pipelined() -> None:
        with socket.create_connection((host, port)) as connection:
            connection.sendall((chunked + "".join(plain)).encode())
            connection.settimeout(10)
            received = b""
            while received.count(b"HTTP/1.1 ") < 3:
                received += connection.recv(65536)

    found = [json.loads(line) for line in nginx.lines_of(pipelined, 3)]
    assert [(line["error_code"], line["amount"]) for line in found] == [(FUNDS, "500"), ("", "50"), (FUNDS, "500")]
    assert len({line["request_id"] for line in found}) == 3


def test_a_client_can_not_write_a_line_of_its_own(nginx):
    evil = 'x","tenant_id":"other\n{"forged":1}'
    body = {"provider_event_id": evil, "event_id": "evt", "tenant_id": "acme"}
    [line] = nginx.lines_of(lambda: ask(nginx, webhook(401, "", body)), 1)
    assert json.loads(line)["subject_id"] == "evt"
    strange = "/api/v1/payments/webhook/%22%0a%ff%5c"
    [line] = nginx.lines_of(lambda: nginx.client.post(strange, json={"tenant_id": "acme"}), 1)
    assert json.loads(line)["path"] == '/api/v1/payments/webhook/"\n?\\'


def test_the_path_is_the_one_that_the_platform_reads(nginx):
    """A client that writes it in another way is logged all the same."""
    headers = dict(player(500, 400, FUNDS).headers)
    other = WITHDRAW.replace("withdraw", "%77ithdraw")
    [line] = nginx.lines_of(lambda: nginx.client.post(other, json={"amount": 500}, headers=headers), 1)
    assert (json.loads(line)["path"], json.loads(line)["error_code"]) == (WITHDRAW, FUNDS)


def test_what_nginx_answers_itself_is_no_answer_of_the_platform(nginx):
    body = {"tenant_id": "acme"}
    [line] = nginx.lines_of(lambda: nginx.client.post("/api/v1/payments/webhook/limited", json=body), 1)
    assert (json.loads(line)["status"], json.loads(line)["error_code"]) == ("429", "(none)")
    [line] = nginx.lines_of(lambda: nginx.client.post("/api/v1/payments/webhook/replaced", json=body), 1)
    found = json.loads(line)
    assert (found["path"], found["status"]) == ("/api/v1/payments/webhook/replaced", "401")
    # nginx sent words of its own: what the platform said is not known
    assert "error_code" not in found


def test_where_a_line_can_not_be_filled_one_that_can_not_be_read_names_the_path(nginx, tmp_path):
    folder = run_folder("broken-nginx")
    with serving(make_platform()) as upstream, running_nginx(folder, upstream, LOCATIONS) as url:
        broken = Nginx(url, folder)
        path = "/api/v1/payments/webhook/broken%0a{%22forged%22:1}"
        broken.client.post(path, json={"tenant_id": "acme"})
        broken.wait_for_line("ledger guard")
        [line] = broken.log
        broken.client.close()
    shutil.rmtree(folder, ignore_errors=True)
    assert line.startswith("ledger guard: no line for /api/v1/payments/webhook/broken%0a")


def test_compressed_requests_are_passed_on_and_name_nobody(nginx):
    content = gzip.compress(b'{"tenant_id": "acme"}')
    headers = {"Content-Encoding": "gzip"}
    [line] = nginx.lines_of(lambda: nginx.client.post(WEBHOOK, content=content, headers=headers), 1)
    assert json.loads(line)["tenant_id"] == ""
