"""A stand-in for a flag server (docs/flag_stores.md) on the loopback interface, which misbehaves on demand."""

from __future__ import annotations

import json
import threading
from typing import Any

from ledger_sandbox.stub_server import QuietHandler, StubServer

TOKEN = "sandbox-flags"  # noqa: S105  names the stand-in, opens nothing


class FlagServerStandIn(StubServer):
    """Serves from `start` to `stop`.

    `misbehave` takes words, one a call: an HTTP status (`503`), `drop` (take the write, close without an answer), or
    `garbage` (200 and no JSON).
    """

    def __init__(self) -> None:
        self.scopes: dict[tuple[str, str], dict[str, Any]] = {}
        self.misbehave: list[str] = []
        #: idempotency keys of the writes that came, repeats included
        self.keys: list[str] = []
        self._answers: dict[str, tuple[int, dict[str, Any]]] = {}
        self.remembers_keys = True
        self._one_at_a_time = threading.Lock()
        super().__init__(self._handler())

    def document(self, flag: str) -> dict[str, Any]:
        """What it answers about a flag."""
        found = [{"tenant_id": tenant, **scope} for (name, tenant), scope in self.scopes.items() if name == flag]
        return {"flag": flag, "scopes": found}

    def change(self, flag: str, body: dict[str, Any], key: str) -> tuple[int, dict[str, Any]]:
        """Write all scopes or none; the same key gets the same answer again."""
        with self._one_at_a_time:
            self.keys.append(key)
            if self.remembers_keys and key in self._answers:
                return self._answers[key]
            for wanted in body["scopes"]:
                now = self.scopes.get((flag, wanted["tenant_id"]), {"is_enabled": None, "version": 0})
                if (now["is_enabled"], now["version"]) != (wanted["seen_is_enabled"], wanted["seen_version"]):
                    return 409, self.document(flag)
            for wanted in body["scopes"]:
                self.scopes[flag, wanted["tenant_id"]] = {
                    "is_enabled": body["is_enabled"],
                    "version": wanted["seen_version"] + 1,
                    "changed_by": body["changed_by"],
                    "change_reason": body["reason"],
                }
            self._answers[key] = (200, self.document(flag))
            return self._answers[key]

    def _handler(self) -> type[QuietHandler]:
        stand_in = self

        class Handler(QuietHandler):
            def do_GET(self) -> None:  # noqa: N802  http.server calls it so
                self._answer(lambda flag: (200, stand_in.document(flag)))

            def do_POST(self) -> None:  # noqa: N802  http.server calls it so
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                key = self.headers.get("Idempotency-Key", "")
                self._answer(lambda flag: stand_in.change(flag, body, key))

            def _answer(self, work: Any) -> None:
                if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                    self.send_content(401, b"{}")
                    return
                word = stand_in.misbehave.pop(0) if stand_in.misbehave else ""
                if word.isdigit():
                    self.send_content(int(word), b"{}")
                    return
                status, document = work(self.path.split("/")[3])
                if word == "drop":
                    self.close_connection = True
                    return
                self.send_content(status, b"<html>sign in</html>" if word == "garbage" else json.dumps(document).encode())

        return Handler
