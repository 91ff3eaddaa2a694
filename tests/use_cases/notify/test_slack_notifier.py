"""Slack's own ways to fail: each is a failed notification in one sentence, and none of them shows the token."""

from __future__ import annotations

import json
import socket
from dataclasses import replace

import pytest

from ledger_guard.adapters.notifiers.slack import SlackNotifier
from ledger_guard.domain.errors import NotificationFailed
from ledger_guard.domain.notices import Notice
from ledger_guard.entrypoints.airflow.slack import LONGEST_WAIT_SECONDS, slack_call

pytestmark = pytest.mark.airflow

TOKEN = "xoxb-token-of-the-tests"
NOTICE = Notice(
    "verify · T3", "It's <b>better</b> & 'done' in tenant caf\u00e9.", (("Tenants", "acme"),), (("Board", "http://b/x"),), "i-1"
)


@pytest.fixture
def notifier(slack_connection) -> SlackNotifier:
    return SlackNotifier(slack_call(slack_connection), "#ledger-ops")


def _connect(monkeypatch, **fields) -> None:
    connection = {"conn_type": "slack", "password": TOKEN, **fields}
    monkeypatch.setenv("AIRFLOW_CONN_SLACK_LEDGER_OPS", json.dumps({k: v for k, v in connection.items() if v is not None}))


def _failure(notifier: SlackNotifier) -> str:
    with pytest.raises(NotificationFailed) as caught:
        notifier.post(NOTICE, None)
    sentence = str(caught.value)
    assert TOKEN not in sentence
    assert "\n" not in sentence
    return sentence


def test_text_and_blocks_arrive_as_they_were_made(notifier, slack):
    ref = notifier.post(NOTICE, None)
    (message,) = slack.workspace.messages
    assert (message.channel, message.ts) == (ref.channel, ref.ts)
    assert message.text == "verify · T3: It's &lt;b&gt;better&lt;/b&gt; &amp; 'done' in tenant café."
    assert [block["type"] for block in message.blocks] == ["header", "section", "section", "section", "context"]


@pytest.mark.parametrize("is_loud", [False, True])
def test_a_loud_notice_stands_in_the_channel_as_well_as_in_its_thread(notifier, slack, is_loud):
    thread = notifier.post(NOTICE, None)
    notifier.post(replace(NOTICE, is_loud=is_loud), thread)
    assert [(message.thread_ts, message.is_broadcast) for message in slack.workspace.messages] == [
        (None, False),
        (thread.ts, is_loud),
    ]


def test_slack_is_asked_again_when_it_is_busy_for_a_moment(notifier, slack):
    slack.workspace.limits.rate_limited_posts = 2
    slack.workspace.limits.retry_after_seconds = 0
    notifier.post(NOTICE, None)
    assert len(slack.workspace.messages) == 1


def test_slack_is_not_asked_a_fourth_time(notifier, slack):
    slack.workspace.limits.rate_limited_posts = 3
    slack.workspace.limits.retry_after_seconds = 0
    assert _failure(notifier) == "Slack refused the notice for #ledger-ops: ratelimited"
    assert slack.workspace.messages == []


def test_a_wait_that_is_too_long_is_not_waited_for(notifier, slack):
    slack.workspace.limits.rate_limited_posts = 1
    slack.workspace.limits.retry_after_seconds = LONGEST_WAIT_SECONDS + 1
    assert _failure(notifier).endswith("ratelimited")


def test_an_unknown_channel_is_named(slack_connection):
    sentence = _failure(SlackNotifier(slack_call(slack_connection), "#nowhere"))
    assert sentence == "Slack refused the notice for #nowhere: channel_not_found"


def test_a_wrong_token_is_reported_without_showing_it(slack, monkeypatch):
    _connect(monkeypatch, extra={"base_url": f"{slack.base_url}/api/"})
    assert (
        _failure(SlackNotifier(slack_call("slack_ledger_ops"), "#ledger-ops"))
        == "Slack refused the notice for #ledger-ops: invalid_auth"
    )


def test_a_server_that_is_not_there_is_reported(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    _connect(monkeypatch, extra={"base_url": f"http://127.0.0.1:{port}/api/"})
    assert "Slack did not answer: ConnectionRefusedError" in _failure(
        SlackNotifier(slack_call("slack_ledger_ops"), "#ledger-ops")
    )


def test_something_else_than_slack_at_the_address_is_reported(slack, monkeypatch):
    _connect(monkeypatch, extra={"base_url": f"{slack.base_url}/"})
    assert "Slack" in _failure(SlackNotifier(slack_call("slack_ledger_ops"), "#ledger-ops"))


@pytest.mark.parametrize(
    "connection",
    [
        pytest.param(None, id="no connection"),
        pytest.param('{"conn_type": "slack"}', id="no token"),
        pytest.param('{"conn_type": "slack", "password": "' + TOKEN, id="broken JSON"),
    ],
)
def test_a_connection_that_is_missing_or_unusable_is_reported_by_its_name(monkeypatch, connection):
    if connection is None:
        monkeypatch.delenv("AIRFLOW_CONN_SLACK_LEDGER_OPS", raising=False)
    else:
        monkeypatch.setenv("AIRFLOW_CONN_SLACK_LEDGER_OPS", connection)
    sentence = _failure(SlackNotifier(slack_call("slack_ledger_ops"), "#ledger-ops"))
    assert sentence.startswith("the Airflow connection slack_ledger_ops is missing or unusable")
    assert sentence.endswith("allowed: a connection of type slack with the token as password")


def test_the_token_is_in_no_representation(notifier):
    notifier.post(NOTICE, None)
    assert "xoxb" not in repr(notifier) + repr(vars(notifier))


def test_nothing_of_an_address_in_a_notice_is_fetched_and_shown():
    sent = []

    def call(method, arguments):
        sent.append(arguments)
        return {"channel": "C1", "ts": "1.1"}

    SlackNotifier(call, "#ledger-ops").post(replace(NOTICE, summary="see https://evil.example/p.png"), None)
    assert (sent[0]["unfurl_links"], sent[0]["unfurl_media"]) == (False, False)
