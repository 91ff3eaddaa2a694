"""Connections by their id: from the environment (AIRFLOW_CONN_…), or else from Airflow."""

from __future__ import annotations

import json
import os
from urllib.parse import unquote, urlsplit

from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.domain.errors import BadInputError

PLATFORM_CONNECTION = "ledger_db"
GUARD_CONNECTION = "ledger_guard_db"
#: for what only reads the platform; optional
READER_CONNECTION = "ledger_db_reader"
#: for what writes wallets; optional
BACKFILL_CONNECTION = "ledger_db_backfill"


def platform_settings() -> ConnectionSettings:
    """Where the platform's database is: connection `ledger_db`."""
    return _from_environment(PLATFORM_CONNECTION) or _from_airflow(PLATFORM_CONNECTION)


def guard_settings() -> ConnectionSettings:
    """Where guard state is: connection `ledger_guard_db`, or the platform's database when only that one is configured."""
    found = _from_environment(GUARD_CONNECTION)
    if found is None and _from_environment(PLATFORM_CONNECTION) is not None:
        return platform_settings()
    return found or _from_airflow(GUARD_CONNECTION)


def reader_settings() -> ConnectionSettings:
    """The platform for what only reads it: connection `ledger_db_reader`, or `ledger_db` where that one is not configured."""
    return _optional(READER_CONNECTION) or platform_settings()


def backfill_settings() -> tuple[ConnectionSettings, ConnectionSettings]:
    """The platform and guard state for what writes wallets: connection `ledger_db_backfill`, or the guard's own ones.

    Where guard state is in the platform's database, both are one session, so that a write and its before-image share a
    transaction.
    """
    writer, guard = _optional(BACKFILL_CONNECTION), guard_settings()
    if writer is None:
        return platform_settings(), guard
    return writer, writer if writer.is_same_database(guard) else guard


def password_of(conn_id: str) -> str | None:
    """The connection's password, from AIRFLOW_CONN_… or from Airflow; None where it has none.

    Raises:
        BadInputError: it can't be read.
        SourceUnavailable: there is no such connection.
    """
    text = os.environ.get(f"AIRFLOW_CONN_{conn_id.upper()}")
    if text:
        try:
            found = json.loads(text).get("password") if text.lstrip().startswith("{") else unquote(urlsplit(text).password or "")
        except (ValueError, AttributeError):
            raise BadInputError(f"connection {conn_id}: can't be read; allowed: a URI or JSON with a password") from None
        return found or None
    from ledger_guard.entrypoints.airflow.connections import airflow_connection_password  # noqa: PLC0415

    return airflow_connection_password(conn_id)


def _from_environment(conn_id: str) -> ConnectionSettings | None:
    text = os.environ.get(f"AIRFLOW_CONN_{conn_id.upper()}")
    return ConnectionSettings.parse(text, conn_id) if text else None


def _optional(conn_id: str) -> ConnectionSettings | None:
    found = _from_environment(conn_id)
    if found is not None or _from_environment(PLATFORM_CONNECTION) is not None:
        return found
    from ledger_guard.entrypoints.airflow.connections import find_airflow_connection  # noqa: PLC0415  as below

    return find_airflow_connection(conn_id)


def _from_airflow(conn_id: str) -> ConnectionSettings:
    # Imported only here: with both connections in the environment the command line never loads Airflow.
    from ledger_guard.entrypoints.airflow.connections import airflow_connection_settings  # noqa: PLC0415

    return airflow_connection_settings(conn_id)
