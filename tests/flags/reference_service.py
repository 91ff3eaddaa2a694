"""One instance that takes requests as the reference platform does: its bodies, its signature, its refusals."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ledger_sandbox.loopback import LoopbackServer, QuietHandler

SECRET = "a mockpsp secret of the tests"
TOKEN = "token of the canary player"
PLAYER = ("casino_tests", "canary-1")
WEBHOOK_PATH = "/api/v1/payments/webhook/mockpsp"
WITHDRAW_PATH = "/api/v1/player/wallet/withdraw"


class ReferenceService(LoopbackServer):
    """Obeys the attributes that a test sets; keeps what it was sent."""

    def __init__(self) -> None:
        self.enforces_signatures = False
        self.enforces_balance = False
        #: as in the snapshot: the check never finds the signature's header
        self.refuses_right_signatures = False
        self.received: list[tuple[str, dict[str, str], Any]] = []
        super().__init__(self._handler())

    def webhook(self, headers: dict[str, str], body: Any) -> tuple[int, Any]:
        """Signature first, then the fields, then whether tenant and player exist."""
        canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        right = hashlib.sha256((SECRET + canonical).encode()).hexdigest()
        is_right = headers.get("x-mockpsp-signature") == right and not self.refuses_right_signatures
        if self.enforces_signatures and not is_right:
            return 401, {"detail": {"error_code": "WEBHOOK_SIGNATURE_INVALID", "message": "bad"}}
        if not body.get("provider_event_id"):
            return 400, {"detail": {"error_code": "INVALID_WEBHOOK"}}
        if body.get("event_type") in ("deposit_captured", "withdraw_paid") and not {"tx_id", "tenant_id", "player_id"} <= set(
            body
        ):
            return 400, {"detail": {"error_code": "MISSING_IDS"}}
        if (body.get("tenant_id"), body.get("player_id")) != PLAYER:
            return 500, {"detail": "Internal Server Error"}
        return 200, {"status": "ok", "idempotent": False, "tx_id": None}

    def withdraw(self, headers: dict[str, str], body: Any) -> tuple[int, Any]:
        """Token first, then the form, then the funds."""
        if headers.get("authorization") != f"Bearer {TOKEN}":
            return 401, {"detail": "Not authenticated"}
        missing = [name for name in ("amount", "method", "address") if name not in body]
        if missing:
            return 422, {"detail": [{"loc": ["body", name], "msg": "Field required", "input": body} for name in missing]}
        if not isinstance(body["amount"], int | float):
            return 422, {"detail": [{"loc": ["body", "amount"], "msg": "should be a number"}]}
        if "idempotency-key" not in headers:
            return 400, {"detail": {"error_code": "IDEMPOTENCY_KEY_REQUIRED"}}
        if self.enforces_balance:
            return 400, {"detail": {"error_code": "INSUFFICIENT_FUNDS"}}
        return 201, {"status": "requested"}

    def _handler(self) -> type[QuietHandler]:
        service = self

        class Handler(QuietHandler):
            def do_POST(self) -> None:  # noqa: N802  http.server calls it so
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
                headers = {name.lower(): value for name, value in self.headers.items()}
                service.received.append((self.path, headers, body))
                answers = {WEBHOOK_PATH: service.webhook, WITHDRAW_PATH: service.withdraw}
                status, document = answers[self.path](headers, body) if self.path in answers else (404, {"detail": "Not Found"})
                self.send_content(status, json.dumps(document).encode())

        return Handler
