"""Every command on guard state of another release: one sentence that says what to do, before anything else is done."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from tests.entrypoints.cli.test_stated_names import commands
from tests.other_releases import SENTENCES, everything_in, make

from ledger_guard.entrypoints.cli.main import cli, main
from ledger_sandbox.platform_schema import create_platform

pytestmark = pytest.mark.postgres

ID = "7d0c1111-1111-4111-8111-111111111111"
WHY = "--reason 'two tenants were paid twice'"
#: each command that uses guard state, with what it needs to get as far as that
COMMANDS = {
    "audit export": "",
    "audit export-head": "{file}.new",
    "audit use-key": "--by anna",
    "audit verify": "",
    "audit verify-export": "{file}",
    "backfill cancel": f"--plan {ID} {WHY}",
    "backfill dry-run": "--tenant-id acme",
    "backfill force": f"--plan {ID}",
    "backfill pause": f"--plan {ID} {WHY}",
    "backfill resume": f"--plan {ID}",
    "backfill run-script": f"--plan {ID}",
    "backfill show": f"--plan {ID}",
    "backfill status": "--tenant-id acme",
    "backfill undo": f"--plan {ID}",
    "backfill verify": "--tenant-id acme",
    "budget status": "",
    "db maintain": "",
    "drill start": "T1 --by anna",
    "drill status": "",
    "incident acknowledge": f"{ID} --by anna",
    "incident close": f"{ID} {WHY} --by anna",
    "incident list": "",
    "incident report": ID,
    "incident show": ID,
    "ingest access-log": "{file}",
    "mode lower": f"'T1 severe isolated' {WHY} --by anna",
    "mode report": "",
    "platform check": "",
    "release": f"{WHY} --by anna",
    "rollout check": "--flag ledger_enforce_balance",
    "rollout end-override": f"--override {ID} --by anna",
    "rollout freeze": f"--flag ledger_enforce_balance {WHY} --by anna",
    "rollout plan-rotation": "--provider stripe --owner anna --by anna",
    "rollout record-deploy": "--version v2.3 --by anna",
    "rollout rotated": f"--rotation {ID} --by anna",
    "rollout secrets": "",
    "rollout status": "",
    "silence end": f"{ID} {WHY} --by anna",
    "silence list": "",
    "silence start": f"--minutes 60 {WHY} --by anna",
    "source check": "T1",
    "status": "",
    "stop": f"{WHY} --by anna",
    "wake status": "",
    "wake test": "oncall",
    "watch": "",
}
#: they need no guard state, always refuse, or are what mends it
OTHERS = {"audit new-key", "backtest", "db roles", "db status", "db upgrade", "mode raise", "policy check"}


@pytest.fixture(scope="module", params=sorted(SENTENCES))
def release(
    request: pytest.FixtureRequest, own_database: Callable[..., AbstractContextManager[str]]
) -> Iterator[tuple[str, str]]:
    """A database with the platform's tables and guard state of each other release, and what is said about it."""
    with own_database(template=None) as uri:
        create_platform(uri)
        make(uri, request.param)
        yield uri, SENTENCES[request.param]


def test_every_command_is_known_here():
    assert {path for path, _ in commands(cli)} == {*COMMANDS, *OTHERS}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_refuses_in_one_sentence_and_nothing_is_written(release, command, monkeypatch, capsys, tmp_path):
    uri, sentence = release
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER_DB", uri)
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER_GUARD_DB", uri)
    monkeypatch.setenv("LEDGER_GUARD_AUDIT_KEY", f"2026-03:{'ab' * 32}")
    file = tmp_path / "lines.jsonl"
    file.write_text("", encoding="utf-8")
    before = everything_in(uri)
    assert main([*command.split(), *shlex.split(COMMANDS[command].format(file=file))]) == 1
    written = capsys.readouterr()
    assert (written.out, written.err) == ("", f"{sentence}\n")
    assert everything_in(uri) == before
    assert Path(f"{file}.new").exists() is False
