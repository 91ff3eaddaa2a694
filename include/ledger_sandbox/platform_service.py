"""A stand-in for the platform's HTTP service: one instance, with the platform's requests, answers and flags."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qs, urlsplit

import psycopg
from typing_extensions import Self

from ledger_sandbox.platform_books import PlatformBooks, Taken
from ledger_sandbox.platform_requests import (
    Answer,
    RefusedRequest,
    coded,
    mockpsp_signature,
    parsed,
    webhook_event,
    withdrawal_request,
)
from ledger_sandbox.stub_server import QuietHandler, StubServer
from ledger_sandbox.traffic import BAD_SIGNATURE, NO_FUNDS, WEBHOOK_PATH, WITHDRAW_PATH

#: tenant and player that canaries speak as
CANARY_PLAYER = ("canary", "canary-1")
SIGNATURES, BALANCE = "webhook_signature_enforced", "ledger_enforce_balance"
_FAILED: Answer = (500, {"error_code": "INTERNAL_ERROR", "message": "Internal server error", "details": {}})
_VALUE = """
    select is_enabled from rollout_flag
    where key = %(flag)s and tenant_id in (%(tenant_id)s, '*') order by (tenant_id = '*') limit 1
"""


def flag_table(uri: str) -> Callable[[str, str], bool]:
    """What the sandbox's flag table says, read anew at each call."""

    def value_of(flag: str, tenant_id: str) -> bool:
        with psycopg.connect(uri) as connection:
            row = connection.execute(_VALUE, {"flag": flag, "tenant_id": tenant_id}).fetchone()
        return bool(row and row[0])

    return value_of


