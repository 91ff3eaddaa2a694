"""The command line's frame: what it loads, what it says, and which exit code it ends with."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from ledger_guard.domain.errors import (
    BadInputError,
    ConcurrentWriterError,
    LedgerInvariantError,
    NotificationFailed,
    PolicyError,
    SafetyRefusal,
    SourceUnavailable,
)
from ledger_guard.entrypoints.cli import main as frame

PROJECT = Path(__file__).resolve().parents[3]


def _run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {
        key: value for key, value in os.environ.items() if not key.startswith(("AIRFLOW", "LEDGER_GUARD", "PYTHONUNBUFFERED"))
    }
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**clean, "PYTHONPATH": str(PROJECT / "include"), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def command(monkeypatch):
    """Put a command of the test's own behind `policy`, and run it with the given behaviour."""

    def run(behaviour, *arguments: str) -> int:
        @click.command()
        @click.option("--trigger", type=click.Choice(["T1", "T2"]))
        @click.option("--tenant-id", required=bool(arguments))
        def probe(trigger, tenant_id):
            return behaviour()

        monkeypatch.setattr(frame.LazyGroup, "get_command", lambda self, ctx, name: probe if name == "policy" else None)
        return frame.main(["policy", *arguments])

    return run


def _raising(error: BaseException):
    def behave():
        raise error

    return behave


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(BadInputError("tenant id: is empty; allowed: one"), 2, id="bad input"),
        pytest.param(PolicyError(["p.yaml:matrix: no row"]), 2, id="policy"),
        pytest.param(SafetyRefusal("force: refused: no approval was requested"), 3, id="safety refusal"),
        pytest.param(ConcurrentWriterError("tenant a: another run writes"), 3, id="another writer"),
        pytest.param(SourceUnavailable("database x: connection refused"), 1, id="source away"),
        pytest.param(LedgerInvariantError("plan p: its rows do not give its hash"), 1, id="invariant"),
        pytest.param(NotificationFailed("Slack refused the notice"), 1, id="notification"),
    ],
)
def test_each_family_of_errors_ends_as_its_sentence_on_one_line_with_its_code(command, capsys, error, code):
    assert command(_raising(error)) == code
    assert capsys.readouterr() == ("", f"{error}\n")


def test_an_error_of_several_lines_is_reported_on_one(command, capsys):
    assert command(_raising(SourceUnavailable("database x:\n\tserver closed\n the connection"))) == 1
    assert capsys.readouterr().err == "database x: server closed the connection\n"


def test_several_policy_problems_are_one_line_that_says_where_all_of_them_are_shown(command, capsys):
    assert command(_raising(PolicyError(["p.yaml:name: is missing; allowed: it", "p.yaml:x: y", "p.yaml:z: w"]))) == 2
    expected = "p.yaml:name: is missing; allowed: it (and 2 more: python -m ledger_guard policy check shows all)\n"
    assert capsys.readouterr().err == expected


def test_an_unexpected_error_is_one_line_with_a_way_to_see_more(command, capsys, monkeypatch):
    monkeypatch.delenv("LEDGER_GUARD_TRACEBACK", raising=False)
    assert command(_raising(KeyError("wallet"))) == 1
    assert capsys.readouterr().err == "unexpected KeyError: 'wallet'; set LEDGER_GUARD_TRACEBACK=1 to see where it happened\n"


