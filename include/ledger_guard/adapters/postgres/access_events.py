"""Where ingested access events are kept: guard state's own tables, filled through COPY."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime
from operator import attrgetter

from ledger_guard.adapters.postgres.connection import Connection, ConnectionSettings, translated_errors
from ledger_guard.adapters.postgres.rows import Store, given
from ledger_guard.adapters.postgres.state import PostgresGuardState
from ledger_guard.adapters.signal_sources.access_events import ACCESS_EVENTS
from ledger_guard.domain.access_events import AccessEvent, IngestedFile, RejectedLine
from ledger_guard.domain.audit_keys import NO_KEYS, AuditKeys
from ledger_guard.ports.guard_state import AuditLog
from ledger_guard.sql import statement

#: the fields of an event, in their order, as copy_incoming.sql names them
_columns = attrgetter(*(each.name for each in fields(AccessEvent)))


class PostgresAccessEventDelivery(Store):
    """AccessEventDelivery within one transaction of guard state."""

    def __init__(self, connection: Connection, audit: AuditLog) -> None:
        super().__init__(connection)
        self.audit = audit
        self._execute("ingest/create_incoming")

    def begin(self, file: IngestedFile) -> None:
        """See AccessEventDelivery."""
        self._execute("ingest/insert_file", **given(file))

    def add(self, events: Sequence[AccessEvent]) -> int:
        """See AccessEventDelivery."""
        if not events:
            return 0
        with self._connection.cursor() as cursor:
            with cursor.copy(statement("ingest/copy_incoming")) as copy:
                for event in events:
                    copy.write_row(_columns(event))
            new = cursor.execute(statement("ingest/insert_events")).rowcount
            cursor.execute(statement("ingest/clear_incoming"))
        return new

    def unknown(self, events: Sequence[AccessEvent]) -> int:
        """See AccessEventDelivery."""
        keys, moments = [event.event_key for event in events], [event.event_time for event in events]
        row = self._row("ingest/count_unknown", event_keys=keys, moments=moments)
        assert row is not None, "a count gives one row"
        found: int = row["events"]
        return found

    def keep_rejects(self, file: IngestedFile, rejects: Sequence[RejectedLine]) -> None:
        """See AccessEventDelivery."""
        if not rejects:
            return
        with self._connection.cursor() as cursor, cursor.copy(statement("ingest/copy_rejects")) as copy:
            for line in rejects:
                copy.write_row((file.ingest_id, line.line_number, line.reason, line.excerpt))

    def keep_hiding(self, lines: Sequence[RejectedLine]) -> None:
        """See AccessEventDelivery."""
        if lines:
            self._execute(
                "ingest/insert_unreadable",
                line_keys=[line.line_key for line in lines],
                moments=[line.near for line in lines],
                paths=[line.hides_request_to for line in lines],
                reasons=[line.reason for line in lines],
            )

    def finish(self, file: IngestedFile) -> None:
        """See AccessEventDelivery."""
        self._execute("ingest/update_file", **given(file))

    def advance(self, complete_through: datetime, at: datetime) -> datetime:
        """See AccessEventDelivery."""
        row = self._row("ingest/advance_watermark", source=ACCESS_EVENTS, complete_through=complete_through, updated_at=at)
        assert row is not None, "an upsert that returns gives one row"
        reached: datetime = row["complete_through"]
        return reached


class PostgresAccessEventStore:
    """AccessEventStore in the guard's database, in the same transaction as the audit entries about it."""

    def __init__(self, guard: ConnectionSettings, audit_keys: AuditKeys = NO_KEYS) -> None:
        self._state = PostgresGuardState(guard, audit_keys)

    @contextmanager
    def delivery(self) -> Iterator[PostgresAccessEventDelivery]:
        """See AccessEventStore."""
        with translated_errors("access events"), self._state.transaction() as transaction:
            yield PostgresAccessEventDelivery(transaction.connection, transaction.audit)
