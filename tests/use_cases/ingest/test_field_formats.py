"""Lines as ingresses, containers and clients in the field write them."""

import json
from datetime import datetime, timedelta

import pytest
from access_lines import JSON_LINE, POLICY, UTC, WITHDRAW, line_events

from ledger_guard.adapters.access_log.json_lines import JsonLineReader
from ledger_guard.adapters.access_log.line_fields import UnusableLine, read_moment
from ledger_guard.adapters.access_log.log_file import LINE_MAX_BYTES, AccessLogFile, guessed_format
from ledger_guard.domain.access_events import AccessEvent, RejectedLine
from ledger_guard.domain.errors import BadInputError
from ledger_guard.policy.platform import AccessLogMapping

WEBHOOK = "/api/v1/payments/webhook/"
JSON = POLICY.access_log["ingress_json"]


def changed(**fields):
    return json.dumps({**json.loads(JSON_LINE), **fields})


def event(line, mapping=JSON):
    return line_events(mapping).event(JsonLineReader(mapping)(line), "line:1")


def entries(tmp_path, raw, line_format="jsonl", mapping=JSON):
    path = tmp_path / "access.log"
    path.write_bytes(raw if isinstance(raw, bytes) else raw.encode())
    return list(AccessLogFile(path, line_format, "ingress_json", mapping, line_events(mapping)).entries())


@pytest.mark.parametrize(
    "differs",
    [
        {"timestamp": "2026-03-01T11:00:01.250Z"},
        {"status": 200},
        {"path": "/api/v1/player/wallet/deposit"},
        {"method": "PUT"},
        {"tenant_id": "casino_b"},
        {"request_id": "req-00002"},
    ],
    ids=lambda differs: next(iter(differs)),
)
def test_a_client_that_sends_its_request_id_again_hides_no_answer(differs):
    assert event(changed(**differs)).event_key != event(JSON_LINE).event_key


def test_the_same_answer_has_the_same_key_however_its_line_is_written():
    assert event(changed(timestamp="2026-03-01T12:00:00.250000+01:00", status="400")).event_key == event(JSON_LINE).event_key


def test_fifty_refused_webhooks_with_one_request_id_are_fifty_events(tmp_path):
    lines = [changed(timestamp=f"2026-03-01T11:00:{second:02}Z", status=401, path=f"{WEBHOOK}mockpsp") for second in range(50)]
    assert len({each.event_key for each in entries(tmp_path, "\n".join(lines))}) == 50


@pytest.mark.parametrize(
    ("text", "agent"),
    [
        (r"Dalvik \xE3\x80\x80 Build", "Dalvik \u3000 Build"),
        (r"say \x22hi\x22", 'say "hi"'),
        (r"\xFF", "\ufffd"),
        (r"a\\x41", r"a\x41"),
    ],
    ids=["UTF-8", "a quote", "no UTF-8", "an escaped backslash"],
)
def test_hex_escapes_of_nginx_are_read(text, agent):
    line = JSON_LINE.replace('"p-1"', f'"{text}"')
    assert event(line).subject_id == (agent if agent.isprintable() else None)
    assert event(line).status == 400


@pytest.mark.parametrize(
    ("found", "microsecond"),
    [
        ("01/Mar/2026:19:00:00 +0800", 0),
        ("1772362800.25", 250_000),
        ("1772362800", 0),
        (1_772_362_800.25, 250_000),
        (1_772_362_800_250, 250_000),
        ("1772362800250", 250_000),
        (1_772_362_800_250_001, 250_001),
        (1_772_362_800_250_001_000, 250_001),
        ("1772362800250001000", 250_001),
    ],
)
def test_times_are_read_as_common_log_time_and_as_an_epoch_of_any_unit_in_numbers_or_text(found, microsecond):
    assert read_moment(found, assume_utc=False) == datetime(2026, 3, 1, 11, 0, 0, microsecond, UTC)


@pytest.mark.parametrize("found", ["20260301", "177236280", float("nan"), float("inf"), -1, 10**30, "32/Mar/2026:19:00:00 +0800"])
def test_a_date_without_signs_and_numbers_beyond_time_are_no_times(found):
    with pytest.raises(UnusableLine):
        read_moment(found, assume_utc=False)


