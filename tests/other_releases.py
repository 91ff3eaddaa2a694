"""Guard state of other releases: not created, one revision behind, and one ahead that nobody here knows."""

from __future__ import annotations

import psycopg
import pytest

from ledger_guard.adapters.postgres import migrate
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.schema_revision import known_revisions

BEFORE, OURS = known_revisions()[-2:]
AHEAD = "9999"
_UPGRADE = "run `python -m ledger_guard db upgrade`"
#: what a database holds → what every process says
SENTENCES = {
    "empty": f"guard state: is not created yet, this program needs revision {OURS}; {_UPGRADE}",
    "behind": f"guard state: is at revision {BEFORE}, this program needs {OURS}; {_UPGRADE}",
    "ahead": f"guard state: is at revision {AHEAD}, this program knows none after {OURS}; install the release that knows {AHEAD}",
}


def make(uri: str, release: str) -> None:
    """Bring a database with the platform's tables and no guard state there."""
    if release == "empty":
        return
    to_the_end = migrate.command.upgrade
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrate.command, "upgrade", lambda config, _: to_the_end(config, BEFORE if release == "behind" else "head"))
        migrate.upgrade(ConnectionSettings.parse(uri, "ledger_guard_db"))
    if release == "ahead":
        say(uri, AHEAD)


def say(uri: str, revision: str) -> None:
    """Let guard state say that it is at this revision; also where its migrations were run by hand."""
    with psycopg.connect(uri) as connection:
        connection.execute("create table if not exists ledger_guard.schema_version (version_num varchar(32) primary key)")
        connection.execute("delete from ledger_guard.schema_version")
        connection.execute("insert into ledger_guard.schema_version values (%s)", [revision])


def everything_in(uri: str) -> list[tuple[object, ...]]:
    """Rows of each table, so that a change of any shows."""
    with psycopg.connect(uri) as connection:
        tables = connection.execute(
            "select format('%I.%I', schemaname, tablename) from pg_tables"
            " where schemaname not in ('pg_catalog', 'information_schema') order by 1"
        ).fetchall()
        return [
            (table, connection.execute(f"select count(*), md5(string_agg(t::text, '')) from {table} t").fetchone())
            for (table,) in tables
        ]
