"""`db upgrade` and `db status`, on a real database and on none."""

from __future__ import annotations

import json
import shlex

import psycopg
import pytest

from ledger_guard.entrypoints.cli.main import main


@pytest.fixture
def empty_database(empty_database_uri, monkeypatch) -> str:
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER_DB", empty_database_uri)
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER_GUARD_DB", empty_database_uri)
    return empty_database_uri


@pytest.mark.postgres
def test_upgrade_says_at_which_revision_guard_state_is_and_may_be_repeated(empty_database, capsys):
    for _ in range(2):
        assert main(["db", "upgrade"]) == 0
        assert capsys.readouterr().out == "guard state is at revision 0024\n"


@pytest.mark.postgres
def test_maintain_makes_partitions_and_says_how_many_then_none(empty_database, capsys):
    main(["db", "upgrade"])
    assert main(["db", "maintain", "--json"]) == 0
    found = json.loads(capsys.readouterr().out.partition("\n")[2])
    assert (len(found["made"]) > 100, found["dropped"], found["problems"]) == (True, [], [])
    assert main(["db", "maintain"]) == 0
    assert capsys.readouterr().out == "0 partitions made, 0 rows moved into them, 0 dropped\n"


@pytest.mark.postgres
def test_status_says_whether_an_upgrade_is_needed(empty_database, capsys):
    assert main(["db", "status"]) == 1
    assert "not created yet, this program needs 0024: run `python -m ledger_guard db upgrade`" in capsys.readouterr().out
    main(["db", "upgrade"])
    capsys.readouterr()
    assert main(["db", "status"]) == 0
    assert capsys.readouterr().out == "guard state is at revision 0024, the newest\n"


@pytest.mark.postgres
@pytest.mark.parametrize(
    "command",
    [
        "status",
        "budget status",
        "mode report",
        "stop --reason 'two tenants were paid twice' --by anna",
        "drill status",
        "watch --no-tell",
        "incident list",
        "audit verify",
        "rollout check --flag ledger_enforce_balance",
        "backfill show --plan 7d0c1111-1111-4111-8111-111111111111",
    ],
)
def test_every_command_says_what_creates_guard_state_where_it_is_missing(empty_database, capsys, command):
    assert main(shlex.split(command)) == 1
    written = capsys.readouterr()
    assert (written.out, written.err.count("\n")) == ("", 1)
    sentence = "is not created yet, this program needs revision 0024; run `python -m ledger_guard db upgrade`"
    assert written.err == f"guard state: {sentence}\n"


@pytest.mark.postgres
def test_a_command_says_so_too_where_guard_state_is_of_an_older_program(empty_database, capsys):
    main(["db", "upgrade"])
    with psycopg.connect(empty_database) as connection:
        connection.execute("alter table ledger_guard.audit_entry drop column mac")
    capsys.readouterr()
    assert main(["audit", "verify"]) == 1
    assert capsys.readouterr().err.endswith("does not exist; needed: run `python -m ledger_guard db upgrade`\n")


@pytest.mark.postgres
def test_status_as_json(empty_database, capsys):
    assert main(["db", "status", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {"revision": None, "newest": "0024", "is_current": False}


@pytest.mark.postgres
def test_a_database_of_a_newer_program_is_one_line_and_exit_1(empty_database, capsys):
    main(["db", "upgrade"])
    with psycopg.connect(empty_database) as connection:
        connection.execute("update ledger_guard.schema_version set version_num = '0999'")
    capsys.readouterr()
    assert main(["db", "upgrade"]) == 1
    written = capsys.readouterr()
    assert (written.out, written.err.count("\n")) == ("", 1)
    assert "0999" in written.err


@pytest.mark.parametrize("command", ["upgrade", "status"])
def test_a_server_that_does_not_answer_is_one_line_and_exit_1(monkeypatch, capsys, tmp_path, command):
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER_GUARD_DB", f"postgresql://guard:hidden@/nowhere?host={tmp_path}")
    assert main(["db", command]) == 1
    written = capsys.readouterr()
    assert (written.out, written.err.count("\n")) == ("", 1)
    assert "nowhere" in written.err
    assert "hidden" not in written.err


def test_a_connection_that_is_none_is_bad_input(monkeypatch, capsys):
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER_GUARD_DB", "mysql://guard:hidden@host/db")
    assert main(["db", "upgrade"]) == 2
    written = capsys.readouterr()
    assert "ledger_guard_db" in written.err
    assert "hidden" not in written.err
