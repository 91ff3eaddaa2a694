"""A stand-in for the platform's HTTP service: serves flag values from its table and answers canary requests by them."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import psycopg

from ledger_sandbox.loopback import LoopbackServer, QuietHandler

_VALUE = """
    select is_enabled from rollout_flag
    where key = %(flag)s and tenant_id in (%(tenant_id)s, '*') order by (tenant_id = '*') limit 1
"""


def flag_table(uri: str) -> Callable[[str, str], bool]:
    """What the platform obeys, read from its table at each request."""

    def value_of(flag: str, tenant_id: str) -> bool:
        with psycopg.connect(uri) as connection:
            row = connection.execute(_VALUE, {"flag": flag, "tenant_id": tenant_id}).fetchone()
        return bool(row and row[0])

    return value_of


class PlatformService(LoopbackServer):
    """One instance, from `start` to `stop`.

    `GET /flags/F?tenant_id=T` gives `{"flag": {"is_enabled": …}}`. `POST /webhook` obeys webhook_signature_enforced, `POST
    /withdraw` obeys ledger_enforce_balance for a player whose wallet is empty. Set `pinned` for an instance that was not
    restarted.
    """

    def __init__(self, value_of: Callable[[str, str], bool], secret: str) -> None:
        self.value_of = value_of
        self.secret = secret
        #: values that this instance keeps serving, by flag
        self.pinned: dict[str, bool] = {}
        super().__init__(self._handler())

    def obeys(self, flag: str, tenant_id: str = "*") -> bool:
        """What this instance goes by."""
        return self.pinned.get(flag, self.value_of(flag, tenant_id))

    def webhook(self, body: bytes, signature: str) -> tuple[int, dict[str, object]]:
        """Refuse a wrong signature where signatures are enforced."""
        right = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        if self.obeys("webhook_signature_enforced") and not hmac.compare_digest(right, signature):
            return 401, {"detail": {"error_code": "WEBHOOK_SIGNATURE_INVALID"}}
        return 200, {"status": "accepted"}

    def withdraw(self, tenant_id: str) -> tuple[int, dict[str, object]]:
        """Refuse for want of funds where the wallet judges."""
        if self.obeys("ledger_enforce_balance", tenant_id):
            return 400, {"detail": {"error_code": "INSUFFICIENT_FUNDS"}}
        return 201, {"status": "requested"}

    def _handler(self) -> type[QuietHandler]:
        service = self

        class Handler(QuietHandler):
            def do_GET(self) -> None:  # noqa: N802  http.server calls it so
                address = urlsplit(self.path)
                tenant = parse_qs(address.query).get("tenant_id", ["*"])[0]
                self._send(200, {"flag": {"is_enabled": service.obeys(address.path.rpartition("/")[2], tenant)}})

            def do_POST(self) -> None:  # noqa: N802  http.server calls it so
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                if self.path == "/webhook":
                    self._send(*service.webhook(body, self.headers.get("X-Signature", "")))
                elif self.path == "/withdraw":
                    self._send(*service.withdraw(str(json.loads(body)["tenant_id"])))
                else:
                    self._send(404, {})

            def _send(self, status: int, document: dict[str, object]) -> None:
                self.send_content(status, json.dumps(document).encode())

        return Handler


def probes_section(instances: list[PlatformService], secret_env: str) -> dict[str, object]:
    """The policy's `probes` for these instances."""

    def asked(flag: str) -> dict[str, object]:
        urls = [f"{instance.base_url}/flags/{flag}" for instance in instances]
        return {"urls": urls, "value_at": "flag.is_enabled", "tenant_parameter": "tenant_id", "wait_seconds": 20}

    first = instances[0].base_url
    withdrawal = {"kind": "withdrawal", "url": f"{first}/withdraw", "tenant_id": "canary", "player_id": "canary-1"}
    return {
        "webhook_signature_enforced": {
            "instances": asked("webhook_signature_enforced"),
            "canary": {"kind": "webhook", "url": f"{first}/webhook", "secret_env": secret_env},
        },
        "ledger_enforce_balance": {"instances": asked("ledger_enforce_balance"), "canary": withdrawal},
    }
