"""An application that answers withdrawals and webhooks as the platform does, on a real uvicorn."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import hmac
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from ledger_sandbox.airflow_api import wait_for

WITHDRAW, WEBHOOK = "/api/v1/player/wallet/withdraw", "/api/v1/payments/webhook/mockpsp"
_KEY = b"stand-in"


def token(tenant: str = "acme", player: str = "p-1", *, key: bytes = _KEY, **claims: object) -> str:
    """A bearer token of a player."""
    parts = [{"alg": "HS256", "typ": "JWT"}, {"sub": player, "tenant_id": tenant, "role": "player", **claims}]
    encoded = ".".join(_encoded(json.dumps(part, ensure_ascii=False).encode()) for part in parts)
    return f"{encoded}.{_encoded(hmac.digest(key, encoded.encode(), hashlib.sha256))}"


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _claims(request: Request) -> dict[str, Any]:
    kind, _, found = request.headers.get("authorization", "").partition(" ")
    head, _, signature = found.rpartition(".")
    expected = _encoded(hmac.digest(_KEY, head.encode(), hashlib.sha256))
    if kind != "Bearer" or signature != expected:
        raise HTTPException(401, "Could not validate credentials")
    payload = head.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def _refused(request: Request, status: int, detail: object, **more: object) -> Response:
    """An error, in the form that the caller asks for: as a server may send it."""
    content = json.dumps({"detail": detail, **more}).encode()
    form = request.headers.get("x-form", "")
    if form == "always compressed":
        return Response(gzip.compress(content), status, {"Content-Encoding": "gzip"}, "application/json")
    if form == "chunked":
        return StreamingResponse(_pieces(content), status, media_type="application/json")
    if form == "huge":
        return JSONResponse({"detail": detail, "echo": "x" * 1_000_000}, status)
    if form == "huge, the code last":
        return JSONResponse({"echo": "x" * 1_000_000, "detail": detail}, status)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(gzip.compress(content), status, {"Content-Encoding": "gzip"}, "application/json")
    return Response(content, status, media_type="application/json")


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for place in range(0, len(content), 7):
        yield content[place : place + 7]
        await asyncio.sleep(0)


def _paid(request: Request, asked: float) -> Response:
    if asked <= 0:
        return PlainTextResponse("amount must be positive", 400)
    if asked > 100:
        return _refused(request, 400, {"error_code": "INSUFFICIENT_FUNDS", "message": "Kontostand zu klein: 0 €"})
    return JSONResponse({"status": "requested", "error_code": "NOT_AN_ERROR"})


def make_platform() -> FastAPI:
    """The application."""
    app = FastAPI()

    @app.post(WITHDRAW)
    async def withdraw(request: Request) -> Response:
        _claims(request)
        if request.headers.get("x-form") == "breaks":
            raise RuntimeError("broken")
        if "idempotency-key" not in request.headers:
            return _refused(request, 400, {"error_code": "IDEMPOTENCY_KEY_REQUIRED"})
        return _paid(request, (await request.json())["amount"])

    @app.post("/api/v1/payments/webhook/{provider}")
    async def webhook(request: Request, provider: str) -> Response:
        await request.body()
        if request.headers.get("x-mockpsp-signature") != "good":
            if provider == "adyen":
                return _refused(request, 401, "WEBHOOK_SIGNATURE_INVALID")
            return _refused(request, 401, {"error_code": "WEBHOOK_SIGNATURE_INVALID", "message": "Invalid signature"})
        return JSONResponse({"status": "ok", "idempotent": False})

    @app.api_route("/{path:path}", methods=["GET", "POST", "HEAD"])
    async def anything(request: Request, path: str) -> Response:
        fine: tuple[object, int] = ({"fine": "x" * 1000}, 200)
        return JSONResponse(*(fine if request.method == "GET" else ({"detail": {"error_code": "INSUFFICIENT_FUNDS"}}, 400)))

    return app


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """The address of an application that real uvicorn serves."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_for(lambda: server.started, "uvicorn to be ready", 30, lambda _: None, every_seconds=0.02)
    host, port = server.servers[0].sockets[0].getsockname()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
