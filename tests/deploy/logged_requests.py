"""Requests to the platform, and what the log for Ledger Guard has to say of each: whoever writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from platform_stand_in import WEBHOOK, WITHDRAW, token

FUNDS, SIGNATURE = "INSUFFICIENT_FUNDS", "WEBHOOK_SIGNATURE_INVALID"
#: a client that wants its own words in the log
LIES = {"X-Error-Code": "NOTHING_WRONG", "X-Tenant-Id": "another", "X-Subject-Id": "somebody", "X-Amount": "0.01"}


@dataclass(frozen=True)
class Sent:
    """A request, and fields of its line; `None`: the line has no such field. No fields: there is no line."""

    status: int
    logged: Mapping[str, str | None] | None
    path: str = WITHDRAW
    method: str = "POST"
    json: object = None
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def player(amount: object, status: int, code: str | None, form: str = "", key: str = "1", **changes: object) -> Sent:
    headers = {"Authorization": f"Bearer {token()}", "Idempotency-Key": key, "X-Form": form, **LIES}
    logged = {"tenant_id": "acme", "subject_id": "p-1", "amount": str(amount), "error_code": code}
    return Sent(**{"status": status, "logged": logged, "json": {"amount": amount}, "headers": headers, **changes})  # type: ignore[arg-type]


EVENT = {"provider_event_id": "evt-1", "event_type": "deposit_captured", "amount": 12.5, "tenant_id": "acme", "player_id": "p-1"}


def webhook(
    status: int, code: str | None, body: object = None, logged: Mapping[str, str | None] | None = None, **changes: object
) -> Sent:
    found = {"tenant_id": "acme", "subject_id": "evt-1", "amount": "12.5", "error_code": code} if logged is None else logged
    headers = {**LIES, "X-MockPSP-Signature": "good" if status == 200 else "bad"}
    sent = {"status": status, "logged": found, "path": WEBHOOK, "json": body or EVENT, "headers": headers}
    return Sent(**{**sent, **changes})  # type: ignore[arg-type]


def unreadable(content: bytes, tenant: str = "") -> Sent:
    return webhook(401, SIGNATURE, None, {"tenant_id": tenant, "error_code": SIGNATURE}, json=None, content=content)


def without(sent: Sent, name: str) -> dict[str, str]:
    return {key: value for key, value in sent.headers.items() if key != name}


_funds = player(500, 400, FUNDS)
#: a claim that needs its escapes read: a tenant's id is a text of any kind
_odd = token('a"\\ü€😀', "p\\/1")
REQUESTS = [
    pytest.param(player(50, 200, ""), id="a withdrawal that is paid: a code in a good answer is none"),
    pytest.param(_funds, id="short of funds"),
    pytest.param(player(19.99, 200, ""), id="an amount as it was written"),
    pytest.param(player(0, 400, "(none)"), id="an error without a code: somebody looked"),
    pytest.param(
        Sent(400, {"error_code": "IDEMPOTENCY_KEY_REQUIRED"}, json={"amount": 500}, headers=without(_funds, "Idempotency-Key")),
        id="another error of the same status",
    ),
    pytest.param(player(500, 400, FUNDS, "chunked"), id="an answer in pieces of seven bytes"),
    pytest.param(player(500, 400, FUNDS, "huge"), id="a megabyte behind the code"),
    pytest.param(player(500, 400, None, "huge, the code last"), id="a megabyte before the code: not known"),
    pytest.param(player(500, 400, None, "always compressed"), id="compressed although nobody asked for it: not known"),
    pytest.param(Sent(401, None, json={"amount": 500}), id="no token: nobody's"),
    pytest.param(
        Sent(401, None, json={"amount": 500}, headers={"Authorization": f"Bearer {token(key=b'forged')}"}),
        id="a forged token: nobody's, for anyone may claim any tenant",
    ),
    pytest.param(Sent(401, None, json={"amount": 5}, headers={"Authorization": "Bearer a.b.c"}), id="a token that is none"),
    pytest.param(
        player(500, 400, FUNDS, headers={**_funds.headers, "Authorization": f"Bearer {_odd}"},
               logged={"tenant_id": 'a"\\ü€😀', "subject_id": "p\\/1", "error_code": FUNDS}),
        id="a tenant of odd letters",
    ),
    pytest.param(player(500, 400, FUNDS, path=f"{WITHDRAW}?tenant_id=other", json={"amount": 500}), id="a query is not logged"),
    pytest.param(Sent(400, None, "/api/v1/elsewhere", json={}, headers=_funds.headers), id="another path"),
    pytest.param(Sent(405, None, WITHDRAW, "PUT", headers=_funds.headers), id="another method"),
    pytest.param(Sent(400, None, WITHDRAW, "HEAD", headers=_funds.headers), id="HEAD"),
    pytest.param(webhook(200, ""), id="a webhook that is taken"),
    pytest.param(webhook(401, SIGNATURE), id="a webhook that is refused"),
    pytest.param(webhook(401, SIGNATURE, path=WEBHOOK.replace("mockpsp", "adyen")), id="its code as a bare text"),
    pytest.param(
        webhook(401, SIGNATURE, {"event_id": "evt-2", "tenant_id": "acme", "text": "x" * 16_000},
                {"tenant_id": "acme", "subject_id": "evt-2", "amount": "", "error_code": SIGNATURE}),
        id="a webhook of 16 kB, with the other name of its id",
    ),
    pytest.param(
        webhook(401, SIGNATURE, {"tenant_id": "acme", "text": "x" * 17_000}, {"tenant_id": "", "error_code": SIGNATURE}),
        id="one of 17 kB names nobody",
    ),
    pytest.param(
        webhook(401, SIGNATURE, {"tenant_id": {"0": "acme"}, "amount": True, "event_id": ["e"]},
                {"tenant_id": "", "subject_id": "", "amount": "", "error_code": SIGNATURE}),
        id="fields that are no texts",
    ),
    pytest.param(unreadable(b'{"tenant_id":"acme"'), id="a body that is cut"),
    pytest.param(unreadable(b"\xff\xfe\x00"), id="a body of other bytes"),
    pytest.param(unreadable(b"[" * 16_000), id="a body that is deep"),
    pytest.param(unreadable(b'{"tenant_id":"a","tenant_id":"b"}', "b"), id="a name that comes twice: the last counts"),
]  # fmt: skip
