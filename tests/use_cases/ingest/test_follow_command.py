"""`python -m ledger_guard ingest access-log --follow`, on a real database."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from following import line, lines

from ledger_guard.entrypoints.cli.main import main

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(120)]
PROJECT = Path(__file__).parents[3]


@pytest.fixture
def run(database_uri, monkeypatch, capsys):
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER_DB", database_uri)
    monkeypatch.delenv("AIRFLOW_CONN_LEDGER_GUARD_DB", raising=False)
    monkeypatch.delenv("LEDGER_GUARD_CLOCK", raising=False)

    def call(*arguments):
        code = main(["ingest", "access-log", *(str(each) for each in arguments)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_once_reads_what_is_new_and_says_how_far_the_source_is_complete(run, tmp_path):
    log = tmp_path / "access.log"
    log.write_text(lines(0, 400) + "noise\n")
    assert run("--follow", tmp_path, "--once") == (
        0,
        "400 accepted, 0 already known, 1 rejected; the source is complete through 2026-03-01T11:05:00Z\n",
        "",
    )
    with log.open("a") as file:
        file.write(lines(400, 700))
    code, out, _ = run("--follow", tmp_path / "access*", "--once", "--json", "--complete-after", "0")
    found = json.loads(out)
    assert (code, found["accepted"], found["already_known"], found["rejected"]) == (0, 300, 0, 0)
    assert found["complete_through"] == "2026-03-01T11:10:00Z"


def test_once_exits_1_when_nothing_of_a_file_could_be_used_and_keeps_the_rest(run, tmp_path, database_uri):
    (tmp_path / "access.log").write_text(lines(0, 10))
    (tmp_path / "wrong.log").write_text('{"other": "log"}\n')
    code, out, err = run("--follow", tmp_path, "--once")
    assert (code, out) == (1, "10 accepted, 0 already known, 1 rejected\n")
    assert (err.count("\n"), "wrong.log: none of its lines could be used as ingress_json: line 1:" in err) == (1, True)
    with psycopg.connect(database_uri) as connection:
        assert connection.execute("select count(*) from ledger_guard.access_event").fetchone() == (10,)
        assert connection.execute("select count(*) from ledger_guard.source_watermark").fetchone() == (0,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--follow", "-"], "--follow: allowed with folders and patterns"),
        (["--follow", ".", "--complete-through", "2026-03-01T12:00:00Z"], "without --complete-through"),
        (["--once", "."], "allowed with --follow"),
        (["--idle-complete-after", "60", "."], "allowed with --follow"),
        (["--follow", ".", "--once", "--mapping", "nginx"], "mapping: 'nginx' is unknown"),
        (["--follow", ".", "--complete-after", "-1"], "--complete-after"),
    ],
)
def test_bad_input_is_one_line(run, arguments, message):
    code, _, err = run(*arguments)
    assert (code, err.count("\n"), message in err) == (2, 1, True)


def test_a_folder_that_is_not_there_is_told(run, tmp_path):
    code, _, err = run("--follow", tmp_path / "none", "--once")
    assert (code, err.count("\n")) == (1, 1)
    assert "can't be followed (No such file or directory); allowed: a folder" in err


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_follower_reads_on_until_a_signal_and_ends_well(tmp_path, database_uri, ending):
    environment = {
        **os.environ,
        "AIRFLOW_CONN_LEDGER_DB": database_uri,
        "PYTHONPATH": str(PROJECT / "include"),
        "PYTHONUNBUFFERED": "1",
    }
    environment.pop("AIRFLOW_CONN_LEDGER_GUARD_DB", None)
    environment.pop("LEDGER_GUARD_CLOCK", None)
    log = tmp_path / "access.log"
    log.write_text(lines(0, 400))
    command = [sys.executable, "-m", "ledger_guard", "ingest", "access-log", "--follow", str(tmp_path)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().startswith("400 accepted")
        with log.open("a") as file:
            file.write(lines(400, 700))
        assert process.stdout.readline().endswith("the source is complete through 2026-03-01T11:10:00Z\n")
        with log.open("a") as file:
            file.write(line(700)[:50])
        process.send_signal(ending)
        assert process.wait(30) == 0
        assert process.stderr.read() == ""
