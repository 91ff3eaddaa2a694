"""What players held before the ledger, in Postgres."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from ledger_guard.adapters.postgres.rows import Store
from ledger_guard.sql import statement


class PostgresOpeningStore(Store):
    """OpeningStore; lines go through as they are."""

    def seen(self, tenant_id: str, words: str) -> Iterator[bytes]:
        """See OpeningStore."""
        key = {"tenant_id": tenant_id, "words": words}
        with self._connection.cursor() as cursor, cursor.copy(statement("guard/copy_seen_openings"), key) as copy:
            yield from map(bytes, copy)

    def add(self, tenant_id: str, words: str, lines: Iterable[bytes], at: datetime) -> None:
        """See OpeningStore."""
        self._execute("guard/create_new_openings")
        with self._connection.cursor() as cursor, cursor.copy(statement("guard/copy_new_openings")) as copy:
            for block in lines:
                copy.write(block)
        self._execute("guard/insert_seen_openings", tenant_id=tenant_id, words=words, seen_at=at)
