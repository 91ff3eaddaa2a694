"""Each shipped mapping reads a line as its ingress writes it, whichever policy ships it."""

import json
from datetime import datetime

import pytest
from access_lines import UTC, WITHDRAW, line_events

from ledger_guard.adapters.access_log.json_lines import JsonLineReader
from ledger_guard.policy.loader import load_policy, policy_path

AT = datetime(2026, 3, 1, 11, 0, 0, 500_000, UTC)
SECONDS = AT.timestamp()
LINES = {
    "nginx_json": {
        "time": "2026-03-01T11:00:00.5+00:00",
        "tenant_id": "acme",
        "subject_id": "p-1",
        "method": "POST",
        "path": f"{WITHDRAW}?x=1",
        "status": "400",
        "error_code": "INSUFFICIENT_FUNDS",
        "request_id": "r-1",
        "amount": "19.99",
    },
    "caddy": {
        "ts": SECONDS,
        "request": {
            "remote_ip": "192.0.2.7",
            "method": "POST",
            "host": "other.wallet.example",
            "uri": f"{WITHDRAW}?x=1",
            "headers": {"X-Tenant-Id": ["acme"], "X-Request-Id": ["r-1"]},
        },
        "status": 400,
        "resp_headers": {"X-Error-Code": ["INSUFFICIENT_FUNDS"], "X-Subject-Id": ["p-1"], "X-Amount": ["19.99"]},
    },
    "traefik": {
        "StartUTC": "2026-03-01T11:00:00.500000000Z",
        "ClientHost": "192.0.2.7",
        "RequestMethod": "POST",
        "RequestPath": f"{WITHDRAW}?x=1",
        "DownstreamStatus": 400,
        "request_X-Tenant-Id": "acme",
        "request_X-Request-Id": "r-1",
        "downstream_X-Error-Code": "INSUFFICIENT_FUNDS",
        "downstream_X-Subject-Id": "p-1",
        "downstream_X-Amount": "19.99",
    },
    "envoy": {
        "start_time": "2026-03-01T11:00:00.500Z",
        "tenant_id": "acme",
        "subject_id": "p-1",
        "method": "POST",
        "path": f"{WITHDRAW}?x=1",
        "response_code": 400.0,
        "error_code": "INSUFFICIENT_FUNDS",
        "request_id": "r-1",
        "amount": "19.99",
    },
    "cloudflare": {
        "EdgeStartTimestamp": int(SECONDS * 10**9),
        "ClientRequestHost": "acme.wallet.example",
        "ClientIP": "192.0.2.7",
        "ClientRequestMethod": "POST",
        "ClientRequestURI": f"{WITHDRAW}?x=1",
        "EdgeResponseStatus": 400,
        "RayID": "r-1",
        "ResponseHeaders": {"x-error-code": "INSUFFICIENT_FUNDS", "x-subject-id": "p-1", "x-amount": "19.99"},
    },
}
LINES["caddy_host"] = {**LINES["caddy"], "request": {**LINES["caddy"]["request"], "host": "acme.wallet.example:443"}}


@pytest.mark.parametrize("policy", sorted(policy_path().parent.glob("*.yaml")), ids=lambda path: path.stem)
@pytest.mark.parametrize("name", sorted(LINES))
def test_a_line_of_a_named_ingress_becomes_the_event(policy, name):
    mapping = load_policy(policy).access_log[name]
    found = line_events(mapping).event(JsonLineReader(mapping)(json.dumps(LINES[name])), "line:1")
    assert (found.event_time, found.tenant_id, found.subject_id, found.amount_cents) == (AT, "acme", "p-1", 1999)
    assert (found.method, found.path, found.status) == ("POST", WITHDRAW, 400)
    assert (found.error_code, found.error_code_is_known, found.source_address) == ("INSUFFICIENT_FUNDS", True, None)


@pytest.mark.parametrize("name", sorted(LINES))
def test_a_line_without_the_error_codes_field_says_that_it_is_not_known(name):
    mapping = load_policy().access_log[name]
    text = json.dumps(LINES[name]).replace(mapping.error_code.rsplit(".", maxsplit=1)[-1], "Elsewhere")
    assert not line_events(mapping).event(JsonLineReader(mapping)(text), "line:1").error_code_is_known
