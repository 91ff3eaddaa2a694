"""Brings the schema `ledger_guard` to the newest revision, and says at which one it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg.rows import tuple_row
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from ledger_guard.adapters.postgres.connection import ConnectionSettings, translated_errors
from ledger_guard.domain.errors import LedgerInvariantError, SourceUnavailable
from ledger_guard.sql import statement

_FOLDER = Path(__file__).parents[2] / "migrations"
#: one migration may rewrite a big table
_STATEMENT_TIMEOUT_SECONDS = 600
#: how long an upgrade waits for another one, or for readers, before it gives up
_LOCK_TIMEOUT_MILLISECONDS = 30_000


def newest_revision() -> str:
    """The revision this program works with; raises LedgerInvariantError when the migrations have several ends."""
    heads = ScriptDirectory.from_config(_config()).get_heads()
    if len(heads) != 1:
        raise LedgerInvariantError(f"migrations: have {len(heads)} ends ({', '.join(heads)}); allowed: exactly one")
    return heads[0]


def current_revision(settings: ConnectionSettings) -> str | None:
    """The revision the database is at; None when it holds no guard state yet.

    Raises:
        SourceUnavailable: the server did not answer.

    """
    with translated_errors("guard state"), settings.open("migrate", read_only=True) as connection:
        known = connection.execute(statement("guard/find_schema_version")).fetchone()
        if known is None or known["version_table"] is None:
            return None
        row = connection.execute(statement("guard/select_schema_version")).fetchone()
    return None if row is None else str(row["version_num"])


def upgrade(settings: ConnectionSettings) -> str:
    """Create or upgrade guard state in one transaction and return the revision; at the newest one it does nothing.

    Raises:
        SourceUnavailable: the server did not answer, or the role may not create here. Fix it and run again.
        LedgerInvariantError: the database is at a revision that this program does not know: install the newer program.

    """
    target, found = newest_revision(), current_revision(settings)
    if found == target:
        return target
    if found is not None and found not in _known_revisions():
        raise LedgerInvariantError(
            f"guard state: is at revision {found}, this program knows {target} as the newest; install the program that wrote it"
        )
    with _translated_upgrade_errors():
        _run_upgrade(settings)
    return target


def _run_upgrade(settings: ConnectionSettings) -> None:
    def opened() -> psycopg.Connection[tuple[object, ...]]:
        connection = settings.open(
            "migrate",
            statement_timeout_seconds=_STATEMENT_TIMEOUT_SECONDS,
            lock_timeout_milliseconds=_LOCK_TIMEOUT_MILLISECONDS,
        )
        plain = cast("psycopg.Connection[tuple[object, ...]]", connection)
        plain.row_factory = tuple_row
        return plain

    engine = create_engine("postgresql+psycopg://", creator=opened, poolclass=NullPool)
    with engine.connect() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _known_revisions() -> set[str]:
    return {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


@contextmanager
def _translated_upgrade_errors() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise SourceUnavailable(f"guard state: {' '.join(str(error.orig).split())}") from error
    except psycopg.Error as error:
        raise SourceUnavailable(f"guard state: {' '.join(str(error).split())}") from error
