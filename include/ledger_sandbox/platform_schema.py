"""Creates the stand-in platform's tables."""

from __future__ import annotations

from pathlib import Path

import psycopg

_SCRIPT = Path(__file__).parent / "sql" / "platform_schema.sql"


def create_platform(uri: str) -> None:
    """Create the platform's empty tables in the database at `uri`, in one transaction.

    Raises psycopg.errors.DuplicateTable when they are there already, having changed nothing: use a fresh database.
    """
    with psycopg.connect(uri) as connection:
        connection.execute(_SCRIPT.read_bytes())
