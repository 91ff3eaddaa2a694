"""Services that call people, as real servers on the loopback interface that refuse what the real ones refuse."""

from __future__ import annotations

import email
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from ledger_guard.domain.wake import Matter
from ledger_sandbox.slack import DEFAULT_TOKEN, SlackStandIn
from ledger_sandbox.stub_server import QuietHandler, StubServer

MATTER = Matter(
    key="incident:7d5b",
    stage="severe",
    trigger="T1",
    tenants=frozenset({"acme"}),
    owner="oncall",
    title="T1 insufficient_funds: severe <b>",
    text="40 refused & more <script>.",
    links=(("Board", "http://airflow/plugin/ledger-guard"), ("Runbook", "docs/runbooks/T1.md")),
    incident_id="7d5b",
)


@dataclass
class Service:
    """A pager's other side: what it heard, in its own words, and a switch that lets it refuse."""

    #: open, acknowledge or end; the key; everything that it was told
    heard: list[tuple[str, str, str]] = field(default_factory=list)
    is_down: bool = False


def served(answer) -> Iterator[tuple[Service, str]]:
    """An HTTP service: `answer(service, method, path, headers, body)` gives a status and a document."""
    service = Service()

    class Handler(QuietHandler):
        def do_POST(self) -> None:  # noqa: N802
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, document = (503, {}) if service.is_down else answer(service, self.path, self.headers, body)
            self.send_content(status, json.dumps(document).encode())

    server = StubServer(Handler).start()
    yield service, server.base_url
    server.stop()


@pytest.fixture
def pagerduty(monkeypatch):
    """Events API v2: refuses an unknown routing key, an event without a summary, severity and source, and long summaries."""
    import pagerduty

    def answer(service, path, headers, body):
        event = json.loads(body)
        payload = event.get("payload", {})
        if path != "/v2/enqueue" or event.get("routing_key") != "integration-key":
            return 400, {"status": "invalid event", "errors": ["routing_key"]}
        if event["event_action"] == "trigger" and not all(payload.get(word) for word in ("summary", "severity", "source")):
            return 400, {"status": "invalid event", "errors": ["payload"]}
        if len(payload.get("summary", "")) > 1024:
            return 400, {"status": "invalid event", "errors": ["summary is too long"]}
        word = {"trigger": "open", "acknowledge": "acknowledge", "resolve": "end"}[event["event_action"]]
        service.heard.append((word, event["dedup_key"], json.dumps(event)))
        return 202, {"status": "success", "dedup_key": event["dedup_key"]}

    for service, url in served(answer):
        # the client itself speaks to https only
        monkeypatch.setattr(pagerduty.EventsApiV2Client, "url", property(lambda _, url=url: url, lambda _, __: None))
        monkeypatch.setattr(pagerduty.EventsApiV2Client, "sleep_timer", 0.01)
        monkeypatch.setenv("AIRFLOW_CONN_PAGERDUTY", json.dumps({"conn_type": "pagerduty_events", "password": "integration-key"}))
        yield service


@pytest.fixture
def opsgenie(monkeypatch):
    """Alert API: refuses an unknown key, and a message of more than 130 characters."""

    def answer(service, path, headers, body):
        document = json.loads(body)
        if headers["Authorization"] != "GenieKey api-key":
            return 403, {"message": "You are not authorized"}
        if path == "/v2/alerts":
            if not 0 < len(document["message"]) <= 130:
                return 422, {"message": "Request body is not processable"}
            service.heard.append(("open", document["alias"], json.dumps(document)))
        else:
            alias, word = path.removeprefix("/v2/alerts/").split("?")[0].rsplit("/", 1)
            told = json.dumps(document)
            service.heard.append(({"acknowledge": "acknowledge", "close": "end"}[word], alias.replace("%3A", ":"), told))
        return 202, {"result": "Request will be processed", "took": 0.1, "requestId": "1"}

    for service, url in served(answer):
        monkeypatch.setenv("AIRFLOW_CONN_OPSGENIE", json.dumps({"conn_type": "opsgenie", "password": "api-key", "host": url}))
        yield service


@pytest.fixture
def apprise(monkeypatch):
    """What Apprise sends as JSON."""

    def answer(service, path, headers, body):
        document = json.loads(body)
        service.heard.append(("message", "", f"{document['title']}\n{document['message']}"))
        return 200, {}

    for service, url in served(answer):
        connection = {"conn_type": "generic", "password": f"{url.replace('http', 'json')}/"}
        monkeypatch.setenv("AIRFLOW_CONN_APPRISE", json.dumps(connection))
        yield service


@pytest.fixture
def smtp(monkeypatch):
    """An SMTP server."""
    from aiosmtpd.controller import Controller

    service = Service()

    class Handler:
        async def handle_DATA(self, server, session, envelope):  # noqa: N802
            if service.is_down:
                return "451 try again later"
            mail = email.message_from_bytes(envelope.content)
            parts = [part.get_payload(decode=True).decode() for part in mail.walk() if not part.is_multipart()]
            subject = str(email.header.make_header(email.header.decode_header(mail["Subject"])))
            service.heard.append(("message", ",".join(envelope.rcpt_tos), "\n".join([subject, *parts])))
            return "250 OK"

    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    controller = Controller(Handler(), hostname="127.0.0.1", port=port)
    controller.start()
    extra = {"disable_ssl": True, "disable_tls": True, "from_email": "guard@example.com", "retry_limit": 1, "timeout": 5}
    connection = {"conn_type": "smtp", "host": "127.0.0.1", "port": port, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_SMTP", json.dumps(connection))
    yield service
    controller.stop()


@pytest.fixture
def slack(monkeypatch):
    """The stand-in for Slack."""
    stand_in = SlackStandIn().start()
    connection = {"conn_type": "slack", "password": DEFAULT_TOKEN, "extra": {"base_url": f"{stand_in.base_url}/api/"}}
    monkeypatch.setenv("AIRFLOW_CONN_SLACK_LEDGER_OPS", json.dumps(connection))
    yield stand_in
    stand_in.stop()
