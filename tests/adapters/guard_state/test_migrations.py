"""What `db upgrade` promises."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from importlib import import_module
from pathlib import Path

import psycopg
import pytest
from alembic import command as alembic_command
from tests.adapters.guard_state.samples import NOON, an_event
from tests.other_releases import say
from tests.triggers import T1

from ledger_guard import migrations
from ledger_guard.adapters.postgres import migrate
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.migrate import current_revision, newest_revision, upgrade
from ledger_guard.adapters.postgres.state import PostgresGuardState
from ledger_guard.domain.errors import LedgerInvariantError, SafetyRefusal, SourceUnavailable

pytestmark = pytest.mark.postgres


@pytest.fixture
def settings(empty_database_uri: str) -> ConnectionSettings:
    return ConnectionSettings.parse(empty_database_uri, "ledger_guard_db")


def everything_in(uri: str) -> list[tuple[object, ...]]:
    with psycopg.connect(uri) as connection:
        return connection.execute(
            "select table_schema, table_name, column_name, data_type from information_schema.columns"
            " where table_schema not in ('pg_catalog', 'information_schema') order by 1, 2, 3"
        ).fetchall()


def test_the_migrations_have_one_end():
    assert newest_revision() == "0024"


def test_an_empty_database_comes_to_the_newest_revision_and_works(settings):
    assert current_revision(settings) is None
    assert upgrade(settings) == newest_revision()
    assert current_revision(settings) == newest_revision()
    with PostgresGuardState(settings).transaction() as transaction:
        assert transaction.audit.append(an_event()).sequence == 1


def test_everything_stands_in_a_schema_of_its_own(settings, empty_database_uri):
    upgrade(settings)
    assert {row[0] for row in everything_in(empty_database_uri)} == {"ledger_guard"}


def test_upgrading_again_changes_nothing_and_loses_nothing(settings, empty_database_uri):
    upgrade(settings)
    before = everything_in(empty_database_uri)
    with PostgresGuardState(settings).transaction() as transaction:
        entry = transaction.audit.append(an_event())
    assert upgrade(settings) == newest_revision()
    assert everything_in(empty_database_uri) == before
    with PostgresGuardState(settings).transaction() as transaction:
        assert list(transaction.audit.entries()) == [entry]


def test_two_upgrades_at_the_same_time_both_end_well(settings, empty_database_uri):
    """In processes of their own, as two deployments are: Alembic keeps its state in module globals."""
    text = (
        "import sys; from ledger_guard.adapters.postgres.connection import ConnectionSettings as Settings\n"
        "from ledger_guard.adapters.postgres.migrate import upgrade; print(upgrade(Settings.parse(sys.argv[1], 'here')))"
    )
    command, environment = (
        [sys.executable, "-c", text, empty_database_uri],
        {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    runs = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [(run.communicate()[0].strip(), run.returncode) for run in runs] == [(newest_revision(), 0)] * 2
    assert current_revision(settings) == newest_revision()


def test_an_upgrade_that_fails_leaves_nothing_behind(settings, empty_database_uri):
    with psycopg.connect(empty_database_uri) as connection:
        connection.execute("create schema ledger_guard")
        connection.execute("create table ledger_guard.audit_entry (in_the_way integer)")
    before = everything_in(empty_database_uri)
    with pytest.raises(SourceUnavailable, match="audit_entry"):
        upgrade(settings)
    assert everything_in(empty_database_uri) == before
    assert current_revision(settings) is None


def test_a_database_of_a_newer_program_is_left_alone(settings, empty_database_uri):
    upgrade(settings)
    with psycopg.connect(empty_database_uri) as connection:
        connection.execute("update ledger_guard.schema_version set version_num = '0999'")
    with pytest.raises(LedgerInvariantError, match="0999"):
        upgrade(settings)
    assert current_revision(settings) == "0999"


def test_a_role_that_may_not_create_here_gets_one_sentence(settings, empty_database_uri):
    with psycopg.connect(empty_database_uri) as connection:
        connection.execute("drop role if exists only_reads")
        connection.execute("create role only_reads login")
    reader = ConnectionSettings(tuple({**dict(settings.parameters), "user": "only_reads"}.items()))
    with pytest.raises(SourceUnavailable, match="permission denied"):
        upgrade(reader)


def test_a_role_without_rights_to_create_still_finds_an_upgraded_database_in_order(settings, empty_database_uri):
    upgrade(settings)
    with psycopg.connect(empty_database_uri) as connection:
        connection.execute("drop role if exists only_looks")
        connection.execute("create role only_looks login")
        connection.execute("grant usage on schema ledger_guard to only_looks")
        connection.execute("grant select on ledger_guard.schema_version to only_looks")
    looker = ConnectionSettings(tuple({**dict(settings.parameters), "user": "only_looks"}.items()))
    assert upgrade(looker) == newest_revision()


def test_what_was_lifted_before_owners_were_asked_for_stays_and_new_liftings_need_two_people(settings, empty_database_uri):
    versions = Path(next(iter(migrations.__path__))) / "versions"
    before, after = [], []
    for file in sorted(versions.glob("*.sql")):
        (before if file.name < "0006" else after).append(file.read_text(encoding="utf-8"))
    freeze = (
        "insert into ledger_guard.freeze (freeze_id, flag, tenant_id, reason, opened_by, opened_at, lifted_at, lifted_by,"
        " root_cause) values (gen_random_uuid(), 'f', %s, 'r', 'anna', now(), %s, 'bert', 'found')"
    )
    with psycopg.connect(empty_database_uri, autocommit=True) as connection:
        connection.execute("create schema if not exists ledger_guard")
        for text in before:
            connection.execute(text)
        connection.execute(freeze, ("old", "2026-01-01T00:00:00Z"))
        connection.execute(
            "insert into ledger_guard.rotation_plan (rotation_id, provider, secret_name, owner, steps, planned_at, due_at)"
            " values (gen_random_uuid(), 'p', 'S', 'anna', '{}', now(), now())"
        )
        for text in after:
            connection.execute(text)
        connection.execute(freeze, ("open", None))
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute(freeze, ("lifted without an owner", "2026-01-01T00:00:00Z"))
    say(empty_database_uri, newest_revision())
    with PostgresGuardState(settings).transaction() as transaction:
        assert [found.tenant_id for found in transaction.freezes.standing()] == ["open"]
        assert [plan.overlap_hours for plan in transaction.rotations.pending()] == [24]


def test_readings_stored_before_money_was_summed_are_kept_and_their_money_is_not_known(settings, empty_database_uri):
    versions = Path(next(iter(migrations.__path__))) / "versions"
    old_reading = (
        "insert into ledger_guard.signal_window (trigger, window_start, tenant_id, window_seconds, events, exposure, subjects)"
        " values ('T1', %s, 'a', 300, 3, 100, 2)"
    )
    indexes = "select indexname from pg_indexes where schemaname = 'ledger_guard' and tablename = 'signal_window'"
    with psycopg.connect(empty_database_uri, autocommit=True) as connection:
        connection.execute("create schema if not exists ledger_guard")
        for file in sorted(versions.glob("*.sql")):
            if file.name < "0017":
                connection.execute(file.read_text(encoding="utf-8"))
        connection.execute(old_reading, ("2026-03-01T12:00:00Z",))
        before = connection.execute(indexes).fetchall()
        connection.execute((versions / "0017_money_at_risk.sql").read_text(encoding="utf-8"))
        assert connection.execute(indexes).fetchall() == before
        # a program of before that still runs while the database is upgraded
        connection.execute(old_reading, ("2026-03-01T12:05:00Z",))
    say(empty_database_uri, newest_revision())
    with PostgresGuardState(settings).transaction() as transaction:
        found = transaction.readings.readings(T1, NOON, NOON + timedelta(hours=1))
    assert [(each.events, each.money) for each in found] == [(3, None), (3, None)]


def test_what_the_money_of_readings_is_kept_in_is_never_taken_back():
    with pytest.raises(SafetyRefusal, match="0017"):
        import_module("ledger_guard.migrations.versions.0017_money_at_risk").downgrade()


PARTITIONED = {
    "access_event": "insert into ledger_guard.access_event (event_key, event_time, tenant_id, method, path, status)"
    " select 'key ' || n, {moment}, 'a', 'POST', '/', 200 from generate_series(1, 40) as n",
    "unreadable_line": "insert into ledger_guard.unreadable_line (line_key, near, path, reason)"
    " select 'line ' || n, {moment}, '/', 'cut' from generate_series(1, 40) as n",
    "ingest_reject": "insert into ledger_guard.ingest_reject (ingest_id, line_number, reason, excerpt)"
    " select ingest_id, n, 'cut', '' from ledger_guard.ingest_file, generate_series(1, 40) as n",
    "signal_window": "insert into ledger_guard.signal_window (trigger, window_start, tenant_id, window_seconds, events, exposure,"
    " subjects) select 'T1', {moment}, 'a', 300, n, 100, 1 from generate_series(1, 40) as n",
    "verdict": "insert into ledger_guard.verdict (trigger, window_start, tenant_id, window_seconds, severity, scope, sentence,"
    " reasons) select 'T1', {moment}, 'a', 300, 'none', 'isolated', 's', '{{}}' from generate_series(1, 40) as n",
}
#: the last days, and one of which a wrong clock once said that it is the year 9000
MOMENTS = "case n when 40 then timestamptz '9000-01-01Z' else date_trunc('hour', now()) - n * interval '9 hours' end"


def contents(connection) -> dict[str, list[tuple[object, ...]]]:
    found = {}
    for table in PARTITIONED:
        query = f"select (to_jsonb(t) - 'rejected_at')::text from ledger_guard.{table} as t order by 1"
        found[table] = connection.execute(query).fetchall()
    return found


WITH_PARTITIONS = import_module("ledger_guard.migrations.versions.0020_partitions")


def taken_back(settings, monkeypatch) -> None:
    """Down to the revision before partitions, through Alembic."""
    with monkeypatch.context() as patched:
        before = WITH_PARTITIONS.down_revision
        patched.setattr(migrate.command, "upgrade", lambda config, _: alembic_command.downgrade(config, before))
        migrate._run_upgrade(settings)


def partitioned(settings, monkeypatch) -> None:
    """Up to the revision with partitions, and no further: later ones can't be taken back."""
    upgrade_to = alembic_command.upgrade
    with monkeypatch.context() as patched:
        patched.setattr(migrate.command, "upgrade", lambda config, _: upgrade_to(config, WITH_PARTITIONS.revision))
        migrate._run_upgrade(settings)


