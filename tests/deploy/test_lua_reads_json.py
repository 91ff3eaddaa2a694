"""The shipped Lua reads a body as the platform does: else a sender could name one tenant to it and another to the log."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nginx_server import running_nginx, why_there_is_none
from tests.folders import run_folder

READ = """location = /read { client_body_buffer_size 1m; content_by_lua_block {
    ngx.req.read_body()
    local fields = require "ledger_guard_fields"
    local body = ngx.req.get_body_data() or ""
    local found = fields.of_webhook(body, "tenant_id")
    found.error_code = fields.error_code(body, true, false)
    ngx.print(fields.line({"tenant_id", "subject_id", "amount", "error_code"}, found))
} }"""
KEYS = st.sampled_from(
    ["tenant_id", "provider_event_id", "event_id", "amount", "a", 'b"\\', "detail", "error_code", "code", "error"]
)
TEXTS = st.text(max_size=12) | st.sampled_from(["INSUFFICIENT_FUNDS", "\\", '"', "\\u0041", "\n", "\U0001f600", "\\n"])
LEAVES = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=12)


@pytest.fixture(scope="module")
def lua() -> Iterator[httpx.Client]:
    if why := why_there_is_none():
        pytest.skip(why)
    folder = run_folder("lua")
    with running_nginx(folder, "http://127.0.0.1:1", READ) as url, httpx.Client(base_url=url) as client:
        yield client
    shutil.rmtree(folder, ignore_errors=True)


def read(lua: httpx.Client, body: bytes) -> dict[str, str]:
    found: dict[str, str] = lua.post("/read", content=body).json()
    return found


def plain(found: object) -> str | None:
    """A text or a number as it is written; what has control characters or is long is none."""
    text = found if isinstance(found, str) else None
    short = text is not None and 0 < len(text.encode("utf-8", "replace")) <= 200
    return text if short and not any(ord(sign) < 32 or ord(sign) == 127 for sign in text or "") else None


def of_webhook(body: str) -> dict[str, str | None]:
    sent = json.loads(body, parse_float=str, parse_int=str)
    sent = sent if isinstance(sent, dict) else {}
    subject = plain(sent.get("provider_event_id")) or plain(sent.get("event_id"))
    return {"tenant_id": plain(sent.get("tenant_id")), "subject_id": subject, "amount": plain(sent.get("amount"))}


@settings(max_examples=300)
@given(content=st.dictionaries(KEYS, JSON, max_size=6) | JSON, is_ascii=st.booleans(), indent=st.sampled_from([None, 1, "\t"]))
def test_every_json_text_is_read_as_python_reads_it(lua, content, is_ascii, indent):
    body = json.dumps(content, ensure_ascii=is_ascii, indent=indent)
    found = read(lua, body.encode("utf-8", "surrogatepass"))
    assert {name: found.get(name) for name in ("tenant_id", "subject_id", "amount")} == of_webhook(body)


@settings(max_examples=300)
@given(content=st.binary(max_size=60) | st.text(alphabet='{}[]":,\\ut01-.eE \n', max_size=40).map(str.encode))
def test_no_content_breaks_it(lua, content):
    found = read(lua, content)
    assert found["error_code"] == "(none)"


@pytest.mark.parametrize(
    "body",
    [
        '{"tenant_id":"acme"} x', '{"tenant_id":"acme"', '{"tenant_id":"acme",}', '{"tenant_id":"ac\\xme"}',
        "{'tenant_id':'acme'}", '{"tenant_id":acme}', '["tenant_id","acme"]', '{"tenant_id":["acme"]}',
        '{"tenant_id":{"0":"acme"}}',         '{"tenant_id":true}', '{"tenant_id":"' + "a" * 201 + '"}',
        '{"a":' + "[" * 20 + "]" * 20 + ',"tenant_id":"acme"}',
        '{"tenant_id":"a\\u000ab"}',
    ],
)  # fmt: skip
def test_what_the_platform_would_not_take_for_a_tenant_is_none(lua, body):
    assert "tenant_id" not in read(lua, body.encode())


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"detail": {"error_code": "A_CODE", "code": "OTHER"}}, "A_CODE"),
        ({"detail": "A_CODE"}, "A_CODE"),
        ({"detail": "Not authenticated"}, "(none)"),
        ({"detail": [{"error_code": "A_CODE"}]}, "(none)"),
        ({"error_code": "A_CODE", "message": "x", "details": {}}, "A_CODE"),
        ({"error": {"code": "A_CODE"}}, "A_CODE"),
        ({"error": "A_CODE"}, "A_CODE"),
        ({"code": 17}, "17"),
        ({"message": "x"}, "(none)"),
        ([], "(none)"),
    ],
)
def test_the_codes_place_in_an_errors_body(lua, body, code):
    assert read(lua, json.dumps(body).encode())["error_code"] == code
