"""LogFolder over the files of folders and patterns."""

from __future__ import annotations

import glob
import os
import stat
import zlib
from collections.abc import Generator, Sequence
from datetime import datetime
from pathlib import Path

from ledger_guard.adapters.access_log.followed_reading import FollowedReading, file_id, opened_as_seen
from ledger_guard.adapters.access_log.line_entries import LineEntries
from ledger_guard.adapters.access_log.line_events import LineEvents
from ledger_guard.adapters.access_log.log_bytes import blocks, is_compressed, opened_log
from ledger_guard.adapters.access_log.log_file import guessed_format, line_entries
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.followed_logs import FINGERPRINT_BYTES, LogBatch, LogPosition, LogSight, PlacesSeen
from ledger_guard.domain.windows import UTC
from ledger_guard.policy.platform import AccessLogMapping

#: lines of a batch, which is one transaction
MOST_BATCH_LINES = 5_000
#: files whose lines are remembered from look to look, up to 20 MB each; others are looked back at
MOST_READERS = 16


class FolderOfLogs:
    """The regular files of folders, hidden ones left out, and those that match patterns."""

    def __init__(
        self,
        places: Sequence[str],
        line_format: str,
        mappings: dict[str, tuple[str, AccessLogMapping, LineEvents]],
        most_batch_lines: int = MOST_BATCH_LINES,
    ) -> None:
        """`places`: folders and glob patterns. `mappings`: by format, a mapping's name, itself, and what it makes of fields."""
        self._places, self._format, self._mappings = places, line_format, mappings
        self._most_batch_lines = most_batch_lines
        #: what the lines of a file were, for files that were read to a place between lines, the one read last at the end
        self._readers: dict[str, tuple[int, LineEntries]] = {}

    def as_of(self, now: datetime) -> None:
        """See LogFolder."""
        for _, _, events in self._mappings.values():
            events.as_of(now)

    def sights(self) -> PlacesSeen:
        """See LogFolder."""
        found: dict[str, LogSight] = {}
        gone, empty = [], []
        for place in self._places:
            try:
                seen = [sight for path in sorted(_files(place)) if (sight := _sight(path))]
            except BadInputError as error:
                gone.append(str(error))
                continue
            if not seen:
                empty.append(f"{place}: has no file; allowed: a folder or pattern with logs (no pipe, and no link to one)")
            for sight in seen:
                found.setdefault(sight.file_id, sight)
        return PlacesSeen(sorted(found.values(), key=lambda sight: (sight.written_at, sight.path)), gone, empty)

    def first_bytes(self, sight: LogSight) -> bytes:
        """See LogFolder."""
        with opened_log(Path(sight.path)) as log:
            return b"".join(blocks(opened_as_seen(sight, log), FINGERPRINT_BYTES))

    def checksum(self, sight: LogSight, count: int) -> tuple[int, int]:
        """See LogFolder."""
        checksum = length = 0
        with opened_log(Path(sight.path)) as log:
            for block in blocks(opened_as_seen(sight, log), count):
                checksum, length = zlib.crc32(block, checksum), length + len(block)
        return checksum, length

    def batches(self, sight: LogSight, position: LogPosition | None, now: datetime) -> Generator[LogBatch]:
        """See LogFolder."""
        line_format = guessed_format(Path(sight.path)) if self._format == "auto" else self._format
        if line_format not in self._mappings:
            allowed = ", ".join(sorted(self._mappings))
            raise BadInputError(f"{sight.path}: is {line_format}, for which the policy has no mapping; allowed: {allowed}")
        name, mapping, events = self._mappings[line_format]
        left_at, known = self._readers.pop(sight.file_id, (0, None))
        is_known = position is not None and known is not None and left_at == position.read_bytes
        near = position.near if position else None
        entries = known if known and is_known else line_entries(line_format, mapping, events, near)
        is_final = not sight.is_plain or sight.is_settled(now)
        reading = FollowedReading(sight, position, self._most_batch_lines, is_final=is_final)
        reached = position.read_bytes if position else 0
        for batch in reading.batches(entries, name, is_new_reader=not is_known):
            reached = batch.read_bytes
            yield batch
        if reading.ended_between_lines and sight.is_plain:
            self._readers[sight.file_id] = (reached, entries)
            while len(self._readers) > MOST_READERS:
                del self._readers[next(iter(self._readers))]


def _sight(path: str) -> LogSight | None:
    """The file as it lies there; None where there is none, or something else than a regular file."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        # gone since it was listed
        return None
    except OSError:
        # told when it is to be read
        return LogSight(path, f"unreadable:{path}", 1, datetime.fromtimestamp(0, UTC))
    if not stat.S_ISREG(status.st_mode):
        return None
    written_at = datetime.fromtimestamp(status.st_mtime, UTC)
    return LogSight(path, file_id(status), status.st_size, written_at, status.st_ctime_ns, _is_plain(path))


def _is_plain(path: str) -> bool:
    try:
        return not is_compressed(Path(path))
    except BadInputError:
        # told when it is to be read
        return True


def _files(place: str) -> list[str]:
    if glob.has_magic(place):
        return [os.path.abspath(path) for path in glob.glob(place)]
    try:
        return [os.path.join(os.path.abspath(place), name) for name in os.listdir(place) if not name.startswith(".")]
    except OSError as error:
        allowed = "a folder that can be read, or a pattern such as /var/log/ingress/*.log"
        raise BadInputError(f"{place}: can't be followed ({error.strerror}); allowed: {allowed}") from error
