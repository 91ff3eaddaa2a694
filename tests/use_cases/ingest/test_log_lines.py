"""What becomes of one line of a log."""

import json
from datetime import datetime, timedelta

import pytest
from access_lines import COMBINED_LINE, JSON_LINE, NOW, POLICY, UTC, WEBHOOKS, WITHDRAW, line_events

from ledger_guard.adapters.access_log.combined import read_combined
from ledger_guard.adapters.access_log.json_lines import JsonLineReader
from ledger_guard.adapters.access_log.line_events import ADDRESS_MAX_CHARACTERS, LineEvents, _as_usual
from ledger_guard.adapters.access_log.line_fields import UnusableLine, read_moment
from ledger_guard.domain.access_events import AccessEvent, NamedTenants, safe_excerpt
from ledger_guard.domain.errors import BadInputError
from ledger_guard.policy.platform import AccessLogMapping

JSON = POLICY.access_log["ingress_json"]
COMBINED = POLICY.access_log["combined"]


def json_event(line, mapping=JSON, tenant_id=None):
    return line_events(mapping, tenant_id).event(JsonLineReader(mapping)(line), "line:1")


def changed(**fields):
    return json.dumps({**json.loads(JSON_LINE), **fields})


def combined_event(line, mapping=COMBINED, tenant_id=None):
    return line_events(mapping, tenant_id).event(read_combined(line), "line:1")


def test_a_json_line_becomes_an_event_without_its_query_string():
    found = json_event(JSON_LINE)
    assert found == AccessEvent(
        event_key=found.event_key,
        event_time=datetime(2026, 3, 1, 11, 0, 0, 250_000, UTC),
        tenant_id="casino_a",
        subject_id="p-1",
        method="POST",
        path=WITHDRAW,
        provider=None,
        status=400,
        error_code="INSUFFICIENT_FUNDS",
        error_code_is_known=True,
    )


def test_a_combined_line_becomes_an_event_whose_error_code_is_not_known():
    assert combined_event(COMBINED_LINE) == AccessEvent(
        event_key="line:1",
        event_time=datetime(2026, 3, 1, 11, 0, tzinfo=UTC),
        tenant_id="casino_a",
        subject_id=None,
        method="POST",
        path=WITHDRAW,
        provider=None,
        status=400,
        error_code=None,
        error_code_is_known=False,
    )


def test_nested_fields_are_found_by_dotted_names():
    mapping = AccessLogMapping(status="http.status", error_code="http.code", subject_id=None, request_id=None, provider=None)
    line = json.dumps(
        {
            "timestamp": "2026-03-01T11:00:00+00:00",
            "tenant_id": "a",
            "method": "GET",
            "path": "/x",
            "http": {"status": "404", "code": ""},
        }
    )
    event = json_event(line, mapping)
    assert (event.status, event.error_code, event.error_code_is_known) == (404, None, True)


def test_an_absent_error_code_field_says_nothing_while_an_empty_one_says_no_code():
    without = json.loads(JSON_LINE)
    del without["error_code"]
    assert json_event(json.dumps(without)).error_code_is_known is False
    assert json_event(changed(error_code=None)).error_code_is_known is True


def test_the_provider_of_a_webhook_is_read_from_its_path_when_the_line_has_none():
    assert json_event(changed(path="/api/v1/payments/webhook/mockpsp", provider=None)).provider == "mockpsp"
    assert json_event(changed(path="/api/v1/payments/webhook/mockpsp", provider="stripe")).provider == "stripe"
    assert json_event(JSON_LINE).provider is None


def call_from(address, path="/api/v1/payments/webhook/mockpsp", **mapped):
    mapping = JSON.model_copy(update=mapped)
    return json_event(changed(path=path, remote_addr=address), mapping).source_address


