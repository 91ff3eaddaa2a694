"""What every PartitionStore promises, and what Postgres does under those who read and write meanwhile."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta, timezone

import psycopg
import pytest
from tests.adapters.guard_state.samples import NOON, a_reading, a_sensed_window, a_verdict, a_window, an_incident
from tests.triggers import T1

from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.guard_state.partitions import PostgresPartitionStore
from ledger_guard.adapters.postgres.roles import ROLE_NAMES, roles_sql
from ledger_guard.adapters.postgres.state import PostgresGuardState
from ledger_guard.domain.errors import SafetyRefusal, SourceUnavailable
from ledger_guard.domain.partitions import PARTITIONED, Partition, Period, Step, period_of
from ledger_guard.domain.verdicts import Severity
from ledger_guard.policy.loader import load_policy
from ledger_guard.ports.storage import HourOfReadings

DAY = timedelta(days=1)
PATIENCE = timedelta(seconds=10)
TABLES = {table.name: table for table in PARTITIONED}
READINGS, VERDICTS, EVENTS = TABLES["signal_window"], TABLES["verdict"], TABLES["access_event"]
TODAY = period_of(Step.DAY, NOON)
TOMORROW = Period(TODAY.ends, TODAY.ends + DAY)
AN_EVENT = (
    "insert into ledger_guard.access_event (event_key, event_time, tenant_id, method, path, status)"
    " values (%s, %s, 't', 'P', '/', 200)"
)


@pytest.fixture(autouse=True)
def _no_partitions_left(request):
    """Emptied tables keep their partitions: a test begins with none."""
    yield
    if "guard_state_uri" in request.fixturenames:
        with psycopg.connect(request.getfixturevalue("guard_state_uri")) as connection:
            names = connection.execute(
                "select inhrelid::regclass::text from pg_inherits join pg_class on oid = inhrelid"
                " where relkind = 'r' and relname not like '%_default'"
            ).fetchall()
            for (name,) in names:
                connection.execute(f"drop table {name}")


def make(state, table, period=TODAY) -> int:
    with state.transaction() as transaction:
        return transaction.partitions.make(table, period, PATIENCE)


def known(state) -> list[tuple[str, Period]]:
    with state.transaction() as transaction:
        return [(each.table, each.period) for each in transaction.partitions.all()]


def the_partition(state, table) -> Partition:
    with state.transaction() as transaction:
        return next(each for each in transaction.partitions.all() if each.table == table.name)


def drop(state, table, keep=2 * DAY) -> None:
    partition = the_partition(state, table)
    with state.transaction() as transaction:
        transaction.partitions.drop(partition, keep)


def record(state, readings=(), verdicts=(), incident_id=None) -> None:
    windows = sorted({(each.window.start, each.window) for each in readings})
    with state.transaction() as transaction:
        transaction.readings.record([a_sensed_window(0, window=window) for _, window in windows], list(readings))
        transaction.verdicts.record(list(verdicts), incident_id)


def strays(state) -> dict[str, int]:
    with state.transaction() as transaction:
        return {each.table: each.rows for each in transaction.partitions.strays(1000)}


def readings(state):
    with state.transaction() as transaction:
        return transaction.readings.readings(T1, NOON - 10 * DAY, NOON + 10 * DAY)


def test_a_slice_is_made_once_and_is_listed_with_its_bounds(state):
    assert known(state) == []
    assert [make(state, READINGS), make(state, READINGS), make(state, VERDICTS, TOMORROW)] == [0, 0, 0]
    assert known(state) == [("signal_window", TODAY), ("verdict", TOMORROW)]


def test_a_row_without_a_slice_is_stored_counted_and_moved_when_its_slice_is_made(state):
    early, late = a_reading(0), a_reading(12 * 24)
    record(state, [early, late], [a_verdict(0)])
    assert strays(state) == {"signal_window": 2, "verdict": 1}
    assert make(state, READINGS) == 1
    assert strays(state) == {"signal_window": 1, "verdict": 1}
    assert readings(state) == [early, late]


def test_strays_are_told_with_their_span_and_counted_no_further_than_asked(state):
    record(state, [a_reading(number) for number in range(3)])
    with state.transaction() as transaction:
        (found,) = transaction.partitions.strays(1000)
        assert (found.oldest, found.newest) == (a_window(0).start, a_window(2).start)
        assert [each.rows for each in transaction.partitions.strays(2)] == [2]


def test_a_dropped_slice_takes_its_rows_and_no_others(state):
    make(state, READINGS)
    make(state, READINGS, TOMORROW)
    record(state, [a_reading(0), a_reading(12 * 24)])
    drop(state, READINGS)
    assert readings(state) == [a_reading(12 * 24)]
    assert known(state) == [("signal_window", TOMORROW)]


@pytest.mark.parametrize("keep_days", [0, 2, 5])
def test_a_slice_that_is_younger_than_what_is_kept_is_refused_whatever_clock_the_caller_has(state, keep_days):
    now = datetime.now(timezone.utc)
    young = period_of(Step.DAY, now - max(keep_days, 2) * DAY)
    old = Period(young.starts - DAY, young.starts)
    for period in (young, old):
        make(state, READINGS, period)
    with state.transaction() as transaction:
        of_old, of_young = transaction.partitions.all()
        transaction.partitions.drop(of_old, keep_days * DAY)
    with pytest.raises(SafetyRefusal, match=of_young.name), state.transaction() as transaction:
        transaction.partitions.drop(of_young, keep_days * DAY)
    assert known(state) == [("signal_window", young)]


def test_a_slice_that_is_not_there_or_is_no_partition_is_refused(state):
    for name in ("signal_window_20200101", "signal_window", "signal_window_default", "audit_entry"):
        with pytest.raises(SafetyRefusal, match=name), state.transaction() as transaction:
            transaction.partitions.drop(Partition("signal_window", name, TODAY, 0), DAY)


def test_readings_are_summed_up_by_the_hour_as_often_as_asked_and_stay_when_their_slice_is_gone(state):
    make(state, READINGS)
    record(state, [a_reading(0), a_reading(11, events=4), a_reading(12), a_reading(0, "tenant-b", events=0, exposure=7)])
    for _ in range(2):
        with state.transaction() as transaction:
            transaction.partitions.roll_up(TODAY)
    drop(state, READINGS)
    with state.transaction() as transaction:
        found = transaction.partitions.hours(T1, NOON, NOON + timedelta(hours=2))
        assert transaction.partitions.hours(T1, NOON + timedelta(hours=1), NOON + timedelta(hours=2)) == found[-1:]
    assert found == [
        HourOfReadings(NOON, "tenant-a", 2, 7, 200),
        HourOfReadings(NOON, "tenant-b", 1, 0, 7),
        HourOfReadings(NOON + timedelta(hours=1), "tenant-a", 1, 3, 100),
    ]


def test_alarms_and_verdicts_of_incidents_are_found_when_their_slice_is_gone_and_quiet_ones_are_not(state):
    incident = an_incident()
    alarm, quiet, hung = a_verdict(0, severity=Severity.MILD), a_verdict(1), a_verdict(2, "tenant-b")
    make(state, VERDICTS)
    with state.transaction() as transaction:
        transaction.incidents.add(incident)
        transaction.verdicts.record([hung], incident.incident_id)
        transaction.verdicts.record([alarm, quiet], None)
        transaction.partitions.keep_verdicts(TODAY)
        transaction.partitions.keep_verdicts(TODAY)
    drop(state, VERDICTS)
    with state.transaction() as transaction:
        assert transaction.verdicts.between(T1, TODAY.starts, TODAY.ends) == [alarm, hung]


def test_old_strays_are_deleted_some_at_a_time_and_young_ones_stay(state):
    record(state, [a_reading(0), a_reading(1), a_reading(12 * 24)])
    for expected in (1, 1, 0):
        with state.transaction() as transaction:
            assert transaction.partitions.clear_strays(READINGS, TOMORROW.starts, 1) == expected
    assert readings(state) == [a_reading(12 * 24)]


@pytest.mark.postgres
def test_access_events_move_too_and_the_same_event_stays_one(postgres_state, guard_state_uri):
    with psycopg.connect(guard_state_uri) as connection:
        connection.execute(AN_EVENT, ("a", NOON))
    assert make(postgres_state, EVENTS) == 1
    with psycopg.connect(guard_state_uri) as connection, pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute(AN_EVENT, ("a", NOON))


@pytest.mark.postgres
@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "-infinity", "infinity"])
def test_a_moment_that_no_calendar_reaches_is_stored_beside(postgres_state, guard_state_uri, moment):
    make(postgres_state, EVENTS)
    with psycopg.connect(guard_state_uri) as connection:
        connection.execute(AN_EVENT, ("a", moment))
    assert strays(postgres_state) == {"access_event": 1}


@pytest.mark.postgres
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Kiritimati"])
def test_the_zone_of_a_server_changes_no_slice(guard_settings, zone):
    state = PostgresGuardState(ConnectionSettings((*guard_settings.parameters, ("options", f"-c timezone={zone}"))))
    spring = Period(datetime(2026, 3, 29, tzinfo=timezone.utc), datetime(2026, 3, 30, tzinfo=timezone.utc))
    for period in (spring, Period(spring.ends, spring.ends + DAY)):
        make(state, EVENTS, period)
    assert [period for _, period in known(state)] == [spring, Period(spring.ends, spring.ends + DAY)]
    assert the_partition(state, EVENTS).name == "access_event_20260329"


@pytest.mark.postgres
def test_two_checks_that_make_the_same_slices_at_once_both_end_well(guard_settings):
    periods = [Period(TODAY.starts + n * DAY, TODAY.ends + n * DAY) for n in range(6)]
    failures: list[Exception] = []
    start = threading.Barrier(2)

    def made() -> None:
        start.wait()
        for period in periods:
            try:
                make(PostgresGuardState(guard_settings), VERDICTS, period)
            except SourceUnavailable as error:
                failures.append(error)

    threads = [threading.Thread(target=made) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (failures, [period for _, period in known(PostgresGuardState(guard_settings))]) == ([], periods)


@pytest.mark.postgres
@pytest.mark.parametrize("work", ["make", "drop"])
def test_who_reads_meanwhile_is_not_disturbed_and_the_work_is_given_up_soon(postgres_state, guard_state_uri, work):
    record(postgres_state, [a_reading(0)])
    if work == "drop":
        make(postgres_state, READINGS)
    with psycopg.connect(guard_state_uri) as reader:
        reader.execute("select count(*) from ledger_guard.signal_window")
        began = time.monotonic()
        with pytest.raises(SourceUnavailable, match="lock"):
            make(postgres_state, READINGS) if work == "make" else drop(postgres_state, READINGS)
        assert time.monotonic() - began < 15, "half a second, on a machine that has time"
        # whoever comes after does not wait behind what was given up
        with psycopg.connect(guard_state_uri, options="-c lock_timeout=1ms") as next_reader:
            assert next_reader.execute("select count(*) from ledger_guard.signal_window").fetchone() == (1,)
    make(postgres_state, READINGS) if work == "make" else drop(postgres_state, READINGS)
    assert readings(postgres_state) == ([a_reading(0)] if work == "make" else [])


@pytest.mark.postgres
@pytest.mark.parametrize(
    "call",
    [
        "ledger_guard.make_partition('audit_entry', '2026-03-01Z', '2026-03-02Z')",
        "ledger_guard.make_partition('verdict; drop table ledger_guard.plan', '2026-03-01Z', '2026-03-02Z')",
        "ledger_guard.make_partition('verdict', '2026-03-01T01:00Z', '2026-03-02Z')",
        "ledger_guard.make_partition('verdict', '2026-03-01Z', '2026-03-01Z')",
        "ledger_guard.make_partition('verdict', '2026-03-01Z', '2026-04-02Z')",
        "ledger_guard.clear_default('audit_entry', '2026-03-01Z', 10)",
    ],
)
def test_the_functions_take_no_other_table_and_no_other_length(guard_state_uri, call):
    with psycopg.connect(guard_state_uri) as connection, pytest.raises(psycopg.errors.InvalidParameterValue):
        connection.execute(f"select {call}")


@pytest.mark.postgres
def test_the_guards_role_makes_and_drops_slices_and_owns_none_and_no_other_role_may(database_uri):
    with psycopg.connect(database_uri, autocommit=True) as connection:
        connection.execute(roles_sql(load_policy(), ROLE_NAMES))
    logins = {
        what: ConnectionSettings.parse(database_uri.replace("//postgres@", f"//{name}@"), "here")
        for what, name in ROLE_NAMES.items()
    }
    guard = PostgresGuardState(logins["guard"])
    record(guard, [a_reading(0)], [a_verdict(0)])
    for table in PARTITIONED:
        make(guard, table)
    assert readings(guard) == [a_reading(0)]
    with guard.transaction() as transaction:
        transaction.partitions.roll_up(TODAY)
        transaction.partitions.keep_verdicts(TODAY)
    drop(guard, VERDICTS)
    uri = database_uri.replace("//postgres@", f"//{ROLE_NAMES['guard']}@")
    with psycopg.connect(uri) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("drop table ledger_guard.signal_window_20260301")
    for what in ("reader", "backfill"):
        with pytest.raises(SourceUnavailable, match="permission denied"):
            make(PostgresGuardState(logins[what]), EVENTS, TOMORROW)


def test_the_store_knows_the_column_of_every_partitioned_table():
    from ledger_guard.adapters.postgres.guard_state import partitions

    assert set(partitions._KEY_OF) == {table.name for table in PARTITIONED}
    assert PostgresPartitionStore is partitions.PostgresPartitionStore
