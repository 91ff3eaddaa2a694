"""What a health check reads of the database does not grow with the history: the plans of its statements say so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import psycopg
import pytest

from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.state import PostgresGuardState
from ledger_guard.domain.partitions import PARTITIONED, Step, period_of, periods
from ledger_guard.sql import statement

pytestmark = pytest.mark.postgres

DAYS = 20
END = datetime(2026, 3, 21, 12, tzinfo=timezone.utc)
WINDOW = timedelta(minutes=5)
FILL = """
    insert into ledger_guard.access_event (event_key, event_time, tenant_id, method, path, status)
    select n::text, timestamptz '2026-03-21T12:00Z' - n * interval '8 seconds', 't' || n % 50, 'POST', '/w', 200
    from generate_series(1, 200000) as n;
    insert into ledger_guard.unreadable_line (line_key, near, path, reason)
    select n::text, timestamptz '2026-03-21T12:00Z' - n * interval '80 seconds', '/w', 'cut' from generate_series(1, 20000) as n;
    insert into ledger_guard.signal_window (trigger, window_start, tenant_id, window_seconds, events, exposure, subjects)
    select 'T1', timestamptz '2026-03-21T12:00Z' - n * interval '5 minutes', 't' || t, 300, 0, 10, 0
    from generate_series(1, 5000) as n, generate_series(1, 30) as t;
    insert into ledger_guard.verdict (trigger, window_start, tenant_id, window_seconds, severity, scope, sentence, reasons)
    select trigger, window_start, tenant_id, 300, 'none', 'isolated', '', '{}' from ledger_guard.signal_window;
    insert into ledger_guard.sensed_window (trigger, window_start, window_seconds, state, reason, sensed_at)
    select distinct trigger, window_start, 300, 'complete', '', window_start from ledger_guard.signal_window;
    analyze
"""
REQUEST = {"method": "POST", "path": "/w", "path_is_prefix": False, "status": 400, "error_code": "X", "most_cents": 10**15}
OF_THE_SOURCE = ("signals/select_event_readings", "signals/select_unmeasurable_windows", "signals/select_unreadable_windows")
OF_THE_STATE = ("guard/select_readings", "guard/select_verdicts", "guard/select_windows", "guard/select_newest_window")


@pytest.fixture(scope="module")
def history(module_database_uri) -> Iterator[psycopg.Connection]:
    """Twenty days of everything, in slices of a day."""
    state = PostgresGuardState(ConnectionSettings.parse(module_database_uri, "here"))
    with state.transaction() as transaction:
        for table in PARTITIONED:
            for period in periods(table.step, END - DAYS * timedelta(days=1), END):
                transaction.partitions.make(table, period, timedelta(seconds=60))
    with psycopg.connect(module_database_uri, autocommit=True) as connection:
        connection.execute(FILL)
        yield connection


def plan_of(connection, name: str, start: datetime, end: datetime) -> dict:
    """The plan of a statement over the windows from `start` to `end`."""
    between = {"start": start, "end": end, "trigger": "T1", "triggers": ["T1"], "window_length": WINDOW, **REQUEST}
    around = {"requests_from": start - WINDOW, "requests_before": end + WINDOW}
    (plan,) = connection.execute(f"explain (format json) {statement(name)}", {**between, **around}).fetchone()
    return plan[0]["Plan"]


def scans(connection, name: str, start: datetime, end: datetime) -> list[tuple[str, str]]:
    """How, and of which table, a statement reads, by its plan."""
    found: list[tuple[str, str]] = []

    def look(node) -> None:
        if node["Node Type"] != "ModifyTable" and ("Relation Name" in node or "Index Name" in node):
            found.append((node["Node Type"], node.get("Relation Name", "")))
        for inner in node.get("Plans", []):
            look(inner)

    look(plan_of(connection, name, start, end))
    return found


@pytest.mark.parametrize("name", [*OF_THE_SOURCE, *OF_THE_STATE])
def test_a_check_reads_the_newest_window_by_an_index_and_the_slices_of_its_day_alone(history, name):
    found = scans(history, name, END - WINDOW, END)
    today = f"{period_of(Step.DAY, END - WINDOW).starts:_%Y%m%d}"
    assert found
    for kind, table in found:
        assert "Index" in kind or table.endswith("_default") or table == "kept_verdict", (kind, table)
        assert not table or table.endswith(today) or table in ("sensed_window", "kept_verdict"), (kind, table)


@pytest.mark.parametrize("name", [*OF_THE_SOURCE, *OF_THE_STATE])
def test_the_other_slices_are_not_even_planned(history, name):
    def left_out_late(node) -> int:
        return node.get("Subplans Removed", 0) + sum(left_out_late(inner) for inner in node.get("Plans", []))

    assert left_out_late(plan_of(history, name, END - WINDOW, END)) == 0


@pytest.mark.parametrize("name", ["guard/revise_given_windows", "guard/delete_revised_readings"])
def test_comparing_new_readings_with_stored_ones_reads_the_slices_of_the_given_windows_alone(history, name):
    given = """
        insert into pg_temp.given_window (trigger, window_start, window_seconds, state, reason, sensed_at)
        select 'T1', start, 300, 'complete', '', start
        from generate_series(timestamptz '2026-03-21T11:00Z', '2026-03-21T11:55Z', interval '5 minutes') as start;
        insert into pg_temp.given_reading (trigger, window_start, tenant_id, window_seconds, events, exposure, subjects)
        select 'T1', window_start, 't' || t, 300, 0, 10, 0 from pg_temp.given_window, generate_series(1, 30) as t
    """
    with history.transaction(force_rollback=True):
        for text in (statement("guard/create_given_window"), statement("guard/create_given_reading"), given):
            history.execute(text)
        history.execute(statement("guard/analyze_given_readings"))
        found = scans(history, name, END - 12 * WINDOW, END)
    assert {kind for kind, table in found if table.startswith("signal_window")} <= {
        "Index Scan",
        "Index Only Scan",
        "Bitmap Heap Scan",
    }
    tables = {table for _, table in found if table}
    assert tables - {"given_window", "given_reading", "sensed_window"} == {f"signal_window{END:_%Y%m%d}"}


def test_a_window_over_midnight_reads_two_slices(history):
    midnight = END.replace(hour=0)
    found = scans(history, "signals/select_event_readings", midnight - WINDOW, midnight + WINDOW)
    assert {table for _, table in found if table} == {"access_event_20260320", "access_event_20260321"}


def test_where_a_slice_is_missing_the_default_partition_is_read_beside(history):
    found = scans(history, "guard/select_readings", END + timedelta(days=30), END + timedelta(days=30) + WINDOW)
    assert {table for _, table in found if table} == {"signal_window_default"}
