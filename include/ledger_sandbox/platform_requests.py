"""Requests as the platform takes them: bodies, webhook signature, player's token, and what is refused for its form."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ledger_sandbox.money_movements import WEBHOOK_STEPS, WebhookStep

Answer = tuple[int, dict[str, Any]]
Body = Mapping[str, Any]


class RefusedRequest(Exception):
    """A request that is answered without looking at anybody's money."""

    def __init__(self, status: int, detail: object) -> None:
        super().__init__(f"{status} {detail}")
        self.answer: Answer = (status, {"detail": detail})


def coded(status: int, error_code: str, message: str) -> RefusedRequest:
    """A refusal with the platform's error object."""
    return RefusedRequest(status, {"error_code": error_code, "message": message})


@dataclass(frozen=True)
class WithdrawalRequest:
    """A player's withdrawal."""

    tenant_id: str
    player_id: str
    cents: int
    idempotency_key: str


@dataclass(frozen=True)
class WebhookEvent:
    """An event of a payment provider; without a step it moves no money."""

    provider: str
    event_id: str
    event_type: str
    cents: int
    currency: str
    tenant_id: str | None
    player_id: str | None
    tx_id: str | None

    @property
    def step(self) -> WebhookStep | None:
        """What a money event moves."""
        return WEBHOOK_STEPS.get(self.event_type)


def parsed(content: bytes) -> dict[str, Any]:
    """The JSON object in a body. Raises RefusedRequest (422) when there is none."""
    try:
        body = json.loads(content)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise RefusedRequest(422, [{"type": "json_invalid", "loc": ["body"], "msg": "JSON decode error"}])
    return body


def mockpsp_signature(secret: str, body: Body) -> str:
    """What mockpsp puts into X-MockPSP-Signature: hex SHA-256 of the secret and the body's JSON, sorted, without blanks."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256((secret + canonical).encode()).hexdigest()


def webhook_event(provider: str, body: Body) -> WebhookEvent:
    """The event in a webhook's body; tenant and player are in there too, no header names them.

    Raises RefusedRequest: 400 INVALID_WEBHOOK without an event id, 400 MISSING_IDS where a money event does not say whose
    money it is.
    """
    event_id, event_type = body.get("provider_event_id") or body.get("event_id"), body.get("event_type") or body.get("type")
    if not event_id:
        raise coded(400, "INVALID_WEBHOOK", "provider_event_id is required")
    ids = {name: body.get(name) for name in ("tenant_id", "player_id", "tx_id")}
    if event_type in WEBHOOK_STEPS and not all(ids.values()):
        raise coded(400, "MISSING_IDS", "tx_id, tenant_id and player_id are required")
    cents = round(float(body.get("amount") or 0) * 100)
    return WebhookEvent(provider, str(event_id), str(event_type), cents, str(body.get("currency") or "USD"), **ids)


def withdrawal_request(headers: Mapping[str, str], body: Body) -> WithdrawalRequest:
    """The withdrawal that a player's token and body ask for; header names in lower case.

    Raises RefusedRequest: 401 without a token, 422 where a field is missing or the amount is no number, 400 without an
    idempotency key (with its code) and for an amount that is not above 0 (as plain text).
    """
    tenant_id, player_id = _claims(headers.get("authorization", ""))
    missing = [name for name in ("amount", "method", "address") if name not in body]
    if missing:
        raise RefusedRequest(422, [{"type": "missing", "loc": ["body", name], "msg": "Field required"} for name in missing])
    if isinstance(body["amount"], bool) or not isinstance(body["amount"], int | float):
        raise RefusedRequest(422, [{"type": "float_type", "loc": ["body", "amount"], "msg": "Input should be a valid number"}])
    if not headers.get("idempotency-key"):
        raise coded(400, "IDEMPOTENCY_KEY_REQUIRED", "Idempotency-Key is required")
    cents = round(body["amount"] * 100)
    if cents <= 0:
        raise RefusedRequest(400, "Amount must be positive")
    return WithdrawalRequest(tenant_id, player_id, cents, headers["idempotency-key"])


def player_token(tenant_id: str, player_id: str) -> str:
    """A player's bearer token, with the claims that an ingress can read: `tenant_id` and `sub`."""
    claims = _base64(json.dumps({"sub": player_id, "tenant_id": tenant_id}).encode())
    head = f"{_base64(json.dumps({'alg': 'HS256', 'typ': 'JWT'}).encode())}.{claims}"
    return f"{head}.{_base64(hmac.new(b'the sandbox signs for nobody', head.encode(), hashlib.sha256).digest())}"


def _claims(authorization: str) -> tuple[str, str]:
    scheme, _, token = authorization.partition(" ")
    try:
        claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        tenant_id, player_id = claims["tenant_id"], claims["sub"]
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
        raise RefusedRequest(401, "Not authenticated") from None
    if scheme.lower() != "bearer" or player_token(tenant_id, player_id) != token:
        raise RefusedRequest(401, "Not authenticated")
    return tenant_id, player_id


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
