"""Where access events are kept, in memory and in Postgres."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
import pytest

from ledger_guard.adapters.memory.access_events import InMemoryAccessEventStore
from ledger_guard.adapters.memory.state import InMemoryGuardState
from ledger_guard.adapters.postgres.access_events import PostgresAccessEventStore
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.domain.access_events import AccessEvent, RejectedLine
from ledger_guard.ports.platform import AccessEventStore

_COLUMNS = (
    "event_key, event_time, tenant_id, subject_id, method, path, provider, status, error_code, error_code_is_known,"
    " amount_cents, host(source_address)"
)


@dataclass(frozen=True)
class KeptEvents:
    """A store, and what can be seen in it from outside."""

    store: AccessEventStore
    events: Callable[[], list[AccessEvent]]
    rejects: Callable[[str], list[RejectedLine]]
    #: accepted, already known and rejected of each finished file
    counts: Callable[[], list[tuple[int, int, int]]]
    complete_through: Callable[[], datetime | None]


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
def kept(request: pytest.FixtureRequest) -> KeptEvents:
    """An empty store of each kind."""
    if request.param == "memory":
        store = InMemoryAccessEventStore(InMemoryGuardState())
        return KeptEvents(
            store,
            lambda: sorted(store.events, key=lambda event: event.event_key),
            lambda ingest_id: list(store.rejects(ingest_id)),
            lambda: [(file.accepted, file.already_known, file.rejected) for file in store.files],
            lambda: store.complete_through,
        )
    return kept_in_postgres(request.getfixturevalue("database_uri"))


def kept_in_postgres(uri: str) -> KeptEvents:
    def rows(query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(uri) as connection:
            connection.execute("set timezone to 'UTC'")
            return connection.execute(query, parameters).fetchall()

    def complete_through() -> datetime | None:
        found = rows("select complete_through from ledger_guard.source_watermark where source = 'access_event'")
        return found[0][0] if found else None

    return KeptEvents(
        PostgresAccessEventStore(ConnectionSettings.parse(uri, "ledger_guard_db")),
        lambda: [AccessEvent(*row) for row in rows(f"select {_COLUMNS} from ledger_guard.access_event order by event_key")],
        lambda ingest_id: [
            RejectedLine(*row)
            for row in rows(
                "select line_number, reason, excerpt from ledger_guard.ingest_reject where ingest_id = %s order by 1", ingest_id
            )
        ],
        lambda: rows("select accepted, already_known, rejected from ledger_guard.ingest_file order by ingested_at"),
        complete_through,
    )
