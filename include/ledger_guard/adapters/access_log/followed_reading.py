"""Reading on in a file that may still grow: from where it was left, in batches that end between lines."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from ledger_guard.adapters.access_log.line_entries import LineEntries
from ledger_guard.adapters.access_log.log_bytes import LINE_MAX_BYTES, MeteredLines, OpenLog, Reached, opened_log, skip
from ledger_guard.adapters.access_log.wrapped_lines import Unwrapping
from ledger_guard.domain.access_events import AccessEvent, RejectedLine
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.followed_logs import FINGERPRINT_BYTES, LogBatch, LogPosition, LogSight

#: how far back lines are looked at by a new reader, to tell equal lines apart
_LOOK_BACK_BYTES = 8 << 20

Entry = AccessEvent | RejectedLine


def opened_as_seen(sight: LogSight, log: OpenLog) -> OpenLog:
    """The log; raises BadInputError when another file has its name by now."""
    if file_id(log.status) != sight.file_id:
        raise BadInputError(f"{sight.path}: was renamed while it was looked at; allowed: look again")
    return log


def file_id(status: os.stat_result) -> str:
    """Device and inode."""
    return f"{status.st_dev}:{status.st_ino}"


class FollowedReading:
    """Reads one file on, once."""

    def __init__(self, sight: LogSight, position: LogPosition | None, most_lines: int, *, is_final: bool) -> None:
        """`is_final`: it can't grow, so that its last line needs no line end."""
        self._sight, self._position, self._most_lines, self._is_final = sight, position, most_lines, is_final
        #: whether all lines that the entries know of were given out
        self.ended_between_lines = False

    def batches(self, entries: LineEntries, mapping: str, *, is_new_reader: bool) -> Iterator[LogBatch]:
        """The batches, at most up to the size that was seen; `is_new_reader`: `entries` know nothing of the lines before."""
        with opened_log(Path(self._sight.path)) as opened:
            log = opened_as_seen(self._sight, opened)
            beginning = log.stream.read(FINGERPRINT_BYTES)
            log.stream.seek(0)
            start = self._at_position(log, entries, is_new_reader=is_new_reader)
            lines = MeteredLines(Path(self._sight.path), log, start)

            def batch(found: list[Entry], reached: Reached, near: datetime | None, *, is_end: bool) -> LogBatch:
                first = beginning if log.is_compressed else os.pread(log.number, FINGERPRINT_BYTES, 0)
                first = first[: reached.read_bytes]
                digest = hashlib.sha256(first).hexdigest()
                return LogBatch(
                    tuple(found), mapping, digest, len(first), reached.read_bytes, reached.checksum, reached.lines, near, is_end
                )

            yield from self._read(lines, log, entries, batch)

    def _read(
        self, lines: MeteredLines, log: OpenLog, entries: LineEntries, batch: Callable[..., LogBatch]
    ) -> Iterator[LogBatch]:
        unwrapping = Unwrapping(LINE_MAX_BYTES)
        #: up to the last place between lines, and behind it
        ready: list[Entry] = []
        waiting: list[Entry] = []
        reached, near = lines.reached, entries.near
        while found := self._next(lines, log):
            waiting += [entries.entry(*line) for line in unwrapping.whole_lines(*found)]
            if unwrapping.is_between_lines:
                ready, waiting, reached, near = ready + waiting if waiting else ready, [], lines.reached, entries.near
            if len(ready) >= self._most_lines:
                yield batch(ready, reached, near, is_end=False)
                ready = []
        if self._is_final:
            ready += [*waiting, *(entries.entry(*line) for line in unwrapping.rest())]
            reached, near = lines.reached, entries.near
        self.ended_between_lines = self._is_final or unwrapping.is_between_lines
        if ready or (self._is_final and reached.read_bytes):
            yield batch(ready, reached, near, is_end=log.is_compressed)

    def _next(self, lines: MeteredLines, log: OpenLog) -> tuple[int, bytes] | None:
        if not log.is_compressed and lines.reached.read_bytes >= self._sight.size_bytes:
            return None
        found = lines.next_line()
        return found if lines.is_whole or self._is_final else None

    def _at_position(self, log: OpenLog, entries: LineEntries, *, is_new_reader: bool) -> Reached:
        if self._position is None:
            return Reached()
        end = self._position.read_bytes
        start = max(0, end - _LOOK_BACK_BYTES) if is_new_reader else end
        passed = skip(log, start)
        unwrapping = Unwrapping(LINE_MAX_BYTES)
        lines = MeteredLines(Path(self._sight.path), log, Reached(passed, 0, min(passed, 1)))
        while lines.reached.read_bytes < end and (found := lines.next_line()):
            for _, content in unwrapping.whole_lines(*found):
                entries.pass_over(content)
        if lines.reached.read_bytes < end:
            raise BadInputError(f"{self._sight.path}: is shorter than it was; allowed: look again")
        # blank lines behind the position may have been passed: stand exactly there
        log.stream.seek(end)
        return Reached(end, self._position.checksum, self._position.read_lines)
