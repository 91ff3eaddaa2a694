"""Where ingested access events are kept: guard state's own tables, filled through COPY."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime
from operator import attrgetter

import psycopg

from ledger_guard.adapters.postgres.connection import Connection, ConnectionSettings, translated_errors
from ledger_guard.adapters.postgres.rows import Store, given, value_of
from ledger_guard.adapters.postgres.state import PostgresGuardState
from ledger_guard.adapters.signal_sources.access_events import ACCESS_EVENTS
from ledger_guard.domain.access_events import AccessEvent, IngestedFile, RejectedLine
from ledger_guard.domain.audit_keys import NO_KEYS, AuditKeys
from ledger_guard.domain.errors import StaleVersionError
from ledger_guard.domain.followed_logs import FollowedLog, LogPosition, followed_by_another
from ledger_guard.ports.guard_state import AuditLog
from ledger_guard.sql import statement

#: the fields of an event, in their order, as copy_events.sql and copy_incoming.sql name them
_columns = attrgetter(*(each.name for each in fields(AccessEvent)))


class PostgresAccessEventDelivery(Store):
    """AccessEventDelivery within one transaction of guard state."""

    def __init__(self, connection: Connection, audit: AuditLog) -> None:
        super().__init__(connection)
        self.audit = audit
        self._some_are_known = False

    def begin(self, file: IngestedFile) -> None:
        """See AccessEventDelivery."""
        self._execute("ingest/insert_file", **given(file))

    def add(self, events: Sequence[AccessEvent]) -> int:
        """See AccessEventDelivery.

        Events are copied straight into their table, as most are new, and by way of the landing table once one was not: a copy
        can't leave out what is known.
        """
        different = {event.event_key: event for event in reversed(events)}
        if not different:
            return 0
        if not self._some_are_known:
            try:
                return self._copied(reversed(different.values()), "ingest/copy_events")
            except psycopg.errors.UniqueViolation:
                self._some_are_known = True
        new = self._landed(reversed(different.values()))
        self._some_are_known = new < len(different)
        return new

    def _landed(self, events: Iterable[AccessEvent]) -> int:
        self._execute("ingest/create_incoming")
        self._copied(events, "ingest/copy_incoming")
        new = self._execute("ingest/insert_events").rowcount
        self._execute("ingest/clear_incoming")
        return new

    def _copied(self, events: Iterable[AccessEvent], name: str) -> int:
        # within a savepoint: a copy that fails must not end the delivery
        with self._connection.transaction(), self._connection.cursor() as cursor:
            with cursor.copy(statement(name)) as copy:
                for event in events:
                    copy.write_row(_columns(event))
            return cursor.rowcount

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

    def followed(self) -> Sequence[FollowedLog]:
        """See AccessEventDelivery."""
        rows = self._execute("ingest/select_followed").fetchall()
        return [FollowedLog(value_of(LogPosition, row), value_of(IngestedFile, row)) for row in rows]

    def keep_position(self, position: LogPosition, known_bytes: int | None) -> None:
        """See AccessEventDelivery."""
        try:
            saved = self._execute("ingest/save_position", **given(position), known_bytes=known_bytes).rowcount
        except psycopg.errors.UniqueViolation as error:
            raise StaleVersionError(followed_by_another(position.path)) from error
        if not saved:
            raise StaleVersionError(followed_by_another(position.path))

    def forget_positions(self, before: datetime) -> None:
        """See AccessEventDelivery."""
        self._execute("ingest/delete_positions", before=before)

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
