"""A stand-in for Slack on the loopback interface: the Web API calls that the guard uses, and a page to look at."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse

from ledger_sandbox.slack_page import channel_page
from ledger_sandbox.slack_rules import SlackRefusal
from ledger_sandbox.slack_workspace import BOT_USER_ID, PostedMessage, RateLimited, Workspace

_NO_SCRIPTS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
DEFAULT_CHANNELS = ("#ledger-ops",)
DEFAULT_TOKEN = "xoxb-sandbox"  # noqa: S105  names the stand-in, opens nothing


class SlackStandIn:
    """Serves on a port of its own from `start` to `stop`, in a thread of this process."""

    def __init__(
        self, *, host: str = "127.0.0.1", port: int = 0, token: str = DEFAULT_TOKEN, channels: Sequence[str] = DEFAULT_CHANNELS
    ) -> None:
        """Prepare; port 0 takes a free one at `start`."""
        self.token = token
        self.workspace = Workspace(channels)
        self._address = (host, port)
        self._socket: socket.socket | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def base_url(self) -> str:
        """Where it serves, without a slash at the end; the Web API is below `/api/`. Raises RuntimeError before `start`."""
        if self._socket is None:
            raise RuntimeError("Slack stand-in: is not running; allowed: call start first")
        host, port = self._socket.getsockname()[:2]
        return f"http://{host}:{port}"

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What was posted, oldest first, as `GET /messages` gives it."""
        return [message.as_json() for message in self.workspace.messages]

    def start(self) -> SlackStandIn:
        """Listen. Calls are taken from now on. Raises OSError when the port is in use."""
        self._socket = socket.create_server(self._address)
        config = uvicorn.Config(slack_app(self.workspace, self.token), log_level="warning", lifespan="off", ws="none")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="slack-stand-in", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening; what was posted stays in `messages`. Does nothing when it is not running."""
        if self._server is None or self._thread is None or self._socket is None:
            return
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()
        self._server = self._thread = self._socket = None

    def wait(self) -> None:
        """Stay until interrupted, then stop: for a process of its own."""
        try:
            if self._thread is not None:
                self._thread.join()
        except KeyboardInterrupt:
            self.stop()


def slack_app(workspace: Workspace, token: str) -> FastAPI:
    """The web application: Slack's calls below `/api/`, `GET /messages` and `GET /` for those who watch."""
    app = FastAPI(title="Stand-in for Slack", docs_url=None, redoc_url=None, openapi_url=None)
    calls: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
        "api.test": lambda _: {},
        "auth.test": lambda _: {"url": "http://localhost/", "team": "Sandbox", "user": "ledger-guard", "user_id": BOT_USER_ID},
        "chat.postMessage": lambda fields: _posted(workspace.post(fields)),
        "chat.update": lambda fields: {**_posted(workspace.update(fields)), "text": fields.get("text", "")},
    }

    @app.post("/api/{method}")
    async def call(method: str, request: Request) -> JSONResponse:
        try:
            fields = await _fields(request)
            _check_token(request, fields, token)
            return JSONResponse({"ok": True, **calls.get(method, _unknown)(fields)})
        except SlackRefusal as refusal:
            body: dict[str, Any] = {"ok": False, "error": refusal.error}
            if refusal.details:
                body["response_metadata"] = {"messages": [f"[ERROR] {detail}" for detail in refusal.details]}
            return JSONResponse(body)
        except RateLimited as limited:
            headers = {"Retry-After": str(limited.retry_after_seconds)}
            return JSONResponse({"ok": False, "error": "ratelimited"}, status_code=429, headers=headers)

    @app.post("/limits")
    async def limit(request: Request) -> JSONResponse:
        """Refuse on demand: a JSON object with any of `rate_limited_posts`, `retry_after_seconds`, `refuse_with`."""
        wanted = json.loads(await request.body())
        unknown = sorted(set(wanted) - set(vars(workspace.limits)))
        if unknown:
            allowed = ", ".join(vars(workspace.limits))
            return JSONResponse({"error": f"limits: {', '.join(unknown)} is unknown; allowed: {allowed}"}, status_code=400)
        vars(workspace.limits).update(wanted)
        return JSONResponse(vars(workspace.limits))

    @app.get("/messages")
    async def messages() -> JSONResponse:
        return JSONResponse([message.as_json() for message in workspace.messages])

    @app.get("/")
    async def page() -> HTMLResponse:
        return HTMLResponse(channel_page(workspace), headers=_NO_SCRIPTS)

    return app


def _unknown(_: Mapping[str, Any]) -> dict[str, Any]:
    raise SlackRefusal("unknown_method")


async def _fields(request: Request) -> dict[str, Any]:
    """The call's arguments, from a form or a JSON body."""
    body = (await request.body()).decode("utf-8", errors="replace")
    if request.headers.get("content-type", "").startswith("application/json"):
        try:
            fields = json.loads(body or "{}")
        except json.JSONDecodeError as error:
            raise SlackRefusal("invalid_json") from error
        if not isinstance(fields, dict):
            raise SlackRefusal("json_not_object")
        return fields
    return dict(parse_qsl(body))


def _check_token(request: Request, fields: Mapping[str, Any], token: str) -> None:
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    given = bearer if scheme.lower() == "bearer" else fields.get("token")
    if not given:
        raise SlackRefusal("not_authed")
    if given != token:
        raise SlackRefusal("invalid_auth")


def _posted(message: PostedMessage) -> dict[str, Any]:
    shown: dict[str, Any] = {"type": "message", "user": BOT_USER_ID, "text": message.text, "ts": message.ts}
    shown["blocks"] = message.blocks
    if message.thread_ts is not None:
        shown["thread_ts"] = message.thread_ts
    return {"channel": message.channel, "ts": message.ts, "message": shown}