@pytest.mark.parametrize(
    ("found", "kept"),
    [
        pytest.param("203.0.113.7", "203.0.113.7", id="IPv4"),
        pytest.param(" 203.0.113.7 ", "203.0.113.7", id="blanks around it"),
        pytest.param("2001:DB8:0:0::0007", "2001:db8::7", id="IPv6 in its short form"),
        pytest.param("::ffff:203.0.113.7", "203.0.113.7", id="IPv4 as an IPv6 socket logs it"),
        pytest.param("0000:0000:0000:0000:0000:ffff:203.000.113.007", None, id="IPv4 with leading zeros"),
        pytest.param("0000:0000:0000:0000:0000:ffff:192.168.100.228", "192.168.100.228", id="as long as an address can be"),
        pytest.param(f"{'0' * 45}1", None, id="longer than any"),
        pytest.param("203.0.113.7:443", None, id="with a port"),
        pytest.param("203.0.113.7, 10.0.0.1", None, id="a list of proxies"),
        pytest.param("203.0.113.0/24", None, id="a network"),
        pytest.param("fe80::1%eth0", None, id="with a zone"),
        pytest.param("fe80::1%*all clear*", None, id="with words as its zone"),
        pytest.param("*all clear*", None, id="words"),
        pytest.param("-", None, id="a dash"),
        pytest.param("", None, id="nothing"),
        pytest.param(None, None, id="null"),
        pytest.param(3_405_803_783, None, id="a number"),
        pytest.param(["203.0.113.7"], "203.0.113.7", id="a list of one"),
        pytest.param(["203.0.113.7", "10.0.0.1"], None, id="a list"),
        pytest.param({"ip": "203.0.113.7"}, None, id="an object"),
    ],
)
def test_a_webhook_calls_address_is_kept_if_it_is_one_and_the_call_in_any_case(found, kept):
    assert call_from(found) == kept


@pytest.mark.parametrize(
    "path", [WITHDRAW, "/api/v1/payments/webhooks", "/api/v1/payments/adyen/webhook", "/api/v1/payments/webhook"]
)
def test_of_a_request_that_is_no_webhook_call_of_the_policys_no_address_is_kept(path):
    assert call_from("203.0.113.7", path) is None


def test_text_that_is_too_long_for_an_address_is_not_remembered():
    """Attack: whoever writes the field fills the memory, 64 KB a line."""
    _as_usual.cache_clear()
    for text, remembered in (("0" * (ADDRESS_MAX_CHARACTERS + 1), 0), ("0" * ADDRESS_MAX_CHARACTERS, 1)):
        assert call_from(text) is None
        assert _as_usual.cache_info().currsize == remembered


def test_a_webhook_call_may_be_one_path_alone_and_has_an_address_then_and_no_provider():
    whole = WEBHOOKS[0].model_copy(update={"path": "/hooks/psp", "path_is_prefix": False})
    events = LineEvents(JSON, None, NOW, [whole, *WEBHOOKS], NamedTenants(list))
    found = {}
    for path in ("/hooks/psp", "/hooks/psp/more", "/api/v1/payments/webhook/stripe"):
        event = events.event(JsonLineReader(JSON)(changed(path=path, remote_addr="203.0.113.7")), "line:1")
        found[path] = (event.source_address, event.provider)
    assert found == {
        "/hooks/psp": ("203.0.113.7", None),
        "/hooks/psp/more": (None, None),
        "/api/v1/payments/webhook/stripe": ("203.0.113.7", "stripe"),
    }


def test_a_path_that_two_rules_cover_still_tells_its_provider():
    whole = WEBHOOKS[0].model_copy(update={"path": "/api/v1/payments/webhook/stripe", "path_is_prefix": False})
    events = LineEvents(JSON, None, NOW, [whole, *WEBHOOKS], NamedTenants(list))
    line = changed(path="/api/v1/payments/webhook/stripe", remote_addr="203.0.113.7")
    assert events.event(JsonLineReader(JSON)(line), "line:1").provider == "stripe"


def test_a_mapping_that_names_no_address_keeps_none():
    assert AccessLogMapping().source_address is None
    assert call_from("203.0.113.7", source_address=None) is None
    assert combined_event(COMBINED_CALL, COMBINED.model_copy(update={"source_address": None})).source_address is None


COMBINED_CALL = COMBINED_LINE.replace(WITHDRAW, "/api/v1/payments/webhook/mockpsp")


@pytest.mark.parametrize(
    ("begins", "kept"),
    [
        pytest.param("", "10.0.0.9", id="first of its words"),
        pytest.param("casino.example.com:443 ", "10.0.0.9", id="behind the virtual host"),
    ],
)
def test_a_combined_line_has_the_address_at_a_place_of_its_own(begins, kept):
    assert combined_event(begins + COMBINED_CALL).source_address == kept
    assert combined_event(begins + COMBINED_LINE).source_address is None


