"""One writer of a flag at a time, over all workers: for flag stores that have no compare-and-set of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ledger_guard.adapters.postgres.connection import ConnectionSettings, translated_errors
from ledger_guard.sql import statement


class PostgresOneWriter:
    """A lock in the platform's database. It ends with its transaction, so a killed writer leaves none behind."""

    def __init__(self, settings: ConnectionSettings, wait_seconds: float) -> None:
        self._settings = settings
        self._wait_milliseconds = max(1, round(wait_seconds * 1000))

    @contextmanager
    def __call__(self, flag: str) -> Iterator[None]:
        """Hold it.

        Raises:
            SourceUnavailable: another writer kept it for longer than the wait, or the database does not answer.
        """
        opened = self._settings.open(
            "flags",
            # the wait for the lock is one statement too
            statement_timeout_seconds=1 + self._wait_milliseconds // 1000,
            lock_timeout_milliseconds=self._wait_milliseconds,
            needs_primary=True,
        )
        with translated_errors(f"the lock on writes of flag {flag}"), opened as connection:
            connection.execute(statement("flags/lock_writer"), {"flag": flag})
            yield
