"""A database with partitions, for as long as a benchmark wants it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import psycopg

from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.migrate import upgrade
from ledger_guard.adapters.postgres.state import PostgresGuardState
from ledger_guard.domain.partitions import PARTITIONED, periods
from ledger_sandbox.platform_schema import create_platform
from ledger_sandbox.postgres import EmbeddedPostgres

_PATIENCE = timedelta(minutes=10)


@contextmanager
def server() -> Iterator[EmbeddedPostgres]:
    """An embedded server whose folder is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="ledger-guard-bench-"))
    embedded = EmbeddedPostgres(folder)
    # nothing waits for the disk: what is compared is work, not what else writes to this disk
    embedded.never_mind_power_cuts()
    try:
        yield embedded
    finally:
        embedded.stop()
        shutil.rmtree(folder, ignore_errors=True)


def partitioned(
    embedded: EmbeddedPostgres, name: str, since: datetime, through: datetime, *, without: str = ""
) -> tuple[str, PostgresGuardState]:
    """A migrated database with slices of all tables but `without` from `since` to `through`: its URI and its guard state."""
    uri = embedded.create_database(name)
    create_platform(uri)
    settings = ConnectionSettings.parse(uri, "ledger_guard_db")
    upgrade(settings)
    state = PostgresGuardState(settings)
    with state.transaction() as transaction:
        for table in (each for each in PARTITIONED if each.name != without):
            for period in periods(table.step, since, through):
                transaction.partitions.make(table, period, _PATIENCE)
    with psycopg.connect(uri, autocommit=True) as connection:
        # bulk loads with few checkpoints: only the benchmark's own preparation gets faster
        connection.execute("alter system set max_wal_size = '8GB'")
        connection.execute("alter system set checkpoint_timeout = '30min'")
        connection.execute("select pg_reload_conf()")
    return uri, state