def test_a_combined_line_may_name_a_host_instead():
    assert combined_event(COMBINED_CALL.replace("10.0.0.9", "client.example.com")).source_address is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("2026-03-01T11:00:00Z", datetime(2026, 3, 1, 11, tzinfo=UTC), id="zulu"),
        pytest.param("2026-03-01 11:00:00,5+02:00", datetime(2026, 3, 1, 9, 0, 0, 500_000, UTC), id="comma and offset"),
        pytest.param("2026-03-01T11:00:00.123456789-0130", datetime(2026, 3, 1, 12, 30, 0, 123_456, UTC), id="nanoseconds"),
        pytest.param("2026-03-01T11:00:00+01", datetime(2026, 3, 1, 10, tzinfo=UTC), id="hour offset"),
        pytest.param(1_772_362_800, datetime(2026, 3, 1, 11, tzinfo=UTC), id="epoch seconds"),
        pytest.param(1_772_362_800_000, datetime(2026, 3, 1, 11, tzinfo=UTC), id="epoch milliseconds"),
    ],
)
def test_a_timestamp_with_a_zone_is_read(text, expected):
    assert read_moment(text, assume_utc=False) == expected


def test_a_timestamp_without_a_zone_is_utc_only_when_the_mapping_says_so():
    with pytest.raises(UnusableLine, match="has no time zone"):
        read_moment("2026-03-01T11:00:00.123", assume_utc=False)
    assert read_moment("2026-03-01T11:00:00", assume_utc=True) == datetime(2026, 3, 1, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param("INFO: started server process", "not JSON", id="plain text"),
        pytest.param("[1, 2]", "not an object", id="not an object"),
        pytest.param("[" * 100_000, "not JSON", id="nested too deep"),
        pytest.param(changed(status=None), "has no field 'status'", id="no status"),
        pytest.param(changed(status=True), "status 'True'", id="status is a truth value"),
        pytest.param(changed(status=99), "status '99'", id="status below the range"),
        pytest.param(changed(status=600), "status '600'", id="status above the range"),
        pytest.param(changed(status=400.5), "status '400.5'", id="status with a fraction"),
        pytest.param(changed(method="PO ST"), "method 'PO ST'", id="method with a space"),
        pytest.param(changed(path="api"), "path does not begin with '/'", id="relative path"),
        pytest.param(changed(path="/" + "a" * 2048), "path has 2049 characters", id="endless path"),
        pytest.param(changed(path="/a\x00b"), "control characters", id="NUL in the path"),
        pytest.param(changed(tenant_id=None), "tenant is not known", id="null tenant"),
        pytest.param(changed(tenant_id="unknown"), "tenant is not known", id="the platform's word for no tenant"),
        pytest.param(changed(tenant_id="a%"), "not allowed", id="pattern as tenant"),
        pytest.param(changed(tenant_id="a" * 10_000), "is longer than 200", id="endless tenant"),
        pytest.param(changed(tenant_id={"a": 1}), "tenant is a dict", id="tenant is an object"),
        pytest.param(changed(tenant_id="a\ud800"), "control characters", id="lone surrogate"),
        pytest.param(changed(timestamp="yesterday"), "can't be read", id="no timestamp"),
        pytest.param(changed(timestamp="2026-02-30T00:00:00Z"), "is not a valid time", id="no such day"),
        pytest.param(changed(timestamp=1e300), "is not a valid time", id="epoch beyond time"),
        pytest.param(changed(timestamp="2026-03-01T12:00:01Z"), "is in the future", id="a second ahead of the clock"),
    ],
)
def test_an_unusable_json_line_is_refused_with_the_reason(line, reason):
    with pytest.raises(UnusableLine, match=reason):
        json_event(line)


def test_an_event_of_this_very_moment_is_not_in_the_future():
    assert json_event(changed(timestamp="2026-03-01T12:00:00Z")).event_time == NOW


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param("hello", "not a line of the combined", id="plain text"),
        pytest.param(COMBINED_LINE.replace("POST /t", "\\x16\\x03 /t"), "no HTTP request line", id="a TLS greeting"),
        pytest.param(COMBINED_LINE.replace("/t/casino_a", ""), "does not begin with /t/<tenant>/", id="no tenant prefix"),
        pytest.param(COMBINED_LINE.replace("Mar", "Mrz"), "can't be read", id="month of another language"),
        pytest.param(COMBINED_LINE.replace("01/Mar", "31/Feb"), "is not a valid time", id="no such day"),
        pytest.param(COMBINED_LINE.replace("2026", "2027"), "is in the future", id="next year"),
        pytest.param(COMBINED_LINE.replace('" 400 ', '" 600 '), "status '600'", id="no such status"),
    ],
)
def test_an_unusable_combined_line_is_refused_with_the_reason(line, reason):
    with pytest.raises(UnusableLine, match=reason):
        combined_event(line)


def test_the_common_format_without_referer_and_agent_is_read_too():
    assert combined_event(COMBINED_LINE.split(' "-"')[0]).status == 400


VIRTUAL_HOST = AccessLogMapping(tenant_from="virtual_host", error_code=None)


