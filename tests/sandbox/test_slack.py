"""The stand-in takes what Slack takes and refuses what Slack refuses, in Slack's words."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from ledger_sandbox.slack import SlackStandIn
from ledger_sandbox.slack_workspace import Limits

SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "hello"}}


@pytest.fixture(scope="module")
def running() -> Iterator[SlackStandIn]:
    stand_in = SlackStandIn().start()
    yield stand_in
    stand_in.stop()


@pytest.fixture
def slack(running: SlackStandIn) -> SlackStandIn:
    """The stand-in with nothing posted and nothing refused on demand."""
    running.workspace.clear()
    running.workspace.limits = Limits()
    return running


@pytest.fixture
def client(slack: SlackStandIn) -> Iterator[httpx.Client]:
    with client_of(slack) as found:
        yield found


def client_of(stand_in: SlackStandIn) -> httpx.Client:
    return httpx.Client(base_url=stand_in.base_url, headers={"Authorization": f"Bearer {stand_in.token}"}, trust_env=False)


def post(client: httpx.Client, **fields: object) -> dict:
    return client.post("/api/chat.postMessage", json={"channel": "#ledger-ops", **fields}).json()


def test_the_official_client_can_post_reply_and_update(slack):
    from slack_sdk import WebClient

    client = WebClient(token=slack.token, base_url=f"{slack.base_url}/api/")
    assert client.auth_test()["ok"]
    first = client.chat_postMessage(channel="#ledger-ops", text="opened", blocks=[SECTION])
    client.chat_postMessage(channel=first["channel"], text="more", thread_ts=first["ts"])
    client.chat_update(channel=first["channel"], ts=first["ts"], text="resolved")
    kept = [(message["text"], message["thread_ts"], message["is_edited"]) for message in slack.messages]
    assert kept == [("resolved", None, True), ("more", first["ts"], False)]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"json": {"channel": "#ledger-ops", "blocks": [SECTION]}}, id="JSON"),
        pytest.param({"json": {"channel": "#ledger-ops", "blocks": json.dumps([SECTION])}}, id="JSON text inside JSON"),
        pytest.param({"data": {"channel": "#ledger-ops", "blocks": json.dumps([SECTION])}}, id="form"),
    ],
)
def test_blocks_are_taken_in_each_form_that_clients_send(slack, client, body):
    assert client.post("/api/chat.postMessage", **body).json()["ok"]
    assert slack.messages[0]["blocks"] == [SECTION]


@pytest.mark.parametrize("channel", ["#ledger-ops", "ledger-ops", "C0SANDBOX1"])
def test_a_channel_is_known_by_name_and_by_id(client, channel):
    assert post(client, channel=channel, text="hello")["channel"] == "C0SANDBOX1"


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        pytest.param({}, "not_authed", id="no token"),
        pytest.param({"Authorization": "Bearer xoxb-other"}, "invalid_auth", id="another token"),
    ],
)
def test_a_call_needs_the_workspaces_token(slack, headers, error):
    for method in ("auth.test", "chat.postMessage", "chat.update"):
        answer = httpx.post(f"{slack.base_url}/api/{method}", headers=headers, json={"text": "x"}, trust_env=False)
        assert answer.json() == {"ok": False, "error": error}
    assert slack.messages == []


def text_block(kind: str, characters: int) -> dict:
    return {"type": kind, "text": {"type": "plain_text", "text": "x" * characters}}


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        pytest.param({"text": "x", "channel": "#general"}, "channel_not_found", id="unknown channel"),
        pytest.param({"text": "x", "channel": ""}, "channel_not_found", id="no channel"),
        pytest.param({}, "no_text", id="nothing to show"),
        pytest.param({"text": "  "}, "no_text", id="blank text"),
        pytest.param({"text": "x" * 40_001}, "msg_too_long", id="text over 40,000"),
        pytest.param({"text": "x", "thread_ts": "1.0"}, "thread_not_found", id="unknown thread"),
        pytest.param({"blocks": "[{"}, "invalid_blocks_format", id="blocks are not JSON"),
        pytest.param({"blocks": {"type": "divider"}}, "invalid_blocks_format", id="blocks are no list"),
        pytest.param({"blocks": [{"type": "divider"}] * 51}, "invalid_blocks", id="51 blocks"),
        pytest.param({"blocks": [text_block("section", 3001)]}, "invalid_blocks", id="section over 3,000"),
        pytest.param({"blocks": [text_block("section", 0)]}, "invalid_blocks", id="empty section text"),
        pytest.param({"blocks": [{"type": "section"}]}, "invalid_blocks", id="section without text or fields"),
        pytest.param({"blocks": [{"type": "section", "fields": [SECTION["text"]] * 11}]}, "invalid_blocks", id="11 fields"),
        pytest.param({"blocks": [text_block("header", 151)]}, "invalid_blocks", id="header over 150"),
        pytest.param({"blocks": [{"type": "header", "text": SECTION["text"]}]}, "invalid_blocks", id="header in mrkdwn"),
        pytest.param({"blocks": [{"type": "marquee"}]}, "invalid_blocks", id="unknown block"),
        pytest.param({"blocks": [{"type": "context", "elements": []}]}, "invalid_blocks", id="empty context"),
        pytest.param({"blocks": [{**SECTION, "block_id": "a"}] * 2}, "invalid_blocks", id="block_id twice"),
        pytest.param({"blocks": [text_block("section", 3000)] * 5}, "msg_blocks_too_long", id="blocks too long together"),
    ],
)
def test_slack_refuses(slack, client, fields, error):
    answer = post(client, **fields)
    assert (answer["ok"], answer["error"]) == (False, error)
    assert slack.messages == []


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"text": "x" * 40_000}, id="text of 40,000"),
        pytest.param({"blocks": [{"type": "divider"}] * 50}, id="50 blocks"),
        pytest.param({"blocks": [text_block("section", 3000)]}, id="section of 3,000"),
        pytest.param({"blocks": [text_block("header", 150)]}, id="header of 150"),
        pytest.param({"blocks": [{"type": "section", "fields": [SECTION["text"]] * 10}]}, id="10 fields"),
    ],
)
def test_at_the_limit_is_taken(client, fields):
    assert post(client, **fields)["ok"]


def test_a_refusal_says_which_block_is_wrong(client):
    answer = post(client, blocks=[SECTION, text_block("header", 151)])
    assert answer["response_metadata"]["messages"] == [
        "[ERROR] header text: must be less than 151 characters [json-pointer:/blocks/1]"
    ]


def test_a_reply_to_a_reply_stands_in_the_same_thread(slack, client):
    first = post(client, text="first")
    reply = post(client, text="reply", thread_ts=first["ts"])
    post(client, text="again", thread_ts=reply["ts"])
    assert [message["thread_ts"] for message in slack.messages] == [None, first["ts"], first["ts"]]


def test_only_a_message_that_is_there_can_be_updated(client):
    answer = client.post("/api/chat.update", json={"channel": "#ledger-ops", "ts": "1.0", "text": "x"}).json()
    assert answer == {"ok": False, "error": "message_not_found"}


def test_an_unknown_method_and_a_broken_body_are_refused(client):
    assert client.post("/api/chat.delete", json={}).json()["error"] == "unknown_method"
    broken = client.post("/api/chat.postMessage", content="{", headers={"Content-Type": "application/json"})
    assert broken.json()["error"] == "invalid_json"


def test_rate_limiting_on_demand_answers_429_and_then_recovers(slack, client):
    slack.workspace.limits.rate_limited_posts = 1
    slack.workspace.limits.retry_after_seconds = 7
    limited = client.post("/api/chat.postMessage", json={"channel": "#ledger-ops", "text": "x"})
    assert (limited.status_code, limited.headers["Retry-After"], limited.json()["error"]) == (429, "7", "ratelimited")
    assert post(client, text="x")["ok"]
    assert len(slack.messages) == 1


def test_refusing_on_demand_can_be_set_from_another_process(slack, client):
    client.post("/limits", json={"refuse_with": "account_inactive"})
    assert post(client, text="x")["error"] == "account_inactive"
    client.post("/limits", json={"refuse_with": None})
    assert post(client, text="x")["ok"]
    assert client.post("/limits", json={"mood": "bad"}).status_code == 400


def test_messages_are_listed_oldest_first_with_rising_timestamps(client):
    for text in ("a", "b", "c"):
        post(client, text=text)
    listed = client.get("/messages").json()
    assert [message["text"] for message in listed] == ["a", "b", "c"]
    assert [message["ts"] for message in listed] == sorted({message["ts"] for message in listed})


def test_the_page_shows_threads_and_escapes_what_was_posted(client):
    first = post(
        client, text="x", blocks=[{"type": "section", "text": {"type": "mrkdwn", "text": "*T1* <script>alert(1)</script>"}}]
    )
    post(client, text="see <https://airflow.example/run?a=1&amp;b=2|the run> &lt;b&gt;", thread_ts=first["ts"])
    page = client.get("/").text
    assert "<strong>T1</strong>" in page
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert '<a href="https://airflow.example/run?a=1&amp;b=2" rel="noreferrer">the run</a>' in page
    assert "&lt;b&gt;" in page
    assert page.index('class="replies"') < page.index("the run")


def test_a_link_can_not_carry_a_script(client):
    post(client, text='<javascript:alert(1)|x> <https://a.example/"onclick="alert(1)|y>')
    page = client.get("/").text
    assert 'href="javascript' not in page
    assert 'onclick="' not in page


def test_what_was_posted_stays_after_the_end_and_ending_twice_is_harmless():
    stand_in = SlackStandIn()
    stand_in.stop()
    stand_in.start()
    with client_of(stand_in) as client:
        post(client, text="x")
    stand_in.stop()
    stand_in.stop()
    assert len(stand_in.messages) == 1
    with pytest.raises(RuntimeError, match="is not running"):
        _ = stand_in.base_url
