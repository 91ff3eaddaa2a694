"""`python -m ledger_sandbox` drives the stand-in platform, and names what is wrong with its input in one line."""

from __future__ import annotations

import re
import shlex
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.sandbox.conftest import value

from ledger_sandbox import clock, commands
from ledger_sandbox.commands import sandbox
from ledger_sandbox.environment import write_environment
from ledger_sandbox.running import running_sandbox
from ledger_sandbox.scenarios import repair_secrets, t2_all_webhooks_refused

pytestmark = pytest.mark.postgres


def run(uri: str | None, *arguments: str) -> Result:
    return CliRunner().invoke(sandbox, arguments, env={"AIRFLOW_CONN_LEDGER_DB": uri})


@pytest.fixture(scope="module")
def driven_uri(postgres_server, seeded_template) -> str:
    """One seeded platform that several commands are tried on."""
    return postgres_server.create_database("sandbox_driven", template=seeded_template)


def test_seed_fills_an_empty_platform_with_players_and_traffic(database_uri):
    result = run(database_uri, "seed", "--tenants", "3", "--largest", "20", "--days", "1")
    assert result.exit_code == 0, result.output
    assert value(database_uri, "select count(*) from tenant") == 3
    assert value(database_uri, "select count(*) from ledger_guard.access_event") > 0


def test_play_goes_on_where_it_ended_and_lets_event_time_run_ahead(platform_uri):
    for _ in range(2):
        assert run(platform_uri, "play", "--windows", "2").exit_code == 0
    through = value(platform_uri, "select complete_through from ledger_guard.source_watermark")
    assert clock.now(platform_uri) >= through
    assert value(platform_uri, "select max(event_time) from ledger_guard.access_event") < through


@pytest.mark.parametrize(
    "arguments",
    [
        ("t1_stale_wallets",),
        ("t1_platform_wide",),
        ("t2_one_provider_secret_wrong", "--provider", "mockpsp"),
        ("t2_all_webhooks_refused",),
        ("t2_signature_check_broken",),
        ("t3_one_tenant_drifts", "--tenant-id", "default_casino"),
        ("t3_many_tenants_drift",),
        ("repair_secrets",),
    ],
    ids=" ".join,
)
def test_a_scenario_says_in_one_sentence_what_it_did(driven_uri, arguments):
    result = run(driven_uri, "scenario", *arguments)
    assert result.exit_code == 0, result.output
    assert result.output.count("\n") == 1
    assert result.output.endswith(".\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(("scenario", "t9"), "t1_stale_wallets", id="unknown scenario"),
        pytest.param(("scenario", "t1_stale_wallets", "--tenant-id", "nobody"), "allowed: a seeded tenant", id="unknown tenant"),
        pytest.param(
            ("scenario", "t2_one_provider_secret_wrong", "--provider", "x"), "allowed: mockpsp, generic", id="unknown provider"
        ),
        pytest.param(("play", "--windows", "0"), "--windows", id="no windows"),
        pytest.param(("live", "--rate", "0"), "allowed: numbers above 0", id="no rate"),
        pytest.param(("clock", "advance", "--minutes", "-1"), "--minutes", id="backwards"),
    ],
)
def test_bad_input_ends_with_exit_code_two(driven_uri, arguments, says):
    result = run(driven_uri, *arguments)
    assert result.exit_code == 2
    assert says in result.stderr


@pytest.fixture
def sandbox_folder(tmp_path, monkeypatch) -> Path:
    """Where the commands look for a running sandbox."""
    monkeypatch.setattr(commands, "running_sandbox", lambda: running_sandbox(tmp_path))
    return tmp_path


def test_a_missing_database_is_named(sandbox_folder):
    assert "--uri: is missing; allowed: a sandbox that runs (make up)" in run("", "clock", "now").stderr


@pytest.mark.parametrize("command", ["play", "scenario", "live", "seed", "environment"])
def test_help_needs_no_database(sandbox_folder, command):
    result = run("", command, "--help")
    assert result.exit_code == 0
    assert "Example: python -m ledger_sandbox" in " ".join(result.output.split())


def test_the_help_says_what_each_scenario_does(sandbox_folder):
    output = run("", "scenario", "--help").output
    assert re.search(r"^ +t2_all_webhooks_refused +Let a deploy lose the webhook secrets", output, re.MULTILINE)
    assert output.count("Let ") >= 7


def test_the_sandbox_that_runs_is_found_and_its_environment_file_follows_what_a_scenario_does(platform_uri, sandbox_folder):
    (sandbox_folder / "env").write_text(f"export AIRFLOW_CONN_LEDGER_DB={shlex.quote(platform_uri)}\n")
    result = run("", "scenario", "t2_all_webhooks_refused")
    assert result.exit_code == 0, result.output
    assert "WEBHOOK_SECRET_MOCKPSP=changeme\n" in (sandbox_folder / "platform.env").read_text()


def test_a_database_that_is_named_goes_before_the_sandbox_that_runs(platform_uri, sandbox_folder):
    (sandbox_folder / "env").write_text("export AIRFLOW_CONN_LEDGER_DB=postgresql://localhost:9/other\n")
    assert run(platform_uri, "clock", "now").exit_code == 0
    assert run(platform_uri, "scenario", "t2_all_webhooks_refused").exit_code == 0
    assert not (sandbox_folder / "platform.env").exists()


def test_a_sandbox_that_has_ended_refuses_in_one_line(sandbox_folder):
    (sandbox_folder / "env").write_text("export AIRFLOW_CONN_LEDGER_DB=postgresql://localhost:9/other\n")
    result = run("", "clock", "now")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1), result.stderr


@pytest.mark.parametrize("races", [(), ("--races",)], ids=["one after the other", "at once"])
def test_live_reports_what_it_did(platform_uri, races):
    result = run(platform_uri, "live", "--seconds", "0.3", "--rate", "200", *races)
    assert result.exit_code == 0, result.output
    assert " 0 deadlocks" in result.output


def test_the_clock_runs_ahead_and_never_back(platform_uri):
    before = clock.now(platform_uri)
    assert run(platform_uri, "clock", "advance", "--minutes", "5").exit_code == 0
    assert timedelta(minutes=5) <= clock.now(platform_uri) - before < timedelta(minutes=6)
    with pytest.raises(ValueError, match="goes backwards"):
        clock.advance(platform_uri, timedelta(seconds=-1))


def test_the_environment_file_follows_the_platforms_secrets_when_written_again(platform_uri, tmp_path: Path):
    file = tmp_path / "var" / "platform.env"
    before = write_environment(platform_uri, file).read_text()
    t2_all_webhooks_refused(platform_uri)
    assert "WEBHOOK_SECRET_MOCKPSP=changeme\n" in write_environment(platform_uri, file).read_text()
    repair_secrets(platform_uri)
    assert write_environment(platform_uri, file).read_text() == before
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {line.split("=")[0] for line in before.splitlines()} == {
        "WEBHOOK_SECRET_MOCKPSP",
        "WEBHOOK_SECRET",
        "STRIPE_WEBHOOK_SECRET",
        "ADYEN_HMAC_KEY",
    }
