"""Each pager, built by the wiring as a task does, against a server that refuses what the real service refuses."""

from __future__ import annotations

import json
import threading
import traceback
from dataclasses import replace

import pytest
from tests.adapters.pagers.conftest import MATTER

from ledger_guard import wiring
from ledger_guard.adapters.memory.pager import InMemoryPager
from ledger_guard.adapters.pagers import bounded_call
from ledger_guard.adapters.pagers.messages import SlackPager
from ledger_guard.domain.errors import PagingFailed
from ledger_guard.policy.wake import WakeRules

pytestmark = pytest.mark.airflow

POLICIES = {
    "pagerduty": {"kind": "pagerduty", "connection": "pagerduty"},
    "opsgenie": {"kind": "opsgenie", "connection": "opsgenie", "priority": "P2"},
    "smtp": {"kind": "email", "connection": "smtp", "to": ["anna@example.com", "ops@example.com"]},
    "apprise": {"kind": "apprise", "connection": "apprise"},
    "slack": {"kind": "slack", "channel": "#ledger-ops", "mention": "<!subteam^S0ONCALL>"},
}
#: keep a state of their own under the matter's key
WITH_STATE = ["pagerduty", "opsgenie"]
SECRETS = ("integration-key", "api-key", "xoxb")


def built(kind: str):
    section = WakeRules.model_validate({"pagers": {"it": POLICIES[kind]}}).pagers["it"]
    return wiring._PAGERS[section.kind](section)


def told(service) -> str:
    """Everything that a service heard, as text."""
    return json.dumps(service.messages if hasattr(service, "messages") else service.heard, ensure_ascii=False)


@pytest.fixture(params=POLICIES)
def pager_and_service(request):
    return built(request.param), request.getfixturevalue(request.param)


def test_a_call_says_what_happens_and_where_to_look(pager_and_service):
    pager, service = pager_and_service
    pager.open(MATTER, again=False)
    for words in ("T1 insufficient_funds: severe", "40 refused", "http://airflow/plugin/ledger-guard"):
        assert words in told(service)


def test_that_somebody_took_it_and_that_it_is_over_are_told(pager_and_service):
    pager, service = pager_and_service
    pager.open(MATTER, again=False)
    pager.acknowledge(MATTER, "anna")
    pager.end(MATTER.key, "Ledger Guard: over", "The incident is resolved.")
    assert "anna" in told(service)
    assert "is resolved" in told(service)


@pytest.mark.parametrize("kind", WITH_STATE)
def test_one_key_opens_acknowledges_and_ends_it(request, kind):
    pager, service = built(kind), request.getfixturevalue(kind)
    pager.open(MATTER, again=False)
    pager.acknowledge(MATTER, "anna")
    pager.open(MATTER, again=True)
    pager.end(MATTER.key, "over", "The incident is resolved.")
    assert [heard[:2] for heard in service.heard] == [
        ("open", MATTER.key),
        ("acknowledge", MATTER.key),
        ("end", MATTER.key),
        ("open", MATTER.key),
        ("end", MATTER.key),
    ]


def test_what_is_too_long_for_a_service_is_cut(pager_and_service):
    pager, service = pager_and_service
    pager.open(replace(MATTER, title="A" * 5_000, text="B" * 100_000), again=False)
    assert "AAAA" in told(service)


def test_markup_of_a_title_or_a_text_stays_text_in_a_mail(smtp):
    built("smtp").open(MATTER, again=False)
    ((_, to, content),) = smtp.heard
    assert to == "anna@example.com,ops@example.com"
    assert "40 refused &amp; more &lt;script&gt;" in content
    assert '<a href="http://airflow/plugin/ledger-guard">Board</a>' in content


def test_a_line_break_in_a_title_adds_no_header_to_a_mail(smtp):
    built("smtp").open(replace(MATTER, title="severe\r\nBcc: mallory@example.com"), again=False)
    assert smtp.heard[0][1] == "anna@example.com,ops@example.com"


def test_a_call_in_slack_mentions_whom_the_policy_names_and_its_end_mentions_no_one(slack):
    pager = built("slack")
    pager.open(MATTER, again=False)
    pager.acknowledge(MATTER, "anna <!channel>")
    pager.end(MATTER.key, "over", "The incident is resolved.")
    assert [message["text"].count("<!") for message in slack.messages] == [1, 0, 0]


@pytest.mark.parametrize("kind", [each for each in POLICIES if each != "slack"])
def test_a_service_that_is_down_is_one_sentence_without_its_key(request, monkeypatch, kind):
    monkeypatch.setattr(bounded_call, "SECONDS", 1.0)
    service, pager = request.getfixturevalue(kind), built(kind)
    service.is_down = True
    with pytest.raises(PagingFailed) as failed:
        pager.open(MATTER, again=False)
    assert "\n" not in str(failed.value)
    assert not any(secret in str(failed.value) for secret in SECRETS)


@pytest.mark.parametrize("kind", POLICIES)
def test_a_connection_that_is_missing_is_one_sentence(monkeypatch, airflow_home, kind):
    with pytest.raises(PagingFailed) as failed:
        built(kind).open(MATTER, again=False)
    assert "\n" not in str(failed.value)


def test_a_service_that_never_answers_holds_nobody_up():
    never = threading.Event()
    with pytest.raises(PagingFailed, match="PagerDuty did not answer within 0 s"):
        bounded_call.bounded("PagerDuty", never.wait, seconds=0.05)
    never.set()


def test_the_pager_in_memory_refuses_and_takes_as_the_others_do():
    pager = InMemoryPager(fault="down")
    for call in (
        lambda: pager.open(MATTER, again=False),
        lambda: pager.acknowledge(MATTER, "anna"),
        lambda: pager.end(MATTER.key, "over", "why"),
    ):
        with pytest.raises(PagingFailed, match="down"):
            call()
    pager.fault = None
    pager.open(MATTER, again=False)
    assert [what for what, *_ in pager.heard] == ["open"]


@pytest.mark.parametrize("error", [SystemExit(0), KeyboardInterrupt(), ValueError("https://api.example.com/?key=s3cret")])
def test_a_client_that_ends_in_any_way_has_not_called(error):
    def ends():
        raise error

    with pytest.raises(PagingFailed, match=rf"PagerDuty refused the call \({type(error).__name__}\)") as failed:
        bounded_call.bounded("PagerDuty", ends)
    assert "s3cret" not in "".join(traceback.format_exception(failed.value)), "a task that fails prints the whole chain"


def test_a_channel_that_never_answers_holds_nobody_up(monkeypatch):
    monkeypatch.setattr(bounded_call, "SECONDS", 0.05)
    never = threading.Event()

    class Silent:
        def post(self, notice, thread):
            never.wait()

    with pytest.raises(PagingFailed, match="Slack did not answer within 0 s"):
        SlackPager(Silent(), "<!here>").open(MATTER, again=False)
    never.set()