def test_headers_that_are_lists_of_one_are_read():
    mapping = AccessLogMapping(
        event_time="ts", tenant_id="request.headers.X-Tenant-Id", method="request.method", path="request.uri", status="status",
        error_code="resp_headers.X-Error-Code", request_id=None, provider=None,
    )  # fmt: skip
    line = {
        "ts": 1_772_362_800.5,
        "request": {"method": "POST", "uri": f"{WITHDRAW}?x=1", "headers": {"X-Tenant-Id": ["acme"]}},
        "status": 400,
        "resp_headers": {"X-Error-Code": ["INSUFFICIENT_FUNDS"]},
    }
    found = event(json.dumps(line), mapping)
    assert (found.tenant_id, found.error_code, found.path) == ("acme", "INSUFFICIENT_FUNDS", WITHDRAW)
    line["request"]["headers"]["X-Tenant-Id"] = ["acme", "other"]
    with pytest.raises(UnusableLine, match="tenant is a list"):
        event(json.dumps(line), mapping)


@pytest.mark.parametrize("status", [200.0, "200.0", "200", 200])
def test_a_status_may_be_written_with_a_fraction(status):
    assert event(changed(status=status)).status == 200


@pytest.mark.parametrize("name", ["null", "undefined", "NULL", "unknown", "-", ""])
def test_words_for_nothing_name_no_tenant_and_hide_no_request(name):
    with pytest.raises(UnusableLine, match="tenant is not known") as refused:
        event(changed(tenant_id=name))
    assert not refused.value.may_hide
    with pytest.raises(UnusableLine):
        line_events(AccessLogMapping(tenant_from="path_prefix")).event(JsonLineReader(JSON)(changed(path=f"/t/{name}/x")), "")


@pytest.mark.parametrize("field", ["subject_id", "request_id", "provider"])
@pytest.mark.parametrize(
    "found", ["x" * 201, "a\x00b", ["a", "b"], {"a": 1}, True], ids=["long", "control", "list", "object", "bool"]
)
def test_what_a_client_may_choose_never_takes_its_request_out(field, found):
    kept = event(changed(**{field: found}))
    assert (kept.status, kept.error_code) == (400, "INSUFFICIENT_FUNDS")
    assert field == "request_id" or getattr(kept, field) is None


def test_an_error_code_that_is_none_of_a_text_is_not_known():
    kept = event(changed(error_code=["a", "b"]))
    assert (kept.error_code, kept.error_code_is_known) == (None, False)


WRAPPED = {
    "docker json-file": json.dumps({"log": JSON_LINE + "\n", "stream": "stdout", "time": "2026-03-01T11:00:00.1Z"}),
    "CRI": f"2026-03-01T11:00:01.123456789Z stdout F {JSON_LINE}",
    "CRI with a tag": f"2026-03-01T11:00:01.123456789+01:00 stderr F:x {JSON_LINE}",
    "docker compose": f"ingress-1  | {JSON_LINE}",
    "syslog of 2001": f"<190>Mar  1 11:00:01 edge-1 nginx: {JSON_LINE}",
    "syslog of 2009": f"<190>1 2026-03-01T11:00:01Z edge-1 nginx 12 - - {JSON_LINE}",
}


@pytest.mark.parametrize("line", WRAPPED.values(), ids=WRAPPED)
def test_a_wrapped_line_is_the_event_of_the_line_within(tmp_path, line):
    path = tmp_path / "wrapped.log"
    path.write_text(f"{line}\n")
    assert guessed_format(path) == "jsonl"
    assert entries(tmp_path, f"{line}\n") == entries(tmp_path, f"{JSON_LINE}\n")


