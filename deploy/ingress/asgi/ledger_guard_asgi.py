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
import sys
import time
import uuid
import zlib
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

#: longest parts of bodies and tokens that are read
MOST_ERROR_BYTES, MOST_BODY_BYTES, MOST_TOKEN_BYTES = 4096, 16_384, 8192
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

    def unpack(self) -> None:
        """Replace a body that gzip compressed by its own first bytes."""
        unpacking = zlib.decompressobj(wbits=31)
        try:
            self._bytes = bytearray(unpacking.decompress(bytes(self._bytes), self._most))
        except zlib.error:
            self.is_cut = True
        self.is_cut = self.is_cut or not unpacking.eof

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


class _Seen:
    """A request, and what was seen of its answer."""

    def __init__(self, scope: Message, *, is_webhook: bool) -> None:
        self.scope, self.is_webhook = scope, is_webhook
        self.asked, self._error = _Kept(MOST_BODY_BYTES), _Kept(MOST_ERROR_BYTES)
        #: until something is answered, the server will say so
        self.status = 500
        self._encoding = ""

    def answer(self, message: Message) -> None:
        """Look at a message of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._encoding = _header(message, b"content-encoding").lower()
        elif message["type"] == "http.response.body" and self.status >= 400:
            self._error.add(message)

    def error_code(self) -> str | None:
        """See NO_CODE; None where it can't be known: the body is longer than what was kept, or compressed, but not by gzip."""
        if self.status < 400:
            return ""
        if self._encoding == "gzip":
            self._error.unpack()
        if self._encoding not in {"", "identity", "gzip"} or not self._error.is_whole:
            return None
        answer = self._error.read()
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
        seen = _Seen(scope, is_webhook=is_webhook)

        async def receive_and_keep() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                seen.asked.add(message)
            return message

        async def send_and_keep(message: Message) -> None:
            seen.answer(message)
            await send(message)

        try:
            await self._app(scope, receive_and_keep, send_and_keep)
        finally:
            self._log(seen)

    def _log(self, seen: _Seen) -> None:
        """A request never fails because of its log; where the line can't be filled, one that can't be read says so."""
        if not seen.is_webhook and seen.status in {401, 403}:
            return
        try:
            line = json.dumps(self._fields(seen))
        except Exception:  # noqa: BLE001  a player's request is worth more than its line
            _log.exception("no line for Ledger Guard's log")
            line = f"ledger guard: no line for {seen.scope.get('path')!r}"
        try:
            self._write(line)
        except Exception:  # noqa: BLE001  as above
            _log.exception("Ledger Guard's log can't be written")

    def _fields(self, seen: _Seen) -> dict[str, str | int]:
        sent = seen.asked.read()
        claims = None if seen.is_webhook else _claims(_header(seen.scope, b"authorization"))
        found: dict[str, str | int] = {
            "time": f"{time.time():.3f}",
            "tenant_id": _text(sent, self._tenant_field) if seen.is_webhook else _text(claims, self._tenant_claim),
            "subject_id": _text(sent, "provider_event_id", "event_id") if seen.is_webhook else _text(claims, self._subject_claim),
            "method": "POST",
            "path": seen.scope["path"],
            "status": seen.status,
            "amount": _text(sent, "amount"),
            "request_id": uuid.uuid4().hex,
            "remote_addr": (seen.scope.get("client") or ("",))[0],
        }
        code = seen.error_code()
        # left out where it is not known
        return found if code is None else {**found, "error_code": code}


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

        def write_out(line: str) -> None:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()

        return write_out

    def write(line: str) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        try:
            os.write(descriptor, line.encode() + b"\n")
        finally:
            os.close(descriptor)

    return write