def test_stored_rows_are_partitioned_where_they_lie_and_taken_back_without_loss_as_often_as_asked(
    settings, empty_database_uri, monkeypatch
):
    partitioned(settings, monkeypatch)
    taken_back(settings, monkeypatch)
    with psycopg.connect(empty_database_uri, autocommit=True) as connection:
        connection.execute(
            "insert into ledger_guard.ingest_file (ingest_id, file_name, sha256, mapping, lines, accepted, already_known,"
            " rejected, ingested_at) values (gen_random_uuid(), 'f', 's', 'm', 1, 1, 0, 0, now() - interval '3 days')"
        )
        for text in PARTITIONED.values():
            connection.execute(text.format(moment=MOMENTS))
        connection.execute("drop role if exists only_reads_events")
        connection.execute("create role only_reads_events")
        connection.execute("grant select on ledger_guard.access_event to only_reads_events")
        before = contents(connection)
        for _ in range(2):
            partitioned(settings, monkeypatch)
            assert contents(connection) == before
            kinds = "select relname, relkind::text from pg_class where relname = any(%s)"
            assert dict(connection.execute(kinds, [list(PARTITIONED)]).fetchall()) == dict.fromkeys(PARTITIONED, "p")
            apart = {
                table: connection.execute(f"select count(*) from ledger_guard.{table}_default").fetchone()[0]
                for table in PARTITIONED
            }
            assert apart == {**dict.fromkeys(PARTITIONED, 1), "ingest_reject": 0}
            may = connection.execute("select has_table_privilege('only_reads_events', 'ledger_guard.access_event', 'select')")
            assert may.fetchone() == (True,)
            with pytest.raises(psycopg.errors.UniqueViolation):
                connection.execute(PARTITIONED["access_event"].format(moment=MOMENTS))
            taken_back(settings, monkeypatch)
            assert contents(connection) == before
        connection.execute("drop owned by only_reads_events")
        connection.execute("drop role only_reads_events")


def test_verdicts_that_outlived_their_partition_come_back_into_the_plain_table(settings, empty_database_uri, monkeypatch):
    partitioned(settings, monkeypatch)
    with psycopg.connect(empty_database_uri, autocommit=True) as connection:
        text = PARTITIONED["verdict"].format(moment=MOMENTS)
        connection.execute(text.replace("into ledger_guard.verdict", "into ledger_guard.kept_verdict"))
        taken_back(settings, monkeypatch)
        assert connection.execute("select count(*) from ledger_guard.verdict").fetchone() == (40,)
