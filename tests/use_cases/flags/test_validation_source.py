"""The probe of the test environment, asked over HTTP."""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ledger_guard.adapters.validation.http_validation import HttpValidationSource
from ledger_guard.policy.loader import load_policy
from ledger_guard.policy.rollout import RestoreRules

FLAG = "webhook_signature_enforced"


class Answers(BaseHTTPRequestHandler):
    """`/204` is answered with 204, and so on; `/silent` never."""

    def do_GET(self) -> None:
        if self.path == "/silent":
            self.server.is_over.wait(10)  # type: ignore[attr-defined]
            return
        self.send_response(int(self.path.strip("/")))
        if self.path == "/302":
            self.send_header("Location", "/200")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.is_over = threading.Event()  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.is_over.set()  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()


def _ask(url: str, **changes: object):
    rules = RestoreRules.model_validate({"probes": {FLAG: {"url": url, "timeout_seconds": 0.5, **changes}}})
    return HttpValidationSource(load_policy().model_copy(update={"restore": rules})).ask(FLAG)


@pytest.mark.parametrize(
    ("path", "wanted", "passed", "words"),
    [
        pytest.param("/200", 200, True, "answered 200", id="as wanted"),
        pytest.param("/204", 204, True, "answered 204", id="another status that is wanted"),
        pytest.param("/500", 200, False, "answered 500; needed: 200", id="another status"),
        pytest.param("/302", 200, False, "answered 302; needed: 200", id="a redirect is no pass"),
    ],
)
def test_only_the_wanted_status_passes(address, path, wanted, passed, words):
    answer = _ask(f"{address}{path}", status=wanted)
    assert (answer.passed, answer.status, answer.words) == (passed, int(path.strip("/")), words)


def test_a_probe_that_does_not_answer_in_time_has_not_passed(address):
    answer = _ask(f"{address}/silent")
    assert (answer.passed, answer.status, answer.words) == (False, None, "did not answer (ReadTimeout)")


def test_a_probe_that_nothing_listens_at_has_not_passed():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        answer = _ask(f"http://127.0.0.1:{unused.getsockname()[1]}/")
    assert (answer.passed, answer.words) == (False, "did not answer (ConnectError)")


def test_a_flag_without_a_probe_is_asked_of_no_one():
    assert HttpValidationSource(load_policy()).ask(FLAG) is None
