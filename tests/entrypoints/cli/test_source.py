"""`source check`: what a trigger's source gives, through the command line and Airflow's own hooks."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import psycopg
import pytest
import yaml
from click.testing import CliRunner
from psycopg.conninfo import conninfo_to_dict

from ledger_guard.entrypoints.cli.main import cli
from ledger_guard.use_cases.ingest.source_check import WINDOWS

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]
FIVE = timedelta(minutes=5)
QUERY = (
    "select date_bin('5 minutes', at, timestamptz '2026-01-01Z') as window_start, tenant_id, count(*) filter (where is_refused)"
    " as events, count(*) as exposure from withdrawals where at >= :start and at < :end group by 1, 2"
)


@pytest.fixture
def check(database_uri, monkeypatch, tmp_path, airflow_home):
    """Run the command with T1 read by a query over a connection of Airflow's."""
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER_DB", database_uri)
    place = conninfo_to_dict(database_uri)
    fields = {"conn_type": "postgres", "host": place["host"], "login": place["user"], "schema": place["dbname"]}
    monkeypatch.setenv("AIRFLOW_CONN_METRICS_DB", json.dumps(fields))
    monkeypatch.delenv("AIRFLOW_CONN_LEDGER_GUARD_DB", raising=False)
    monkeypatch.delenv("LEDGER_GUARD_CLOCK", raising=False)

    def run(trigger="T1", query=QUERY, connection="metrics_db"):
        policy = yaml.safe_load(Path("include/policies/ledger_rollout.yaml").read_text())
        policy["triggers"]["T1"]["source"] = {"kind": "sql", "connection": connection, "query": query, "times": "zoned"}
        file = tmp_path / "policy.yaml"
        file.write_text(yaml.safe_dump(policy))
        monkeypatch.setenv("LEDGER_GUARD_POLICY", str(file))
        result = CliRunner().invoke(cli, ["source", "check", trigger, "--json"])
        return result, {each["name"]: each for each in json.loads(result.stdout)["findings"]} if result.stdout else {}

    return run


@pytest.fixture
def withdrawals(database_uri):
    """An hour of withdrawals of one tenant that the platform has: ten a window, one of them refused."""
    newest = datetime.now(timezone.utc)
    end = newest.replace(minute=newest.minute // 5 * 5, second=0, microsecond=0)
    with psycopg.connect(database_uri) as connection:
        connection.execute("insert into tenant (id, name) values ('acme', 'Acme')")
        connection.execute("create table withdrawals (at timestamptz, tenant_id text, is_refused boolean)")
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into withdrawals values (%s, 'acme', %s)",
                [
                    (end - FIVE * window + timedelta(seconds=second), second == 0)
                    for window in range(WINDOWS + 3)
                    for second in range(10)
                ],
            )


def test_a_source_that_fits_says_what_it_gives_and_what_it_costs(check, withdrawals):
    result, found = check()
    assert result.exit_code == 0, result.output
    assert all(each["fits"] for each in found.values())
    assert found["readings"]["line"].startswith("12 rows in 12 of 12 windows")
    assert found["readings"]["line"].endswith("12 events of 120 by 1 tenants")
    assert found["tenants"]["line"] == "all are among the platform's 1"
    assert "withdrawals" in found["cost"]["line"]


def test_a_query_that_counts_beyond_its_range_is_found_though_each_row_is_inside(check, withdrawals):
    beyond = (
        "select date_bin('5 minutes', cast(:end as timestamptz) - interval '1 second', timestamptz '2026-01-01Z')"
        " as window_start, tenant_id, 1 as events, count(*) as exposure from withdrawals"
        " where at < :end and :start < :end group by 1, 2"
    )
    result, found = check(query=beyond)
    assert result.exit_code == 1
    assert "read by themselves give something else than among the others" in found["range"]["line"]


def test_a_tenant_that_the_platform_does_not_have_and_more_events_than_requests_are_found(check, withdrawals):
    invented = QUERY.replace("tenant_id, count(*) filter (where is_refused)", "'invented' as tenant_id, 11")
    result, found = check(query=invented.replace("group by 1, 2", "group by 1"))
    assert result.exit_code == 1
    assert found["tenants"]["line"] == "1 are not among the platform's 1, for example invented"
    assert found["events"]["line"].startswith("more than their exposure in 12 rows, for example invented at ")


@pytest.mark.parametrize(
    ("connection", "why"),
    [("not_there", "connection not_there: can't be opened"), ("slack_ops", "is not a database")],
    ids=["no such connection", "no database"],
)
def test_a_connection_that_can_not_be_used_is_one_sentence(check, monkeypatch, connection, why):
    monkeypatch.setenv("AIRFLOW_CONN_SLACK_OPS", json.dumps({"conn_type": "slack", "password": "xoxb-secret"}))
    result, found = check(connection=connection)
    assert result.exit_code == 1
    assert not found["readings"]["fits"]
    assert why in found["readings"]["line"]
    assert "xoxb" not in result.output


def test_a_source_that_gives_nothing_does_not_fit_whatever_its_kind(check):
    result, found = check("T2")
    assert (result.exit_code, found["complete through"]["line"]) == (1, "no moment yet: nothing was ever delivered")
    assert found["readings"]["line"].startswith("no rows in ")
    result, found = check("T3")
    assert (result.exit_code, found["complete through"]["fits"], found["readings"]["fits"]) == (1, True, False)


def test_a_comparison_says_whether_it_can_go_on_from_the_one_before(check, database_uri):
    with psycopg.connect(database_uri) as connection:
        connection.execute("insert into tenant (id, name) values ('acme', 'Acme')")
        connection.execute(
            "insert into player (id, tenant_id, username, email, balance_real, balance_bonus, balance_real_available,"
            " balance_real_held) values ('p1', 'acme', 'u', 'e', 1, 0, 1, 0)"
        )
    result, found = check("T3")
    assert result.exit_code == 0
    assert found["cost"]["line"] == "incremental; deleted rows are told, and then all players are compared"


def test_an_unknown_trigger_is_bad_input(check):
    result, _ = check("T9")
    assert "trigger: 'T9' is unknown; allowed: T1, T2, T3" in str(result.exception)


def test_a_source_without_a_failure_asks_for_one_on_purpose(check, withdrawals):
    result, found = check(query=QUERY.replace("where is_refused", "where is_refused and tenant_id = 'acne'"))
    assert result.exit_code == 0, result.output
    assert "a mistyped name or code looks the same: make one on purpose" in found["failures"]["line"]


def test_windows_that_count_as_no_data_are_told_with_the_reason(check, withdrawals, database_uri):
    with psycopg.connect(database_uri) as connection:
        connection.execute(
            "insert into ledger_guard.access_event (event_key, event_time, tenant_id, method, path, provider, status)"
            " select 'e' || n, now() - interval '30 minutes', 'acme', 'POST', '/api/v1/payments/webhook/mockpsp', 'mockpsp',"
            " case when n < 5 then 200 else 401 end from generate_series(1, 9) as n"
        )
    result, found = check("T2")
    assert result.exit_code == 1
    assert found["data"]["fits"] is False
    assert "1 of 12 windows count as no data" in found["data"]["line"]
    assert "5 answer(s) 401 without an error code" in found["data"]["line"]
