"""The sandbox's event time: real time plus what a demo has run ahead."""

from __future__ import annotations

from datetime import datetime, timedelta

import psycopg

from ledger_guard.domain.windows import require_aware


def now(uri: str) -> datetime:
    """The sandbox's event time, aware, UTC."""
    with psycopg.connect(uri) as connection:
        row = connection.execute("select now() + ahead from ledger_sandbox.clock").fetchone()
    assert row is not None, "the schema puts the clock's only row there"
    return require_aware(row[0], "sandbox clock")


def advance(uri: str, by: timedelta) -> datetime:
    """Let event time run ahead by so much more, and return it. Raises ValueError for a step backwards."""
    if by < timedelta(0):
        raise ValueError(f"sandbox clock: a step of {by} goes backwards; allowed: 0 or more")
    with psycopg.connect(uri) as connection:
        connection.execute("update ledger_sandbox.clock set ahead = ahead + %(by)s", {"by": by})
    return now(uri)
