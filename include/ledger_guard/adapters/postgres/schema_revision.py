"""Sessions with guard state: each one refuses a schema of another release before anything else is done in it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import psycopg

from ledger_guard.adapters.postgres.connection import Connection, ConnectionSettings, translated_errors
from ledger_guard.domain.errors import SchemaMismatch, SourceUnavailable
from ledger_guard.sql import statement

_VERSIONS = Path(__file__).parents[2] / "migrations" / "versions"
_NOT_CREATED = (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName)
_UPGRADE = "run `python -m ledger_guard db upgrade`"


@lru_cache
def known_revisions() -> tuple[str, ...]:
    """Every revision that this program knows, the oldest first, by the names of the migrations; loads no Alembic."""
    return tuple(sorted(file.name.partition("_")[0] for file in _VERSIONS.glob("[0-9]*_*.py")))


def code_revision() -> str:
    """The revision that this program works with."""
    return known_revisions()[-1]


def open_guard_state(settings: ConnectionSettings, application: str, **wishes: Any) -> Connection:
    """A session as ConnectionSettings.open gives it, in a database whose guard state is this program's.

    The session says for which revision it was opened, so that the database can refuse it where it changes meanwhile. The check
    is one statement, outside any transaction.

    Raises:
        SchemaMismatch: guard state is not created, older or newer. The sentence says what to do.
        SourceUnavailable: see ConnectionSettings.open.
    """
    connection = settings.open(application, revision=code_revision(), **wishes)
    try:
        connection.autocommit = True
        _require_own(_revision_in(connection))
        connection.autocommit = False
    except BaseException:
        connection.close()
        raise
    return connection


def require_this_release(settings: ConnectionSettings) -> None:
    """Raise SchemaMismatch when guard state is of another release.

    A database that does not answer is no mismatch: whoever uses it says so, and what needs none of it may go on.
    """
    try:
        with translated_errors("guard state"), open_guard_state(settings, "revision", read_only=True):
            pass
    except SchemaMismatch:
        raise
    except SourceUnavailable:
        return


def _revision_in(connection: Connection) -> str | None:
    try:
        row = connection.execute(statement("guard/select_schema_version")).fetchone()
    except _NOT_CREATED:
        return None
    return None if row is None else str(row["version_num"])


def _require_own(found: str | None) -> None:
    needed = code_revision()
    if found is None:
        raise SchemaMismatch(f"guard state: is not created yet, this program needs revision {needed}; {_UPGRADE}")
    if found == needed:
        return
    if found in known_revisions():
        raise SchemaMismatch(f"guard state: is at revision {found}, this program needs {needed}; {_UPGRADE}")
    raise SchemaMismatch(
        f"guard state: is at revision {found}, this program knows none after {needed}; install the release that knows {found}"
    )
