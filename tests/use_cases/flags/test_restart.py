"""What makes the instances read their environment again, and which store the policy's words lead to."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.use_cases.flags.rollout_world import SIGNATURE

from ledger_guard import wiring
from ledger_guard.adapters.clocks.system import SystemClock
from ledger_guard.adapters.flag_stores.dotenv import DotenvFlagStore
from ledger_guard.adapters.flag_stores.flagd import FlagdFlagStore
from ledger_guard.adapters.flag_stores.http import HttpFlagStore
from ledger_guard.adapters.flag_stores.postgres import PostgresFlagStore
from ledger_guard.adapters.flag_stores.restart import CommandRestarter, WebhookRestarter
from ledger_guard.adapters.flag_stores.unleash import UnleashFlagStore
from ledger_guard.adapters.http.http_calls import HttpCaller
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.domain.errors import BadInputError, SourceUnavailable
from ledger_guard.policy.flag_store import (
    DotenvFile,
    FlagdFile,
    FlagServer,
    FlagStoreTable,
    RestartCommand,
    RestartWebhook,
    UnleashServer,
)
from ledger_guard.policy.loader import load_policy
from ledger_sandbox.flag_server import TOKEN


class Hook:
    """An address that answers with the statuses it is told, 204 when there are none left, and remembers who called."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.calls: list[tuple[dict[str, object], str | None, str | None]] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                hook.calls.append((body, self.headers.get("Authorization"), self.headers.get("Idempotency-Key")))
                self.send_response(hook.statuses.pop(0) if hook.statuses else 204)
                self.send_header("Content-Length", "0")
                self.end_headers()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def restarter(self, *, attempts: int = 3, token: str | None = "t0ken") -> WebhookRestarter:
        settings = RestartWebhook(kind="webhook", url=f"http://127.0.0.1:{self.server.server_address[1]}/restart")
        caller = HttpCaller(timeout_seconds=5, attempts=attempts, token=lambda: token, sleep=lambda _: None)
        return WebhookRestarter(settings, caller)


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    yield hook
    hook.server.shutdown()
    hook.server.server_close()


def test_a_webhook_that_answers_2xx_has_restarted_and_got_the_flags_name(hook):
    hook.restarter().restart(SIGNATURE, is_enabled=False, change="w1")
    ((body, authorization, key),) = hook.calls
    assert (body, authorization) == ({"flag": SIGNATURE, "is_enabled": False}, "Bearer t0ken")
    assert key


def test_a_webhook_is_tried_again_with_one_key_a_write_and_another_write_has_another(hook):
    hook.statuses = [503, 502]
    restarter = hook.restarter()
    restarter.restart(SIGNATURE, is_enabled=False, change="w1")
    assert len(hook.calls) == 3
    restarter.restart(SIGNATURE, is_enabled=False, change="w2")
    keys = [key for _, _, key in hook.calls]
    assert len(set(keys[:3])) == 1
    assert keys[3] != keys[0]


@pytest.mark.parametrize(
    ("statuses", "calls"),
    [pytest.param([500], 1, id="refused"), pytest.param([302], 1, id="redirect"), pytest.param([503] * 3, 3, id="gives up")],
)
def test_a_webhook_that_never_answers_2xx_has_not_restarted(hook, statuses, calls):
    hook.statuses = list(statuses)
    with pytest.raises(SourceUnavailable, match=str(statuses[-1])):
        hook.restarter().restart(SIGNATURE, is_enabled=False, change="w1")
    assert len(hook.calls) == calls


def command(*words: str, **more: object) -> CommandRestarter:
    settings = RestartCommand.model_validate({"kind": "command", "command": words, **more})
    return CommandRestarter(settings, {"PASSED": "yes", "KEPT_BACK": "secret"})


def test_a_command_gets_its_arguments_as_they_are_and_only_the_variables_that_the_policy_names(tmp_path: Path):
    seen = tmp_path / "seen"
    code = "import json, os, pathlib, sys; pathlib.Path(sys.argv[1]).write_text(json.dumps([sys.argv[2:], dict(os.environ)]))"
    words = (sys.executable, "-c", code, str(seen), "$HOME; rm -rf /", "")
    command(*words, environment=("PASSED", "UNSET")).restart(SIGNATURE, is_enabled=False, change="w1")
    arguments, environment = json.loads(seen.read_text())
    assert arguments == ["$HOME; rm -rf /", ""]
    assert environment["PASSED"] == "yes"
    assert "KEPT_BACK" not in environment


@pytest.mark.parametrize(
    ("words", "more", "message"),
    [
        pytest.param((sys.executable, "-c", "raise SystemExit(3)"), {}, "exit code 3", id="exit code"),
        pytest.param(("/nowhere/restart",), {}, "can't be started|exit code 127", id="no such program"),
        pytest.param(
            (sys.executable, "-c", "import time; time.sleep(60)"),
            {"timeout_seconds": 0.3, "term_grace_seconds": 0},
            "did not end within 0.3 s",
            id="hangs",
        ),
    ],
)
def test_a_command_that_does_not_end_well_has_not_restarted(words, more, message):
    with pytest.raises(SourceUnavailable, match=message):
        command(*words, **more).restart(SIGNATURE, is_enabled=False, change="w1")


RESTART = RestartCommand(kind="command", command=("/bin/true",))


@pytest.mark.parametrize(
    ("section", "kind"),
    [
        (FlagStoreTable(kind="postgres"), PostgresFlagStore),
        (DotenvFile(kind="dotenv", path="/srv/.env", restart=RESTART), DotenvFlagStore),
        (FlagServer(kind="http", base_url="http://127.0.0.1:1"), HttpFlagStore),
        (FlagdFile(kind="flagd", path="/srv/flags.json"), FlagdFlagStore),
        (UnleashServer(kind="unleash", base_url="http://127.0.0.1:1", environment="production"), UnleashFlagStore),
    ],
)
def test_the_policys_word_leads_to_its_store_and_opens_nothing_yet(section, kind):
    policy = load_policy().model_copy(update={"flag_store": section})
    nowhere = ConnectionSettings.parse("postgresql://nobody@127.0.0.1:1/none", "ledger_db")
    assert isinstance(wiring.flag_store(policy, nowhere, SystemClock()), kind)


@pytest.mark.parametrize(
    "connection",
    [
        pytest.param(f"http://:{TOKEN}@flags.internal", id="URI"),
        pytest.param(json.dumps({"conn_type": "http", "password": TOKEN}), id="JSON"),
    ],
)
def test_the_flag_servers_token_is_its_connections_password(monkeypatch, flag_server, connection):
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER_FLAGS", connection)
    policy = load_policy().model_copy(update={"flag_store": FlagServer(kind="http", base_url=flag_server.base_url)})
    nowhere = ConnectionSettings.parse("postgresql://nobody@127.0.0.1:1/none", "ledger_db")
    assert wiring.flag_store(policy, nowhere, SystemClock()).get(SIGNATURE, "*").is_enabled is None


def test_a_connection_that_can_not_be_read_is_named_and_not_shown(monkeypatch, flag_server):
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER_FLAGS", '{"password": "s3cret"')
    policy = load_policy().model_copy(update={"flag_store": FlagServer(kind="http", base_url=flag_server.base_url)})
    nowhere = ConnectionSettings.parse("postgresql://nobody@127.0.0.1:1/none", "ledger_db")
    with pytest.raises(BadInputError, match="ledger_flags") as refused:
        wiring.flag_store(policy, nowhere, SystemClock()).get(SIGNATURE, "*")
    assert "s3cret" not in str(refused.value)
