"""`python -m ledger_guard ingest access-log`, on a real database."""

import gzip
import json

import psycopg
import pytest
from access_lines import COMBINED_LINE, JSON_LINE, WITHDRAW
from backports import zstd
from click.testing import CliRunner

from ledger_guard.entrypoints.cli.main import cli, main

pytestmark = pytest.mark.postgres


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


@pytest.fixture
def stored(database_uri):
    def count(table):
        with psycopg.connect(database_uri) as connection:
            return connection.execute(f"select count(*) from ledger_guard.{table}").fetchone()[0]

    return count


def test_files_of_both_formats_are_distinguished_and_brought_in(run, stored, tmp_path):
    (tmp_path / "a.jsonl").write_text(f"{JSON_LINE}\nnoise\n")
    (tmp_path / "b.log.gz").write_bytes(gzip.compress(f"{COMBINED_LINE}\n".encode()))
    code, out, err = run(tmp_path / "a.jsonl", tmp_path / "b.log.gz", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert [(file["mapping"], file["accepted"], file["rejected"]) for file in found["files"]] == [
        ("ingress_json", 1, 1),
        ("combined", 1, 0),
    ]
    assert found["complete_through"] == "2026-03-01T11:00:00Z"
    assert (stored("access_event"), stored("ingest_reject"), stored("ingest_file")) == (2, 1, 2)


def test_the_summary_for_people_says_what_can_not_be_known(run, tmp_path):
    (tmp_path / "b.log").write_text(f"{COMBINED_LINE}\n")
    code, out, _ = run(tmp_path / "b.log", "--tenant", "casino_b")
    assert code == 0
    assert "1 lines, 1 accepted, 0 already known, 0 rejected; 2026-03-01T11:00:00Z to 2026-03-01T11:00:00Z" in out
    assert "no error codes in this format: it gives no readings for any trigger" in out


def test_a_file_of_which_nothing_could_be_used_exits_1_and_says_why(run, stored, tmp_path):
    (tmp_path / "a.jsonl").write_text(f"{JSON_LINE}\n")
    (tmp_path / "b.jsonl").write_text("noise\n{}\n")
    code, out, err = run(tmp_path / "a.jsonl", tmp_path / "b.jsonl", "--complete-through", "2026-03-01T12:00:00Z")
    assert (code, err.count("\n")) == (1, 1)
    assert "b.jsonl: none of its 2 lines could be used as ingress_json: line 1: is not JSON" in err
    assert out.splitlines()[-1].startswith("the source does not count as complete")
    assert (stored("access_event"), stored("ingest_reject"), stored("ingest_file")) == (1, 2, 2)
    code, out, _ = run(tmp_path / "b.jsonl", "--json")
    assert (code, json.loads(out)["unusable"], json.loads(out)["complete_through"]) == (1, [str(tmp_path / "b.jsonl")], None)


@pytest.mark.parametrize("content", ["", "\n\n"], ids=["empty", "blank lines"])
def test_a_file_without_lines_is_no_fault(run, tmp_path, content):
    (tmp_path / "a.jsonl").write_text(content)
    assert run(tmp_path / "a.jsonl", "--format", "jsonl")[0] == 0


def test_no_query_string_or_secret_is_stored(run, database_uri, tmp_path):
    (tmp_path / "a.jsonl").write_text(f"{JSON_LINE}\n" + '{"token": "s3cr3t", "path": "/x?sig=s3cr3t"}\n')
    run(tmp_path / "a.jsonl")
    with psycopg.connect(database_uri) as connection:
        for table in ("access_event", "ingest_reject", "ingest_file", "audit_entry"):
            found = connection.execute(f"select count(*) from ledger_guard.{table} t where t::text like '%s3cr3t%'").fetchone()
            assert found == (0,), table


def test_a_players_address_is_stored_nowhere_and_a_webhook_calls_with_the_call(run, database_uri, tmp_path):
    player = {**json.loads(JSON_LINE), "remote_addr": "192.0.2.55"}
    webhook = {**player, "path": "/api/v1/payments/webhook/mockpsp", "request_id": "r2", "remote_addr": "203.0.113.7"}
    (tmp_path / "a.jsonl").write_text(f"{json.dumps(player)}\n{json.dumps(webhook)}\n")
    assert run(tmp_path / "a.jsonl")[0] == 0
    with psycopg.connect(database_uri) as connection:
        for table in ("access_event", "ingest_reject", "ingest_file", "audit_entry"):
            found = connection.execute(
                f"select count(*) from ledger_guard.{table} t where t::text like '%192.0.2.55%'"
            ).fetchone()
            assert found == (0,), table
        kept = connection.execute("select path, host(source_address) from ledger_guard.access_event order by 1").fetchall()
    assert kept == [("/api/v1/payments/webhook/mockpsp", "203.0.113.7"), (WITHDRAW, None)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ["--mapping", "nginx"],
            "allowed: alb, caddy, caddy_host, cloudflare, combined, envoy, ingress_json,",
            id="unknown mapping",
        ),
        pytest.param(["--tenant", ""], "tenant id: is empty", id="empty tenant"),
        pytest.param(["--tenant", "a%"], "tenant id", id="pattern as tenant"),
        pytest.param(["--complete-through", "noon"], "--complete-through", id="no moment"),
        pytest.param(["--complete-through", "2026-03-01T12:00:00"], "no time zone", id="moment without a zone"),
        pytest.param(["--complete-through", "2999-01-01T00:00:00Z"], "is in the future", id="moment in the future"),
        pytest.param(["--format", "csv"], "jsonl", id="unknown format"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_stored(run, stored, tmp_path, arguments, message):
    (tmp_path / "a.jsonl").write_text(f"{JSON_LINE}\n")
    code, out, err = run(tmp_path / "a.jsonl", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert (stored("access_event"), stored("ingest_file")) == (0, 0)


def test_a_missing_file_is_one_line(run, tmp_path):
    code, _, err = run(tmp_path / "none.log")
    assert (code, err.count("\n")) == (2, 1)
    assert "can't be opened" in err


def test_a_database_that_is_not_migrated_fails_with_one_line(empty_database_uri, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER_DB", empty_database_uri)
    (tmp_path / "a.jsonl").write_text(f"{JSON_LINE}\n")
    assert main(["ingest", "access-log", str(tmp_path / "a.jsonl")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("packed", [bytes, gzip.compress, zstd.compress], ids=["plain", "gzip", "zstd"])
def test_the_standard_input_is_read_as_a_file_and_the_same_lines_count_once(database_uri, monkeypatch, stored, packed):
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER_DB", database_uri)
    monkeypatch.delenv("AIRFLOW_CONN_LEDGER_GUARD_DB", raising=False)
    monkeypatch.delenv("LEDGER_GUARD_CLOCK", raising=False)
    for known in (0, 1):
        result = CliRunner().invoke(cli, ["ingest", "access-log", "-", "--json"], input=packed(f"{JSON_LINE}\n".encode()))
        assert result.exit_code == 0, result.exception
        (file,) = json.loads(result.stdout)["files"]
        assert (file["file"], file["accepted"], file["already_known"]) == ("-", 1 - known, known)
    assert stored("access_event") == 1


def test_the_standard_input_can_not_be_named_twice(run):
    code, _, err = run("-", "-")
    assert (code, "`-` is named twice; allowed: the standard input once" in err) == (2, True)
