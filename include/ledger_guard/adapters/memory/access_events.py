"""Access events in memory, next to an in-memory guard state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from ledger_guard.adapters.memory.state import InMemoryGuardState
from ledger_guard.domain.access_events import AccessEvent, IngestedFile, RejectedLine
from ledger_guard.domain.errors import StaleVersionError
from ledger_guard.domain.followed_logs import FollowedLog, LogPosition, followed_by_another
from ledger_guard.domain.windows import require_aware
from ledger_guard.ports.guard_state import AuditLog


@dataclass
class _Kept:
    events: dict[tuple[str, datetime], AccessEvent] = field(default_factory=dict)
    files: dict[str, IngestedFile] = field(default_factory=dict)
    rejects: dict[str, tuple[RejectedLine, ...]] = field(default_factory=dict)
    hiding: dict[str, RejectedLine] = field(default_factory=dict)
    positions: dict[str, LogPosition] = field(default_factory=dict)
    complete_through: datetime | None = None

    def copy(self) -> _Kept:
        maps = (dict(self.events), dict(self.files), dict(self.rejects), dict(self.hiding), dict(self.positions))
        return _Kept(*maps, self.complete_through)


class InMemoryAccessEventDelivery:
    """AccessEventDelivery onto a copy that counts when the block ends well."""

    def __init__(self, kept: _Kept, audit: AuditLog) -> None:
        self._kept = kept
        self.audit = audit

    def begin(self, file: IngestedFile) -> None:
        """See AccessEventDelivery."""
        self._kept.files[file.ingest_id] = file

    def add(self, events: Sequence[AccessEvent]) -> int:
        """See AccessEventDelivery."""
        known = len(self._kept.events)
        for event in events:
            self._kept.events.setdefault((event.event_key, event.event_time), event)
        return len(self._kept.events) - known

    def unknown(self, events: Sequence[AccessEvent]) -> int:
        """See AccessEventDelivery."""
        return sum((event.event_key, event.event_time) not in self._kept.events for event in events)

    def keep_rejects(self, file: IngestedFile, rejects: Sequence[RejectedLine]) -> None:
        """See AccessEventDelivery."""
        self._kept.rejects[file.ingest_id] = (*self._kept.rejects.get(file.ingest_id, ()), *rejects)

    def keep_hiding(self, lines: Sequence[RejectedLine]) -> None:
        """See AccessEventDelivery."""
        for line in lines:
            self._kept.hiding.setdefault(line.line_key, line)

    def finish(self, file: IngestedFile) -> None:
        """See AccessEventDelivery."""
        self._kept.files[file.ingest_id] = file

    def followed(self) -> Sequence[FollowedLog]:
        """See AccessEventDelivery."""
        found = sorted(self._kept.positions.values(), key=lambda each: (each.seen_at, each.position_id))
        return [FollowedLog(each, self._kept.files[each.ingest_id]) for each in found]

    def keep_position(self, position: LogPosition, known_bytes: int | None) -> None:
        """See AccessEventDelivery."""
        known = self._kept.positions.get(position.position_id)
        others = {each.file_id for each in self._kept.positions.values() if each.position_id != position.position_id}
        if (known.read_bytes if known else None) != known_bytes or (position.file_id and position.file_id in others):
            raise StaleVersionError(followed_by_another(position.path))
        self._kept.positions[position.position_id] = position

    def forget_positions(self, before: datetime) -> None:
        """See AccessEventDelivery."""
        self._kept.positions = {key: each for key, each in self._kept.positions.items() if each.seen_at >= before}

    def advance(self, complete_through: datetime, at: datetime) -> datetime:
        """See AccessEventDelivery."""
        require_aware(at, "at")
        reached = max(filter(None, (self._kept.complete_through, complete_through)))
        self._kept.complete_through = reached
        return reached


class InMemoryAccessEventStore:
    """AccessEventStore beside `state`, whose audit log it writes to."""

    def __init__(self, state: InMemoryGuardState) -> None:
        self._state = state
        self._kept = _Kept()

    @contextmanager
    def delivery(self) -> Iterator[InMemoryAccessEventDelivery]:
        """See AccessEventStore."""
        kept = self._kept.copy()
        with self._state.transaction() as transaction:
            yield InMemoryAccessEventDelivery(kept, transaction.audit)
        self._kept = kept

    @property
    def events(self) -> tuple[AccessEvent, ...]:
        """What is stored, in order of arrival."""
        return tuple(self._kept.events.values())

    @property
    def files(self) -> tuple[IngestedFile, ...]:
        """Ingested files, in order of arrival."""
        return tuple(self._kept.files.values())

    @property
    def complete_through(self) -> datetime | None:
        """What was stated last."""
        return self._kept.complete_through

    @property
    def hiding(self) -> tuple[RejectedLine, ...]:
        """Lines that may hide requests, in order of arrival."""
        return tuple(self._kept.hiding.values())

    def rejects(self, ingest_id: str) -> tuple[RejectedLine, ...]:
        """Rejected lines of a file."""
        return self._kept.rejects.get(ingest_id, ())