def test_the_traceback_is_shown_when_asked_for(command, capsys, monkeypatch):
    monkeypatch.setenv("LEDGER_GUARD_TRACEBACK", "1")
    assert command(_raising(KeyError("wallet"))) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_ctrl_c_ends_with_130(command, capsys):
    assert command(_raising(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err.strip() == "interrupted"


def test_a_command_that_ends_well_ends_with_0(command):
    assert command(lambda: None) == 0


def test_a_command_may_choose_its_code(command):
    assert command(lambda: 3) == 3
    assert command(lambda: click.get_current_context().exit(3)) == 3


@pytest.mark.parametrize(
    ("arguments", "said", "allowed"),
    [
        pytest.param(["--tenant", "a", "--trigger"], "policy: ", "--trigger, --tenant-id", id="an option without its value"),
        pytest.param(["--trigger", "T9"], "'T9' is not one of 'T1', 'T2'", "T1, T2", id="an unknown word"),
        pytest.param(
            ["--trigger", "T1"], "missing option '--tenant-id'", "--trigger, --tenant-id, --help", id="a missing option"
        ),
        pytest.param(
            ["--tenantid", "a"], "no such option '--tenantid'", "--trigger, --tenant-id, --help", id="an unknown option"
        ),
        pytest.param(["--tenant-id", "a", "more"], "unexpected extra argument (more)", "--trigger", id="too many arguments"),
    ],
)
def test_what_was_typed_wrongly_is_one_line_with_what_is_allowed_and_code_2(command, capsys, arguments, said, allowed):
    assert command(lambda: None, *arguments) == 2
    out, line = capsys.readouterr()
    assert out == ""
    assert line.count("\n") == 1
    before, after = line.split("; allowed: ")
    assert said in before
    assert allowed in after


def test_an_unknown_command_names_the_known_ones(capsys):
    assert frame.main(["polciy"]) == 2
    known = (
        "audit, backfill, backtest, budget, db, drill, incident, ingest, mode, platform, policy, release, rollout, silence, "
        "source, status, stop, wake, watch"
    )
    assert capsys.readouterr().err == f"no such command 'polciy'; allowed: {known}\n"


def test_an_unknown_subcommand_names_the_known_ones(capsys):
    assert frame.main(["policy", "chekc"]) == 2
    assert capsys.readouterr().err == "policy: no such command 'chekc'; allowed: check\n"


def test_a_long_and_hostile_word_is_cut_and_cannot_move_the_cursor(command, capsys):
    assert command(lambda: None, "--trigger", "\x1b[2J\n" + "x" * 10_000) == 2
    line = capsys.readouterr().err
    assert len(line) <= 600
    assert "\x1b" not in line
    assert line.endswith("allowed: T1, T2\n")


def test_without_arguments_the_help_is_shown_and_the_code_is_2(capsys):
    assert frame.main([]) == 2
    assert "Commands:" in capsys.readouterr().err


def test_the_version_is_the_one_of_the_project(capsys):
    assert frame.main(["--version"]) == 0
    found = re.search(r'^version = "(.+)"$', (PROJECT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    assert capsys.readouterr().out == f"ledger_guard {found[1]}\n"


def test_help_lists_every_command_and_loads_none_of_them():
    code = (
        "import sys; from ledger_guard.entrypoints.cli.main import main, COMMANDS; code = main(['--help']);"
        "names = ('airflow', 'pydantic', 'psycopg', 'numpy', 'yaml', 'ledger_guard.entrypoints.cli.policy');"
        "heavy = [name for name in names if name in sys.modules];"
        "print(heavy, file=sys.stderr); sys.exit(code)"
    )
    ended = _run_python(code)
    assert (ended.returncode, ended.stderr.strip()) == (0, "[]")
    for name in frame.COMMANDS:
        assert re.search(rf"^  {name} ", ended.stdout, re.MULTILINE)


def test_policy_check_starts_where_airflow_cannot_be_imported():
    code = (
        "import sys; sys.modules['airflow'] = None; sys.modules['psycopg'] = None;"
        "from ledger_guard.entrypoints.cli.main import main; sys.exit(main(['policy', 'check']))"
    )
    ended = _run_python(code)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "valid: 8 rows" in ended.stdout


@pytest.mark.parametrize("name", sorted(frame.COMMANDS))
def test_every_command_in_the_table_exists_and_shows_its_help(name, capsys):
    assert frame.main([name, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"Usage: python -m ledger_guard {name}")


@pytest.mark.parametrize(
    "before",
    [
        pytest.param("", id="while a command writes"),
        pytest.param(
            "import click; from ledger_guard.entrypoints.cli import main as cli;"
            "cli.LazyGroup.get_command = lambda self, ctx, name: click.Command('policy', callback=lambda: print('kept back'));"
            "argv = ['policy'];",
            id="when what was kept back is written at the end",
        ),
    ],
)
def test_a_reader_that_has_enough_ends_the_command_quietly(before):
    code = (
        f"argv = ['policy', 'check']; {before}"
        "import os, sys; from ledger_guard.entrypoints.cli.main import main;"
        "r, w = os.pipe(); os.close(r); os.dup2(w, 1); os.close(w); code = main(argv); sys.exit(code + 40)"
    )
    ended = _run_python(code)
    assert (ended.returncode, ended.stderr) == (41, "")


def test_the_module_can_be_run():
    ended = subprocess.run(
        [sys.executable, "-m", "ledger_guard", "policy", "check", "/no/such.yaml"],
        env={**os.environ, "PYTHONPATH": str(PROJECT / "include")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr == "/no/such.yaml: file not found; allowed: a readable YAML file with a policy\n"


@pytest.mark.parametrize("is_error", [False, True])
def test_control_characters_of_ids_reach_no_terminal(command, capsys, is_error):
    assert command(lambda: click.echo("player a\x1b]0;owned\x07\x9b2J\rb\nnext", err=is_error)) == 0
    found = capsys.readouterr()
    assert (found.err if is_error else found.out) == "player a\\u001b]0;owned\\u0007\\u009b2J\\u000db\nnext\n"


def test_the_streams_are_as_they_were_when_a_command_has_ended(command, capsys):
    before = sys.stdout, sys.stderr
    command(_raising(SafetyRefusal("no \x1b")))
    assert (sys.stdout, sys.stderr) == before
    assert capsys.readouterr().err == "no ?\n"
