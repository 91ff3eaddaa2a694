"""The shipped Envoy filter: its file, run in nginx's LuaJIT on stand-ins for Envoy's handles. No real Envoy is run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml
from logged_requests import REQUESTS, Sent
from nginx_server import SHIPPED, running_nginx, why_there_is_none
from platform_stand_in import make_platform, serving
from tests.folders import run_folder

from ledger_guard.adapters.access_log.json_lines import JsonLineReader
from ledger_guard.policy.loader import load_policy


@pytest.fixture(scope="module")
def filtering() -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """The platform, and a filter that is told of a request and its answer."""
    if why := why_there_is_none():
        pytest.skip(why)
    folder = run_folder("envoy")
    shutil.copy(Path(__file__).with_name("envoy_handles.lua"), folder)
    shutil.copy(SHIPPED / "envoy/ledger_guard_envoy.lua", folder)
    filtered = f"""location = /filter {{ client_max_body_size 8m; client_body_buffer_size 8m; content_by_lua_block {{
        dofile("{folder}/ledger_guard_envoy.lua"); require("envoy_handles")()
    }} }}"""
    with (
        serving(make_platform()) as platform,
        running_nginx(folder, platform, filtered) as url,
        httpx.Client(base_url=platform, headers={"Accept-Encoding": "identity"}) as client,
        httpx.Client(base_url=url) as told,
    ):
        yield client, told
    shutil.rmtree(folder, ignore_errors=True)


def filtered(filtering: tuple[httpx.Client, httpx.Client], sent: Sent) -> dict[str, str]:
    platform, told = filtering
    request = platform.build_request(sent.method, sent.path, json=sent.json, content=sent.content, headers=sent.headers)
    with platform.stream(sent.method, sent.path, json=sent.json, content=sent.content, headers=sent.headers) as answer:
        answered = b"".join(answer.iter_raw())
    assert answer.status_code == sent.status
    asked = request.read()
    headers = {
        "X-Method": sent.method,
        "X-Path": sent.path,
        "X-Status": str(answer.status_code),
        "X-Asked-Bytes": str(len(asked)),
        "X-Authorization": request.headers.get("authorization", ""),
    }
    if "content-encoding" in answer.headers:
        headers["X-Encoding"] = answer.headers["content-encoding"]
    found: dict[str, str] = told.post("/filter", content=asked + answered, headers=headers).json()
    return found


#: how the log has what is empty elsewhere: empty texts are left out
EMPTY = {"tenant_id": "-", "error_code": "-", "subject_id": None, "amount": None}


@pytest.mark.parametrize("sent", REQUESTS)
def test_a_request_is_logged_with_what_the_platform_knows_of_it(filtering, sent):
    found = filtered(filtering, sent)
    assert (found.get("is_logged") == "yes") is (sent.logged is not None)
    assert "logged_error" not in found
    if sent.logged is not None:
        expected = {name: EMPTY[name] if text == "" else text for name, text in sent.logged.items()}
        assert {name: found.get(name) for name in expected} == expected
        assert (found["path"], found.get("accepts")) == (sent.path.partition("?")[0], None)


def test_what_can_not_be_read_leaves_its_field_out_and_is_logged(filtering):
    """A code that is left out is not known, a tenant that is left out is a line that the guard can't read: never health."""
    told, path = filtering[1], "/api/v1/payments/webhook/x"
    headers = {"X-Method": "POST", "X-Path": path, "X-Status": "401", "X-Asked-Bytes": "0", "X-Breaks": "yes"}
    found = told.post("/filter", content=b"", headers=headers).json()
    assert found.pop("logged_error").startswith("ledger guard: an answer can't be read: ")
    assert found == {"is_logged": "yes", "path": path}


def test_the_logs_fields_are_those_that_the_shipped_mapping_reads():
    shipped = yaml.safe_load((SHIPPED / "envoy/envoy.yaml").read_text())
    [log] = shipped["access_log"]
    names = log["typed_config"]["log_format"]["json_format"]
    mapping = load_policy().access_log["envoy"]
    whose = {mapping.event_time, mapping.tenant_id, mapping.subject_id, mapping.source_address, mapping.request_id}
    assert set(names) == whose | {mapping.method, mapping.path, mapping.status, mapping.error_code, mapping.amount}
    assert log["typed_config"]["log_format"]["omit_empty_values"] is True
    line = JsonLineReader(mapping)('{"start_time":"2026-03-01T12:00:00.000Z","method":"POST","path":"/x","response_code":401}')
    assert not line.error_code_is_known
