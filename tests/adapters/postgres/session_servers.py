"""What tests do to the databases that sessions are opened on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

#: servers refuse to run as root; the embedded one has made this user for itself by then
UNPRIVILEGED = "pgserver"
_PATIENCE_SECONDS = 60.0


def wait_until(is_so: Callable[[], bool]) -> None:
    """Ask again until it is so; a minute is more than a loaded machine takes."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < end, "it never became so"


def can_connect(uri: str) -> bool:
    try:
        psycopg.connect(uri).close()
    except psycopg.OperationalError:
        return False
    return True


@contextmanager
def defaults(uri: str, **settings: str) -> Iterator[None]:
    """What every new session of the database begins with, unless it asks for something else."""
    with psycopg.connect(uri, autocommit=True) as owner:
        name = psycopg.sql.Identifier(owner.info.dbname)
        # Its own default may be that nothing is written.
        owner.execute("set default_transaction_read_only = off")
        for setting, text in settings.items():
            owner.execute(psycopg.sql.SQL("alter database {} set {} = {}").format(name, psycopg.sql.Identifier(setting), text))
        try:
            yield
        finally:
            owner.execute(psycopg.sql.SQL("alter database {} reset all").format(name))


@dataclass(frozen=True)
class Replicated:
    """A primary and its replica, with the platform's tables in database `platform`."""

    primary: str
    replica: str

    def on_replica(self, query: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.replica, autocommit=True) as connection:
            cursor = connection.execute(query.encode())
            return cursor.fetchall() if cursor.description else []

    def commit_on_primary(self) -> None:
        with psycopg.connect(self.primary) as connection:
            connection.execute("insert into tenant (id, name) values (gen_random_uuid(), 'one more')")

    def catch_up(self) -> None:
        """Return when the replica has replayed all that the primary has written by now."""
        with psycopg.connect(self.primary) as connection:
            written = connection.execute("select pg_current_wal_insert_lsn()").fetchone()[0]
        wait_until(lambda: self.on_replica(f"select pg_last_wal_replay_lsn() >= '{written}'") == [(True,)])