class PlatformService(StubServer):
    """One instance, from `start` to `stop`.

    As on the platform its flags are one value for everybody, taken at `start` and again at `restart`, whatever is written
    between. With `follows_table` it reads them at each request and for each tenant, which the platform can't do: for a demo
    and tests in which nobody restarts instances. Set `pinned` for one of those that is to lag behind.

    `POST /api/v1/payments/webhook/PROVIDER` and `POST /api/v1/player/wallet/withdraw` are the platform's. With `books` they
    move money; without, every player has funds in the player row and none in the wallet, and nothing is kept. `GET
    /flags/F?tenant_id=T` gives `{"flag": {"is_enabled": …}}`: no route of the platform's.
    """

    def __init__(
        self,
        value_of: Callable[[str, str], bool],
        secret: str,
        *,
        follows_table: bool = False,
        books: PlatformBooks | None = None,
        shadow_write: bool = True,
    ) -> None:
        self.value_of = value_of
        self.secret = secret
        self.follows_table = follows_table
        self.books = books
        #: LEDGER_SHADOW_WRITE of this instance: whether webhooks move the wallet
        self.shadow_write = shadow_write
        #: the signature is looked up under a name that is never there: rightly signed webhooks are refused too
        self.check_is_broken = False
        #: values that an instance which follows the table keeps serving all the same, by flag
        self.pinned: dict[str, bool] = {}
        self._at_start: dict[str, bool] = {}
        super().__init__(self._handler())

    def start(self) -> Self:
        """Take the flags, and requests from now on."""
        self.restart()
        return super().start()

    def restart(self) -> None:
        """Take the flags anew, as a restarted process would; requests are answered meanwhile."""
        if not self.follows_table:
            self._at_start = {flag: self.value_of(flag, "*") for flag in (SIGNATURES, BALANCE)}

    def obeys(self, flag: str, tenant_id: str = "*") -> bool:
        """What this instance goes by."""
        if self.follows_table:
            return self.pinned.get(flag, self.value_of(flag, tenant_id))
        return self._at_start.get(flag, False)

    def payment_webhook(self, provider: str, headers: Mapping[str, str], content: bytes) -> Answer:
        """A provider's webhook. Only mockpsp's signatures are ever looked at."""
        body = parsed(content)
        if provider == "mockpsp" and self.obeys(SIGNATURES):
            signed = headers.get("x-mockpsp-signature", "")
            if self.check_is_broken or not hmac.compare_digest(mockpsp_signature(self.secret, body), signed):
                raise coded(401, BAD_SIGNATURE, "Invalid webhook signature")
        event = webhook_event(provider, body)
        taken = self.books.webhook(event, shadow_write=self.shadow_write) if self.books else Taken.NEW
        if taken is Taken.FAILED:
            return _FAILED
        return 200, {"status": "ok", "idempotent": taken is Taken.REPEATED, "tx_id": event.tx_id}

    def player_withdrawal(self, headers: Mapping[str, str], content: bytes) -> Answer:
        """A player's withdrawal; who that is stands in the token."""
        request = withdrawal_request(headers, parsed(content))
        wallet_is_judge = self.obeys(BALANCE, request.tenant_id)
        if self.books:
            taken = self.books.withdraw(request, wallet_is_judge=wallet_is_judge)
        else:
            taken = Taken.NO_FUNDS if wallet_is_judge else Taken.NEW
        if taken is Taken.FAILED:
            return _FAILED
        if taken is Taken.NO_FUNDS:
            raise coded(400, NO_FUNDS, "Insufficient funds")
        return 200, {"state": "requested", "amount": request.cents / 100}

    def answer(self, path: str, headers: Mapping[str, str], content: bytes) -> Answer:
        """What a POST gets; header names in lower case."""
        try:
            if path.startswith(WEBHOOK_PATH):
                return self.payment_webhook(path.removeprefix(WEBHOOK_PATH), headers, content)
            if path == WITHDRAW_PATH:
                return self.player_withdrawal(headers, content)
        except RefusedRequest as refused:
            return refused.answer
        return 404, {"detail": "Not Found"}

    def _handler(self) -> type[QuietHandler]:
        service = self

        class Handler(QuietHandler):
            def do_GET(self) -> None:  # noqa: N802  http.server calls it so
                address = urlsplit(self.path)
                tenant = parse_qs(address.query).get("tenant_id", ["*"])[0]
                self._send(200, {"flag": {"is_enabled": service.obeys(address.path.rpartition("/")[2], tenant)}})

            def do_POST(self) -> None:  # noqa: N802  http.server calls it so
                content = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                self._send(*service.answer(self.path, {name.lower(): value for name, value in self.headers.items()}, content))

            def _send(self, status: int, document: dict[str, object]) -> None:
                self.send_content(status, json.dumps(document).encode())

        return Handler


def probes_section(instances: Sequence[PlatformService], secret_env: str, token_env: str) -> dict[str, object]:
    """The policy's `probes` for these instances, with canaries of the platform's own form that book nothing."""

    def asked(flag: str) -> dict[str, object]:
        urls = [f"{instance.base_url}/flags/{flag}" for instance in instances]
        return {"urls": urls, "value_at": "flag.is_enabled", "tenant_parameter": "tenant_id", "wait_seconds": 20}

    first, (tenant_id, player_id) = instances[0].base_url, CANARY_PLAYER
    event = {"provider_event_id": "guard-{canary_id}", "event_type": "ledger_guard_canary", "amount": 0}
    webhook = {
        "kind": "webhook",
        "url": f"{first}{WEBHOOK_PATH}mockpsp",
        "secret_env": secret_env,
        "signature_scheme": "sha256_secret_sorted_json",
        "signature_header": "X-MockPSP-Signature",
        "refused_code": BAD_SIGNATURE,
        "body": {**event, "tenant_id": tenant_id, "player_id": player_id},
    }
    withdrawal = {
        "kind": "withdrawal",
        "url": f"{first}{WITHDRAW_PATH}",
        "tenant_id": tenant_id,
        "player_id": player_id,
        "token_env": token_env,
        "body": {"amount": "{amount}", "method": "bank", "address": "canary"},
    }
    return {
        SIGNATURES: {"instances": asked(SIGNATURES), "canary": webhook},
        BALANCE: {"instances": asked(BALANCE), "canary": withdrawal},
    }
