"""Lines of AWS' Application Load Balancer, as its documentation shows them, with hosts and paths of a wallet."""

from dataclasses import replace

import pytest
from access_lines import WITHDRAW, line_events

from ledger_guard.adapters.access_log.alb import read_alb
from ledger_guard.adapters.access_log.line_fields import UnusableLine
from ledger_guard.adapters.access_log.log_file import AccessLogFile, guessed_format
from ledger_guard.policy.loader import load_policy, policy_path

TARGET = "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067"
REST = f'{TARGET} "Root=1-58337262-36d228ad5d99923122bbe354" "acme.wallet.example" "session-reused" 0'
AT = "2026-03-01T11:00:00.186641Z"


def line(
    request, *, kind="https", client="192.0.2.39:2817", statuses="400 400", agent="okhttp/4.9", tail="", times="0.000 0.001 0.000"
):
    head = f"{kind} {AT} app/my-loadbalancer/50dc6c495c0c9188 {client} 10.0.0.1:80 {times} {statuses} 34 366"
    end = f'2026-03-01T10:59:59.364000Z "forward" "-" "-" "10.0.0.1:80" "{statuses.split()[1]}" "-" "-"{tail}'
    return f'{head} "{request}" "{agent}" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 {REST} {end}'


HOST = "https://acme.wallet.example:443"
WITHDRAWAL = f"POST {HOST}{WITHDRAW}?token=s3cr3t HTTP/2.0"


@pytest.mark.parametrize("policy", sorted(policy_path().parent.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_line_becomes_the_event(policy, tmp_path):
    mapping = load_policy(policy).access_log["alb"]
    path = tmp_path / "alb.log"
    path.write_text(line(WITHDRAWAL) + "\n")
    assert guessed_format(path) == "alb"
    log = AccessLogFile(path, "alb", "alb", mapping, line_events(mapping))
    (found,) = log.entries()
    assert (found.tenant_id, found.method, found.path, found.status) == ("acme", "POST", WITHDRAW, 400)
    assert found.event_time.isoformat() == "2026-03-01T11:00:00.186641+00:00"
    assert (found.error_code, found.error_code_is_known, found.amount_cents, found.subject_id) == (None, False, None, None)
    assert log.not_knowable == (
        "no error codes in this format: it gives no readings for any trigger",
        "no player or webhook ids: the subjects of failures are not known",
    )


def event(text):
    mapping = load_policy().access_log["alb"]
    return line_events(mapping).event(read_alb(text), "line:1")


@pytest.mark.parametrize(
    ("client", "address"),
    [("203.0.113.7:443", "203.0.113.7"), ("[2001:db8::7]:443", "2001:db8::7"), ("2001:db8::7:443", "2001:db8::7"), ("-", None)],
)
def test_the_sender_of_a_webhook_is_kept_without_its_port(client, address):
    webhook = f"POST {HOST}/api/v1/payments/webhook/mockpsp HTTP/1.1"
    assert event(line(webhook, client=client, statuses="401 401")).source_address == address


@pytest.mark.parametrize(
    "differs",
    [
        {"kind": "http"},
        {"kind": "h2"},
        {"kind": "grpcs"},
        {"agent": r"say \x22hi\x22 \"there\" 'x'"},
        {"agent": "-"},
        {"tail": " TID_1234abcd5678ef90"},
        {"tail": ' TID_1 "transformed" "new field"'},
        {"statuses": "400 -", "times": "-1 -1 -1"},
    ],
    ids=str,
)
def test_the_same_request_is_read_however_the_rest_of_its_line_looks(differs):
    assert replace(event(line(WITHDRAWAL, **differs)), event_key="") == replace(event(line(WITHDRAWAL)), event_key="")


def test_status_is_what_the_client_got_not_what_the_target_said():
    assert event(line(WITHDRAWAL, statuses="504 200")).status == 504


def test_a_request_without_a_path_is_one_to_the_root():
    assert event(line(f"GET {HOST} HTTP/1.1")).path == "/"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (line("- http://my-loadbalancer:80- "), "no HTTP request line"),
        (line(WITHDRAWAL, statuses="- -"), "status"),
        (line(WITHDRAWAL)[:150], "is not a line of an Application Load Balancer"),
        (line(WITHDRAWAL).replace("acme.wallet.example:443", "192.0.2.1:443"), "is an address"),
        ('192.0.2.1 - - [01/Mar/2026:11:00:00 +0000] "GET / HTTP/1.1" 200 5', "is not a line of an Application Load Balancer"),
    ],
    ids=["a malformed request", "never answered", "cut off", "no host", "combined"],
)
def test_what_is_no_answered_request_says_why(text, why):
    with pytest.raises(UnusableLine, match=why):
        event(text)


def test_a_line_of_quotes_is_refused_at_once():
    with pytest.raises(UnusableLine):
        read_alb(line(WITHDRAWAL) + ' "' * 20_000 + "\\")
