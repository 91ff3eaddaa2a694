"""Servers that drip, flood or lie: no HTTP client of the guard waits longer or reads more than it says."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from ledger_guard.adapters.flag_probes.probes import HttpFlagProbes
from ledger_guard.adapters.http.bounded_http import MOST_BYTES, NoAnswer, ask
from ledger_guard.adapters.http.http_calls import HttpCaller
from ledger_guard.adapters.validation.http_validation import HttpValidationSource
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.flags import EVERYWHERE
from ledger_guard.policy.loader import load_policy
from ledger_guard.policy.probes import Probe
from ledger_guard.policy.rollout import RestoreRules

FLAG = "webhook_signature_enforced"
#: well above the time allowed, well below what a drip would take
AT_MOST_SECONDS = 3.0
ALLOWED_SECONDS = 0.3


class RawServer:
    """Answers each connection with what `pieces` says, and remembers what it was sent."""

    def __init__(self, pieces: Callable[[], Iterator[bytes]]) -> None:
        self._pieces = pieces
        self.is_over = threading.Event()
        self.received: list[bytes] = []
        self.sent = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/x"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            self.received.append(connection.recv(65_536))
            try:
                for piece in self._pieces():
                    connection.sendall(piece)
                    self.sent += len(piece)
                # closed with a part of the request unread, the connection is reset and what was sent is lost
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65_536):
                    pass
            except OSError:
                return

    def close(self) -> None:
        self.is_over.set()
        self._socket.close()


@pytest.fixture
def serve():
    servers: list[RawServer] = []

    def started(pieces: Callable[[RawServer], Iterator[bytes]]) -> RawServer:
        servers.append(RawServer(lambda: pieces(servers[0])))
        return servers[0]

    yield started
    for server in servers:
        server.close()


def whole(*pieces: bytes):
    return lambda _: iter(pieces)


def with_length(length: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % length


def drip(before: bytes, byte: bytes):
    """A byte every few milliseconds: each read has its answer in time, the whole never ends."""

    def pieces(server: RawServer) -> Iterator[bytes]:
        yield before
        while not server.is_over.wait(0.02):
            yield byte

    return pieces


DRIPS = [
    pytest.param(drip(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"), id="in a header"),
    pytest.param(drip(with_length(1_000_000), b" "), id="in the body"),
    pytest.param(drip(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"), id="of interim answers"),
]


@pytest.mark.parametrize("pieces", DRIPS)
def test_a_drip_ends_when_the_time_of_the_whole_request_is_up(serve, pieces):
    server, started = serve(pieces), time.monotonic()
    with pytest.raises(NoAnswer, match="ReadTimeout"):
        ask("GET", server.url, seconds=ALLOWED_SECONDS)
    assert time.monotonic() - started < AT_MOST_SECONDS


@pytest.mark.parametrize(("longer_by", "is_read"), [(-1, True), (0, True), (1, False)])
def test_a_body_is_read_up_to_the_limit_and_no_further(serve, longer_by, is_read):
    body = b"y" * (5_000 + longer_by)
    server = serve(whole(with_length(len(body)), body))
    if is_read:
        assert ask("GET", server.url, seconds=5, most_bytes=5_000).content == body
    else:
        with pytest.raises(NoAnswer, match="longer than 5000 bytes"):
            ask("GET", server.url, seconds=5, most_bytes=5_000)


def test_a_flood_without_end_is_cut_off_soon_after_the_limit(serve):
    def flood(server: RawServer) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
        while not server.is_over.is_set():
            yield b"z" * 65_536

    server = serve(flood)
    with pytest.raises(NoAnswer, match="longer"):
        ask("GET", server.url, seconds=5)
    # what the kernel buffers may be on its way already
    assert server.sent < MOST_BYTES + (64 << 20)


def test_a_compressed_body_is_neither_asked_for_nor_unpacked(serve):
    packed = b"\x1f\x8bnot unpacked"
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    server = serve(whole(head, packed))
    assert ask("GET", server.url, seconds=5).content == packed
    assert b"accept-encoding" not in server.received[0].lower()


def test_a_proxy_of_the_environment_is_not_used(serve, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert ask("GET", serve(whole(with_length(2), b"ok")).url, seconds=5).text == "ok"


def test_the_address_keeps_its_own_query_and_takes_parameters(serve):
    server = serve(whole(with_length(0)))
    ask("GET", f"{server.url}?a=1", seconds=5, parameters={})
    ask("GET", server.url, seconds=5, parameters={"tenant": "a b"})
    assert [line.split(b"\r\n")[0] for line in server.received] == [b"GET /x?a=1 HTTP/1.1", b"GET /x?tenant=a+b HTTP/1.1"]


def test_what_is_no_http_is_no_answer(serve):
    with pytest.raises(NoAnswer, match="RemoteProtocolError"):
        ask("GET", serve(whole(b"220 mail.example ESMTP\r\n")).url, seconds=5)


def caller(server: RawServer) -> None:
    with pytest.raises(SourceUnavailable, match=r"ReadTimeout|longer than"):
        HttpCaller(timeout_seconds=ALLOWED_SECONDS, attempts=2, sleep=lambda _: None).call("POST", server.url, body={})


def instance_probe(server: RawServer) -> None:
    asked = {"urls": [server.url], "value_at": "value", "timeout_seconds": ALLOWED_SECONDS}
    found = HttpFlagProbes({FLAG: Probe.model_validate({"instances": asked})}, {}).instances(FLAG, EVERYWHERE, True, once=True)
    assert found is not None
    assert not found[0].is_in_effect


def canary(server: RawServer) -> None:
    sent = {
        "kind": "withdrawal",
        "url": server.url,
        "body": {"amount": "{amount}"},
        "tenant_id": "casino",
        "player_id": "p",
        "timeout_seconds": ALLOWED_SECONDS,
    }
    found = HttpFlagProbes({FLAG: Probe.model_validate({"canary": sent})}, {}).canary(FLAG, EVERYWHERE, True)
    assert found is not None
    assert not found.is_in_effect


def restore_probe(server: RawServer) -> None:
    rules = RestoreRules.model_validate({"probes": {FLAG: {"url": server.url, "timeout_seconds": ALLOWED_SECONDS}}})
    answer = HttpValidationSource(load_policy().model_copy(update={"restore": rules})).ask(FLAG)
    assert answer is not None
    assert not answer.passed


@pytest.mark.parametrize("use", [caller, instance_probe, canary, restore_probe])
@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param(drip(with_length(1_000_000), b" "), id="drip"),
        pytest.param(whole(with_length(MOST_BYTES + 1), b" " * (MOST_BYTES + 1)), id="too long"),
    ],
)
def test_no_client_waits_for_a_drip_or_takes_a_flood_for_an_answer(serve, use, pieces):
    server, started = serve(pieces), time.monotonic()
    use(server)
    assert time.monotonic() - started < AT_MOST_SECONDS
