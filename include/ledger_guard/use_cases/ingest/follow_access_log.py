"""ingest, of logs that grow: each look reads what is new, and stores it with the place that it was read to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from ledger_guard.domain.access_events import AccessEvent, IngestedFile, RejectedLine
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.facts.records import LogLost, SourceAdvanced
from ledger_guard.domain.followed_logs import (
    LINES_THAT_SHOW,
    FollowedLog,
    FollowState,
    LogBatch,
    LogPosition,
    LogSight,
)
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.windows import Window
from ledger_guard.ports import Dependencies
from ledger_guard.ports.followed_logs import LogFolder
from ledger_guard.ports.platform import AccessEventDelivery, AccessEventStore
from ledger_guard.use_cases.ingest.event_times import remember_out_of_time, settled_before
from ledger_guard.use_cases.ingest.followed_book import FollowedBook, Undecided, disown, log_of, reconsider
from ledger_guard.use_cases.ingest.followed_looks import Completeness, Faults, Look
from ledger_guard.use_cases.ingest.ingest_access_log import delivered, told_of

#: how long a file is remembered that is not there any more
REMEMBERED_DAYS = 30


class Follower:
    """Follows the logs of a folder: a look after the other, each from where the last one stopped."""

    def __init__(
        self, deps: Dependencies, store: AccessEventStore, folder: LogFolder, actor: str, completeness: Completeness
    ) -> None:
        self._deps, self._store, self._folder, self._actor, self._completeness = deps, store, folder, actor, completeness
        self._book: FollowedBook | None = None
        #: what was seen of a file when it had been read to its end
        self._read: dict[str, LogSight] = {}
        self._faults = Faults()
        self._missing: set[str] = set()  # positions of files that were not there when they were last looked for
        #: results that the audit log lacks, by ingest
        self._unrecorded: dict[str, IngestedFile] = {}
        self._newest: datetime | None = None
        self._stated: datetime | None = None
        self._settled: datetime | None = None

    def look(self, *, is_last: bool = False, stopped: Callable[[], bool] = lambda: False) -> Look:
        """Read what is new, and state how far the source is complete.

        `is_last`: nobody looks again soon, so that what may still come right is told as it is. `stopped` ends it between two
        batches.

        Raises:
            SourceUnavailable: guard state does not answer. What was stored is stored: look again.
            StaleVersionError: another process follows the same files.
        """
        look, now = Look(), self._deps.clock.now()
        self._folder.as_of(now)
        self._settled = settled_before(self._deps)
        try:
            book = self._opened()
            seen = self._folder.sights()
            sights = seen.files
            look.held += [*seen.gone, *seen.empty]
            self._read_all(sights, book, look, stopped)
            # what lay in a folder that is away may come back with it
            if not seen.gone:
                self._find_lost(book, sights, look, is_last=is_last)
            self._faults.keep_only({sight.file_id for sight in sights})
            self._faults.hold(look, self._deps.wall_clock.now(), is_last=is_last)
            self._hold_for_unusable(book, sights, look, is_last=is_last)
            remember_out_of_time(self._deps, look.too_late, look.from_future, self._settled)
            if sights and not look.held and not look.is_unfinished:
                self._state(look, now)
        except Exception:
            # what was not stored is read again
            self._book = None
            raise
        return look

    def end(self) -> None:
        """Record the results that were not recorded yet."""
        if self._unrecorded:
            with self._store.delivery() as delivery:
                self._record(delivery)
            self._unrecorded.clear()

    def _opened(self) -> FollowedBook:
        if self._book is None:
            with self._store.delivery() as delivery:
                delivery.forget_positions(self._deps.wall_clock.now() - timedelta(days=REMEMBERED_DAYS))
                self._book = FollowedBook(delivery.followed())
            self._read.clear()
            moments = [log.file.last_event for log in self._book.logs if log.file.last_event]
            self._newest = max(moments, default=None)
        return self._book

    def _read_all(self, sights: Sequence[LogSight], book: FollowedBook, look: Look, stopped: Callable[[], bool]) -> None:
        now = self._deps.wall_clock.now()
        reconsider(sights, book, self._folder, now)
        changed = [sight for sight in sights if not self._is_read(sight, book.at(sight.file_id), now)]
        disown(changed, book, self._folder)
        for sight in changed:
            if stopped():
                break
            if self._faults.waits(sight, now):
                continue
            try:
                self._read_on(sight, log_of(sight, book, self._folder, sights), look, stopped)
            except Undecided:
                continue
            except BadInputError as error:
                self._faults.add(sight, str(error), now)
            else:
                self._faults.clear(sight)
        look.is_unfinished = stopped()

    def _read_on(self, sight: LogSight, log: FollowedLog | None, look: Look, stopped: Callable[[], bool]) -> None:
        now = self._deps.wall_clock.now()
        if sight.size_bytes == 0 or self._is_read(sight, log, now):
            return
        for batch in self._folder.batches(sight, log.position if log else None, now):
            log = self._store_batch(sight, log, batch, look)
            if log.position.state is FollowState.GIVEN_UP:
                break
            if stopped():
                return
        self._read[sight.file_id] = sight

    def _is_read(self, sight: LogSight, log: FollowedLog | None, now: datetime) -> bool:
        """Whether there can't be more of it than was read."""
        if log and log.position.state is FollowState.GIVEN_UP:
            return True
        if log and log.position.state is FollowState.ENDED and log.position.seen_bytes == sight.size_bytes:
            return True
        # once it is settled, its last line counts even without a line end
        may_end = sight.is_plain and sight.is_settled(now) and (log is None or log.position.may_lack)
        return self._read.get(sight.file_id) == sight and not may_end

    def _store_batch(self, sight: LogSight, log: FollowedLog | None, batch: LogBatch, look: Look) -> FollowedLog:
        book, now = self._opened(), self._deps.wall_clock.now()
        events = [entry for entry in batch.entries if isinstance(entry, AccessEvent)]
        rejects = [entry for entry in batch.entries if isinstance(entry, RejectedLine)]
        with self._store.delivery() as delivery:
            before = log.file if log else IngestedFile(new_id(), sight.path, batch.fingerprint, batch.mapping)
            if log is None:
                delivery.begin(before)
            file = delivered(delivery, before, events, rejects, self._settled)
            delivery.keep_hiding(_placed(rejects, events, sight, now))
            delivery.finish(file)
            position = _position(sight, log, file, batch, now)
            book.put(FollowedLog(position, file))
            book.store(delivery)
            if log is None:
                self._append(delivery, file)
            else:
                self._unrecorded[file.ingest_id] = file
        book.stored()
        look.accepted += file.accepted - before.accepted
        look.already_known += file.already_known - before.already_known
        look.rejected += file.rejected - before.rejected
        look.too_late += file.too_late - before.too_late
        look.from_future += file.from_future - before.from_future
        self._newest = max(filter(None, (self._newest, file.last_event)), default=None)
        return FollowedLog(position, file)

    def _find_lost(self, book: FollowedBook, sights: Sequence[LogSight], look: Look, *, is_last: bool) -> None:
        there = {sight.file_id for sight in sights}
        gone = [log for log in book.logs if log.position.file_id not in there and log.position.may_lack]
        lost = [log for log in gone if is_last or log.position.position_id in self._missing]
        self._missing = {log.position.position_id for log in gone}
        for log in lost:
            book.put(replace(log, position=replace(log.position, state=FollowState.LOST)))
            place = f"read to byte {log.position.read_bytes:,}, {log.position.seen_bytes:,} bytes when last seen"
            look.lost.append(f"{log.position.path}: gone or emptied before it was read to its end ({place})")
        if not book.has_unstored:
            return
        with self._store.delivery() as delivery:
            book.store(delivery)
            at = self._deps.wall_clock.now()
            for log in lost:
                at_end = log.position
                fact = LogLost(
                    ingest_id=at_end.ingest_id, file=at_end.path, read_bytes=at_end.read_bytes, seen_bytes=at_end.seen_bytes
                )
                delivery.audit.append(recorded(fact, actor=self._actor, subject=f"file:{at_end.ingest_id}", at=at))
        book.stored()

    def _hold_for_unusable(self, book: FollowedBook, sights: Sequence[LogSight], look: Look, *, is_last: bool) -> None:
        for sight in sights:
            log = book.at(sight.file_id)
            if log and log.position.state is FollowState.GIVEN_UP:
                counts = f"{log.file.rejected} of its first {log.file.lines} lines can't be used ({log.file.first_reject})"
                look.held.append(
                    f"{sight.path}: {counts}: given up; allowed: a log in the format of the mapping {log.file.mapping}"
                )
            elif log and log.file.is_unusable and (is_last or not sight.is_plain or log.file.lines >= LINES_THAT_SHOW):
                look.held.append(f"{sight.path}: none of its lines could be used as {log.file.mapping}: {log.file.first_reject}")

    def _state(self, look: Look, now: datetime) -> None:
        """State completeness, in whole windows: within one it changes nothing."""
        # a clock that runs ahead, within what the policy allows, makes nothing complete that has not happened yet
        moments = [min(self._newest, now) - self._completeness.behind] if self._newest else []
        if self._completeness.idle_behind is not None:
            moments.append(now - self._completeness.idle_behind)
        if not moments:
            return
        stated = Window.containing(max(moments), timedelta(minutes=self._deps.policy.window_minutes)).start
        if self._stated is not None and stated <= self._stated:
            return
        at = self._deps.wall_clock.now()
        with self._store.delivery() as delivery:
            self._record(delivery)
            reached = delivery.advance(stated, at)
            fact = SourceAdvanced(stated=stated, complete_through=reached)
            delivery.audit.append(recorded(fact, actor=self._actor, subject="source:access_event", at=at))
        self._unrecorded.clear()
        self._stated = look.complete_through = reached

    def _record(self, delivery: AccessEventDelivery) -> None:
        for file in self._unrecorded.values():
            self._append(delivery, file)

    def _append(self, delivery: AccessEventDelivery, file: IngestedFile) -> None:
        at, subject = self._deps.wall_clock.now(), f"file:{file.ingest_id}"
        delivery.audit.append(recorded(told_of(file), actor=self._actor, subject=subject, at=at))


def _position(sight: LogSight, log: FollowedLog | None, file: IngestedFile, batch: LogBatch, now: datetime) -> LogPosition:
    state = FollowState.ENDED if batch.is_end else sight.state
    return LogPosition(
        position_id=log.position.position_id if log else new_id(),
        ingest_id=file.ingest_id,
        path=sight.path,
        file_id=sight.file_id,
        fingerprint=batch.fingerprint,
        fingerprint_bytes=batch.fingerprint_bytes,
        read_bytes=batch.read_bytes,
        checksum=batch.checksum,
        read_lines=batch.read_lines,
        near=batch.near,
        seen_bytes=sight.size_bytes,
        seen_at=now,
        state=FollowState.GIVEN_UP if file.is_hopeless else state,
    )


def _placed(rejects: Sequence[RejectedLine], events: Sequence[AccessEvent], sight: LogSight, now: datetime) -> list[RejectedLine]:
    """Those that may hide a request, each with about when; before a file's first event that is told by it, or by the file."""
    first = events[0].event_time if events else min(sight.written_at, now)
    return [replace(line, near=line.near or first) for line in rejects if line.hides_request_to]