@pytest.mark.parametrize(
    ("host", "tenant"),
    [
        pytest.param("casino_a.pay.example:443", "casino_a", id="first label, port left out"),
        pytest.param("casino-b.example", "casino-b", id="without port"),
        pytest.param("casino_c", "casino_c", id="bare name"),
    ],
)
def test_the_tenant_can_be_the_first_label_of_the_virtual_host(host, tenant):
    assert combined_event(f"{host} {COMBINED_LINE}", VIRTUAL_HOST).tenant_id == tenant


def test_a_line_without_a_virtual_host_or_with_an_address_there_is_refused():
    with pytest.raises(UnusableLine, match="no virtual host"):
        combined_event(COMBINED_LINE, VIRTUAL_HOST)
    with pytest.raises(UnusableLine, match="is an address"):
        combined_event(f"10.0.0.1:80 {COMBINED_LINE}", VIRTUAL_HOST)


def test_a_given_tenant_is_that_of_every_line_and_leaves_the_path_whole():
    event = combined_event(COMBINED_LINE, tenant_id="casino_z")
    assert (event.tenant_id, event.path) == ("casino_z", f"/t/casino_a{WITHDRAW}")


@pytest.mark.parametrize("tenant", ["", "%", "a b", "x" * 10_000, "'; drop table player"])
def test_a_given_tenant_has_to_be_a_tenant_id(tenant):
    with pytest.raises(BadInputError, match="tenant id"):
        line_events(tenant_id=tenant)


def test_a_constant_tenant_has_to_be_named():
    with pytest.raises(BadInputError, match="--tenant T"):
        line_events(AccessLogMapping(tenant_from="constant"))


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        pytest.param('GET /a?api_key=abc123 "x"', "abc123", id="query string"),
        pytest.param('{"authorization": "Bearer abc.def-123", "a": 1}', "abc.def-123", id="authorization field"),
        pytest.param("Authorization: Bearer abc.def-123", "abc.def-123", id="bearer"),
        pytest.param('{"x-webhook-signature":"abc123=="}', "abc123", id="signature header"),
        pytest.param("WEBHOOK_SECRET_MOCKPSP=abc123", "abc123", id="environment"),
        pytest.param('{"body": "' + "k" * 48 + '"}', "k" * 48, id="long token under any name"),
    ],
)
def test_a_kept_excerpt_shows_no_secret(line, secret):
    assert secret not in safe_excerpt(line)


def test_a_kept_excerpt_has_at_most_200_printable_characters():
    found = safe_excerpt("a b\x00" * 10_000)
    assert len(found) == 200
    assert found.isprintable()


def test_an_event_time_is_never_later_than_the_clock_even_with_an_offset():
    late = (NOW + timedelta(minutes=1)).isoformat()
    with pytest.raises(UnusableLine, match="future"):
        json_event(changed(timestamp=late))


@pytest.mark.parametrize(
    ("stated", "cents"),
    [
        pytest.param(12.34, 1_234, id="a number"),
        pytest.param("12.34", 1_234, id="a text"),
        pytest.param(12.345, None, id="parts of a cent"),
        pytest.param(-5, None, id="negative"),
        pytest.param("1e400", None, id="without end as text"),
        pytest.param(float("inf"), None, id="without end"),
        pytest.param(float("nan"), None, id="NaN"),
        pytest.param(10**13, None, id="more than cents can be told of"),
        pytest.param(None, None, id="null"),
        pytest.param(True, None, id="a boolean"),
        pytest.param({"value": 5}, None, id="an object"),
    ],
)
def test_an_amount_that_can_not_be_read_is_not_known_and_its_request_still_counts(stated, cents):
    event = json_event(changed(amount=stated))
    assert (event.amount_cents, event.status, event.error_code) == (cents, 400, "INSUFFICIENT_FUNDS")


def test_an_amount_of_endless_digits_does_not_spoil_its_line():
    """Python refuses to read such a number, and a caller could hide its refusals behind it."""
    line = changed(amount=5).replace('"amount": 5', f'"amount": {"9" * 5_000}')
    event = json_event(line)
    assert (event.amount_cents, event.status, event.error_code) == (None, 400, "INSUFFICIENT_FUNDS")


def test_an_amount_is_read_where_the_mapping_says_and_nowhere_without_it():
    line = changed(amount=1, body={"sum": 5})
    assert json_event(line, JSON.model_copy(update={"amount": "body.sum"})).amount_cents == 500
    assert json_event(line, JSON.model_copy(update={"amount": None})).amount_cents is None
