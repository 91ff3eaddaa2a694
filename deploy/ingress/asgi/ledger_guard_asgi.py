"""Writes Ledger Guard's log from within the platform: a line of JSON for each withdrawal and each webhook.

One file without any dependency, for Starlette, FastAPI and every other ASGI application. Outermost middleware:

    app.add_middleware(LedgerGuardLog, path="/var/log/platform/ledger_guard.log")

It never changes a request or an answer, never fails one, reads a bounded part of bodies, and writes ids, amounts and error codes
only: no names, no addresses but the caller's, no tokens. Each process appends whole lines to the file, which may be rotated.

The token's claims are read, not verified: the application does that. A request that it refuses with 401 or 403 is not logged.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import re
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

#: longest parts of bodies and tokens that are read
MOST_ERROR_BYTES, MOST_BODY_BYTES, MOST_TOKEN_BYTES = 4096, 65_536, 8192
#: an error without a code: somebody looked, and there is none
NO_CODE = "(none)"
_MOST_CHARACTERS = 200
_CODE = re.compile(r"[A-Z][A-Z0-9_]+")
_log = logging.getLogger("ledger_guard")


class _Kept:
    """The first bytes of a body."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._bytes = bytearray()
        self.is_ended = self.is_cut = False

    def add(self, message: Message) -> None:
        """Keep what a message has of it."""
        chunk = message.get("body", b"")
        room = self._most - len(self._bytes)
        self.is_cut = self.is_cut or len(chunk) > room
        self._bytes += chunk[:room]
        self.is_ended = not message.get("more_body", False)

    def read(self) -> Any:
        """The JSON in it; None where it is none, or not whole."""
        if not self.is_whole:
            return None
        try:
            return json.loads(bytes(self._bytes), parse_float=str, parse_int=str)
        except (ValueError, RecursionError):
            return None

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing."""
        return self.is_ended and not self.is_cut


class LedgerGuardLog:
    """ASGI middleware; see the module."""

    def __init__(
        self,
        app: App,
        path: str | None = None,
        *,
        players: Iterable[str] = ("/api/v1/player/wallet/withdraw",),
        webhooks: Iterable[str] = ("/api/v1/payments/webhook/",),
        tenant_claim: str = "tenant_id",
        subject_claim: str = "sub",
        tenant_field: str = "tenant_id",
        write: Callable[[str], None] | None = None,
    ) -> None:
        """Log POST requests to `players` (whole paths) and `webhooks` (what paths begin with), to `path` or by `write`.

        `write` gets a line without its end, and must not block. With neither, lines go to standard output.
        """
        self._app = app
        self._players, self._webhooks = frozenset(players), tuple(webhooks)
        self._tenant_claim, self._subject_claim, self._tenant_field = tenant_claim, subject_claim, tenant_field
        self._write = write or _writer(path)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Pass everything on unchanged, and log the request when it has been answered."""
        is_webhook = scope["type"] == "http" and scope["path"].startswith(self._webhooks)
        is_player = scope["type"] == "http" and scope["path"] in self._players
        if not (is_webhook or is_player) or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        asked, answered, answer = _Kept(MOST_BODY_BYTES), _Kept(MOST_ERROR_BYTES), {"status": 500, "is_compressed": False}

        async def receive_and_keep() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                asked.add(message)
            return message

        async def send_and_keep(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer["status"] = message["status"]
                answer["is_compressed"] = _header(message, b"content-encoding") not in ("", "identity")
            elif message["type"] == "http.response.body" and answer["status"] >= 400:
                answered.add(message)
            await send(message)

        try:
            await self._app(scope, receive_and_keep, send_and_keep)
        finally:
            self._log(
                scope, asked, answered, answer["status"], is_webhook=is_webhook, is_compressed=bool(answer["is_compressed"])
            )

    def _log(self, scope: Message, asked: _Kept, answered: _Kept, status: int, *, is_webhook: bool, is_compressed: bool) -> None:
        """A request never fails because of its log; where the line can't be filled, one that can't be read says so."""
        if not is_webhook and status in (401, 403):
            return
        try:
            line = json.dumps(self._fields(scope, asked, answered, status, is_webhook=is_webhook, is_compressed=is_compressed))
        except Exception:
            _log.exception("no line for Ledger Guard's log")
            line = f"ledger guard: no line for {scope.get('path')!r}"
        try:
            self._write(line)
        except Exception:
            _log.exception("Ledger Guard's log can't be written")

    def _fields(
        self, scope: Message, asked: _Kept, answered: _Kept, status: int, *, is_webhook: bool, is_compressed: bool
    ) -> dict[str, str | int]:
        sent = asked.read()
        claims = None if is_webhook else _claims(_header(scope, b"authorization"))
        code = "" if status < 400 else None if is_compressed else _error_code(answered)
        found: dict[str, str | int] = {
            "time": f"{time.time():.3f}",
            "tenant_id": _text(sent, self._tenant_field) if is_webhook else _text(claims, self._tenant_claim),
            "subject_id": _text(sent, "provider_event_id", "event_id") if is_webhook else _text(claims, self._subject_claim),
            "method": "POST",
            "path": scope["path"],
            "status": status,
            "amount": _text(sent, "amount"),
            "request_id": _header(scope, b"x-request-id")[:_MOST_CHARACTERS],
            "remote_addr": (scope.get("client") or ("",))[0],
        }
        # left out where it is not known
        return found if code is None else {**found, "error_code": code}


def _error_code(answered: _Kept) -> str | None:
    """See NO_CODE; None where the body is longer than what was kept."""
    if not answered.is_whole:
        return None
    answer = answered.read()
    detail, problem = (answer.get(key) if isinstance(answer, dict) else None for key in ("detail", "error"))
    return (
        _text(detail, "error_code", "code")
        or _bare(detail)
        or _text(answer, "error_code")
        or _text(problem, "error_code", "code")
        or _bare(problem)
        or _text(answer, "code")
        or NO_CODE
    )


def _bare(found: object) -> str:
    return found if isinstance(found, str) and len(found) <= _MOST_CHARACTERS and _CODE.fullmatch(found) else ""


def _text(found: object, *keys: str) -> str:
    """The first of these fields that is a text or a number; empty where none is."""
    for key in keys:
        value = found.get(key) if isinstance(found, dict) else None
        if isinstance(value, str) and 0 < len(value) <= _MOST_CHARACTERS and value.isprintable():
            return value
    return ""


def _claims(authorization: str) -> object:
    """The claims of a bearer token, unverified; None where there is none that can be read."""
    kind, _, token = authorization.partition(" ")
    parts = token.strip().split(".")
    if kind.lower() != "bearer" or len(parts) != 3 or len(token) > MOST_TOKEN_BYTES:
        return None
    try:
        return json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)), parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        return None


def _header(scope: Message, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope.get("headers", ()) if key.lower() == name), "")


def _writer(path: str | None) -> Callable[[str], None]:
    """Appends each line with one write: lines of several processes do not mix. A file that was rotated away is made anew."""
    if path is None:
        return lambda line: print(line, flush=True)

    def write(line: str) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        try:
            os.write(descriptor, line.encode() + b"\n")
        finally:
            os.close(descriptor)

    return write