def test_parts_of_a_line_are_put_together_by_stream(tmp_path):
    head, tail = JSON_LINE[:90], JSON_LINE[90:]
    cri = "\n".join(
        [
            f"2026-03-01T11:00:01.1Z stdout P {head}",
            f"2026-03-01T11:00:01.2Z stderr F {changed(subject_id='p-2')}",
            f"2026-03-01T11:00:01.3Z stdout F {tail}\n",
        ]
    )
    assert [each.subject_id for each in entries(tmp_path, cri)] == ["p-2", "p-1"]
    docker = [json.dumps({"log": part, "stream": "stdout", "time": "x"}) for part in (head, f"{tail}\n")]
    assert [each.subject_id for each in entries(tmp_path, "\n".join([*docker, ""]))] == ["p-1"]


def test_parts_without_an_end_grow_no_longer_than_a_line_may_be(tmp_path):
    part = "2026-03-01T11:00:01.1Z stdout P " + "x" * 40_000
    (found,) = entries(tmp_path, f"{part}\n{part}\n{part}\n")
    assert f"longer than {LINE_MAX_BYTES}" in found.reason


def test_a_line_behind_the_hole_that_copytruncate_leaves_is_read(tmp_path):
    for hole in (1, 1000, LINE_MAX_BYTES + 1, 3 * LINE_MAX_BYTES):
        (found,) = entries(tmp_path, b"\0" * hole + JSON_LINE.encode() + b"\n")
        assert isinstance(found, AccessEvent), hole
    assert entries(tmp_path, b"\0" * 200_000) == []


def test_a_cut_last_line_is_read_when_it_comes_whole_and_hides_nothing_till_then(tmp_path):
    first, cut = entries(tmp_path, f"{changed(subject_id='p-2')}\n{JSON_LINE[:150]}")
    assert isinstance(cut, RejectedLine)
    assert (cut.hides_request_to, "read again when it is whole" in cut.reason) == (None, True)
    again, whole = entries(tmp_path, f"{changed(subject_id='p-2')}\n{JSON_LINE}\n")
    assert (again, whole.subject_id) == (first, "p-1")


def test_one_json_array_is_refused_with_that_word(tmp_path):
    path = tmp_path / "array.json"
    for text in (f"[{JSON_LINE}]\n", f"[\n {JSON_LINE}\n]\n"):
        path.write_text(text)
        with pytest.raises(BadInputError, match="one JSON array; allowed: JSON Lines"):
            guessed_format(path)


BROKEN = JSON_LINE[:-1]


@pytest.mark.parametrize(
    ("line", "path"),
    [
        (BROKEN, WITHDRAW),
        (BROKEN.replace("/", "\\/"), WITHDRAW),
        (changed(status="none"), WITHDRAW),
        (changed(timestamp="2026-03-01T12:00:01Z"), WITHDRAW),
        (changed(tenant_id=None), WITHDRAW),
        (BROKEN.replace(WITHDRAW, f"{WEBHOOK}mockpsp"), WEBHOOK),
        (BROKEN.replace(WITHDRAW, "/healthz"), None),
        ("service.boot ok", None),
        (changed(tenant_id="x" * 300), None),
        (changed(tenant_id="a/b"), None),
        (changed(path=f"{WEBHOOK}{'x' * 3000}"), None),
    ],
    ids=[
        "not JSON", "escaped slashes", "no status", "from the future", "tenant not logged", "a webhook", "a health check",
        "noise", "a tenant that is too long", "a tenant that is none", "an endless path",
    ],
)  # fmt: skip
def test_a_line_may_hide_a_request_that_it_names_unless_whoever_calls_could_have_made_it_so(tmp_path, line, path):
    _, found = entries(tmp_path, f"{changed(subject_id='p-2')}\n{line}\n")
    assert isinstance(found, RejectedLine)
    assert found.hides_request_to == path


def test_an_unreadable_line_is_placed_by_its_own_time_or_else_by_the_line_before_it(tmp_path):
    eleven = datetime(2026, 3, 1, 11, 0, 0, 250_000, UTC)
    later = (eleven + timedelta(minutes=20)).isoformat()
    lines = [BROKEN, JSON_LINE, BROKEN, changed(timestamp=later, status="none")]
    before, _, behind, with_time = entries(tmp_path, "\n".join([*lines, ""]))
    assert (before.near, behind.near, with_time.near) == (None, eleven, eleven + timedelta(minutes=20))
