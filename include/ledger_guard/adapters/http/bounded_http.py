"""One HTTP request, bounded in time and size: what every HTTP client of the guard goes through."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from ssl import SSLContext
from typing import Any

import httpcore
import httpx

#: the longest body of an answer that is read; the guard's answers are flags, codes and small documents
MOST_BYTES = 1 << 20
_SEND_BYTES = 16_384


class NoAnswer(Exception):
    """Nothing that counts came back; `why` is a word for people such as `ReadTimeout`.

    Whether the other side did what it was asked is not known.
    """

    def __init__(self, why: str, *, may_pass: bool = True) -> None:
        super().__init__(why)
        self.why = why
        #: False when asking again would end the same way
        self.may_pass = may_pass


def ask(
    method: str,
    url: str,
    *,
    seconds: float,
    headers: Mapping[str, str] | None = None,
    parameters: Mapping[str, str] | None = None,
    json: Any = None,
    content: bytes | None = None,
    most_bytes: int = MOST_BYTES,
    clock: Callable[[], float] = time.monotonic,
) -> httpx.Response:
    """The answer, whatever its status. From connecting to the last byte it takes `seconds` at most, however it drips.

    Redirects are not followed, proxies of the environment are not used, and no compressed body is asked for or unpacked.
    Looking a host's name up is bounded by the resolver's own settings.

    Raises:
        NoAnswer: none in time, a broken connection, no HTTP, or a body of more than `most_bytes`.
    """
    # no parameters at all keep the address's own query; an empty mapping would take it away
    built = httpx.Request(
        method,
        url,
        params=parameters or None,
        headers={"User-Agent": "ledger-guard", **(headers or {})},
        json=json,
        content=content,
    )
    request = httpcore.Request(
        method,
        httpcore.URL(scheme=built.url.raw_scheme, host=built.url.raw_host, port=built.url.port, target=built.url.raw_path),
        headers=built.headers.raw,
        content=built.read(),
        # of each step; the backend shortens it to what is left of the whole
        extensions={"timeout": dict.fromkeys(("connect", "read", "write", "pool"), seconds)},
    )
    backend = _WithDeadline(clock() + seconds, clock)
    try:
        with httpcore.ConnectionPool(network_backend=backend) as pool:
            answer = pool.handle_request(request)
            try:
                body = _read(answer, most_bytes)
            finally:
                answer.close()
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
        raise NoAnswer(type(error).__name__) from error
    kept = [(name, value) for name, value in answer.headers if name.lower() == b"content-type"]
    return httpx.Response(answer.status, headers=kept, content=body, request=built)


def _read(answer: httpcore.Response, most_bytes: int) -> bytes:
    body = bytearray()
    for piece in answer.iter_stream():
        body += piece
        if len(body) > most_bytes:
            raise NoAnswer(f"the answer is longer than {most_bytes} bytes", may_pass=False)
    return bytes(body)


class _WithDeadline(httpcore.SyncBackend):
    """Sockets with one deadline over all steps: with timeouts per step a slow drip never ends."""

    def __init__(self, deadline: float, clock: Callable[[], float]) -> None:
        self._deadline = deadline
        self._clock = clock

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        left = self.left(timeout, httpcore.ConnectTimeout)
        return _Stream(super().connect_tcp(host, port, left, local_address, socket_options), self)

    def left(self, timeout: float | None, late: type[httpcore.TimeoutException]) -> float:
        """What a step may take; raises `late` when nothing is left."""
        left = self._deadline - self._clock()
        if left <= 0:
            raise late("the whole request took too long")
        return left if timeout is None else min(left, timeout)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, backend: _WithDeadline) -> None:
        self._inner = inner
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._backend.left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for first in range(0, len(buffer), _SEND_BYTES):
            piece = buffer[first : first + _SEND_BYTES]
            self._inner.write(piece, self._backend.left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._backend.left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left), self._backend)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
