"""Which file is which: positions of followed logs, found again after renaming, emptying, copying and compressing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from datetime import datetime

from ledger_guard.domain.access_events import AccessEvent, IngestedFile
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.followed_logs import FINGERPRINT_BYTES, FollowedLog, FollowState, LogPosition, LogSight
from ledger_guard.domain.identifiers import new_id
from ledger_guard.ports.followed_logs import LogFolder
from ledger_guard.ports.platform import AccessEventDelivery


class FollowedBook:
    """The followed logs that are remembered, and what of them is not stored yet."""

    def __init__(self, logs: Iterable[FollowedLog]) -> None:
        self._positions: dict[str, LogPosition] = {}
        self._stored_bytes: dict[str, int] = {}
        #: results, by ingest: a copy has a position of its own, and its file's result
        self._files: dict[str, IngestedFile] = {}
        self._unstored: dict[str, LogPosition] = {}
        #: positions of logs of which nothing could be used before this process began
        self._doubtful: set[str] = set()
        #: the files that were taken from positions
        self._had: dict[str, str] = {}
        for log in logs:
            self.put(log)
        self.stored()
        self._doubtful = {log.position.position_id for log in self.logs if log.file.is_unusable}

    @property
    def logs(self) -> Sequence[FollowedLog]:
        """All of them."""
        return tuple(self._log(position) for position in self._positions.values())

    def at(self, file_id: str) -> FollowedLog | None:
        """The log that this file was when it was read last."""
        return next((self._log(each) for each in self._positions.values() if each.file_id == file_id), None)

    def put(self, log: FollowedLog) -> None:
        """Remember this of it from now on; `store` stores its position."""
        self._positions[log.position.position_id] = log.position
        self._files[log.position.ingest_id] = log.file
        self._unstored[log.position.position_id] = log.position

    def disown(self, log: FollowedLog) -> None:
        """Its file is another's by now."""
        if log.position.file_id:
            self._had[log.position.position_id] = log.position.file_id
        self.put(replace(log, position=replace(log.position, file_id=None)))

    def take_doubtful(self, file_id: str) -> FollowedLog | None:
        """The log that this file was, if nothing of it could be used before this process began; each once."""
        log = self.at(file_id) if self._doubtful else None
        if log is None or log.position.position_id not in self._doubtful:
            return None
        self._doubtful.remove(log.position.position_id)
        return log

    def set_aside(self, log: FollowedLog) -> None:
        """Its content is read anew, as if it had never been seen."""
        self.put(replace(log, position=replace(log.position, file_id=None, fingerprint="", state=FollowState.ENDED)))

    def had(self, log: FollowedLog, sight: LogSight) -> bool:
        """Whether this was its file."""
        return self._had.get(log.position.position_id) == sight.file_id

    def _log(self, position: LogPosition) -> FollowedLog:
        return FollowedLog(position, self._files[position.ingest_id])

    def store(self, delivery: AccessEventDelivery) -> None:
        """Store what is not stored yet: first of files that lost their place to another."""
        for position in sorted(self._unstored.values(), key=lambda each: each.file_id is not None):
            delivery.keep_position(position, self._stored_bytes.get(position.position_id))

    def stored(self) -> None:
        """The transaction of `store` ended well."""
        self._stored_bytes.update({key: position.read_bytes for key, position in self._unstored.items()})
        self._unstored.clear()

    @property
    def has_unstored(self) -> bool:
        """Whether there is something to store."""
        return bool(self._unstored)


class Undecided(Exception):
    """The file is a copy of another one that is still being made or read: look again."""


def reconsider(sights: Iterable[LogSight], book: FollowedBook, folder: LogFolder, now: datetime) -> None:
    """Set aside logs of which nothing could be used and now something can: the mapping was a wrong one and was mended."""
    for sight in sights:
        if log := book.take_doubtful(sight.file_id):
            with suppress(BadInputError), closing(folder.batches(sight, None, now)) as batches:
                first = next(batches, None)
                if first and any(isinstance(entry, AccessEvent) for entry in first.entries):
                    book.set_aside(log)


def disown(sights: Iterable[LogSight], book: FollowedBook, folder: LogFolder) -> None:
    """Take its file from each log whose file was emptied and written anew, or whose inode is another file's by now."""
    for sight in sights:
        mine = book.at(sight.file_id)
        if mine and not _goes_on(sight, mine.position, folder):
            book.disown(mine)
        elif mine and mine.position.path != sight.path:
            book.put(replace(mine, position=replace(mine.position, path=sight.path)))


def log_of(sight: LogSight, book: FollowedBook, folder: LogFolder, present: Sequence[LogSight]) -> FollowedLog | None:
    """The log whose content this file has, at its place now; None: it is a new one. Call `disown` before.

    Raises:
        Undecided: not yet known.
        BadInputError: the file can't be read.
    """
    if mine := book.at(sight.file_id):
        return mine
    beginning = folder.first_bytes(sight) if sight.size_bytes else b""
    at_hand = {each.file_id: each for each in present}
    # those without a file first: the copy takes their place
    for log in sorted(book.logs, key=lambda log: log.position.file_id in at_hand):
        original = at_hand.get(log.position.file_id or "")
        # what is shorter than what was read of it was written to since, if it is no copy
        may_be_short = not book.had(log, sight)
        if _begins_as(beginning, log.position) and (found := _copy(sight, log, original, folder, may_be_short=may_be_short)):
            # a copy of what is read elsewhere has a position of its own
            book.put(found if original is None else _beside(found))
            return book.at(sight.file_id)
    return None


def _goes_on(sight: LogSight, position: LogPosition, folder: LogFolder) -> bool:
    if sight.is_plain and sight.size_bytes < position.read_bytes:
        return False
    try:
        if not _begins_as(folder.first_bytes(sight), position):
            return False
        # inodes are used again: under another name it has to be the same all through
        return sight.path == position.path or folder.checksum(sight, position.read_bytes) == (
            position.checksum,
            position.read_bytes,
        )
    except BadInputError:
        # told when it is to be read
        return True


def _begins_as(beginning: bytes, position: LogPosition) -> bool:
    first = beginning[: position.fingerprint_bytes]
    return len(first) == position.fingerprint_bytes and hashlib.sha256(first).hexdigest() == position.fingerprint


def _copy(
    sight: LogSight, log: FollowedLog, original: LogSight | None, folder: LogFolder, *, may_be_short: bool
) -> FollowedLog | None:
    """The log at the place of its copy; None: this is no copy of it. `original` is the log's own file, if it is there."""
    read = log.position.read_bytes
    checksum, length = folder.checksum(sight, read)
    if length == read:
        if checksum != log.position.checksum:
            return None
        if original is not None and original.is_plain and original.size_bytes > read:
            raise Undecided
        return log.moved_to(sight)
    if original is not None:
        if folder.checksum(original, length) == (checksum, length):
            raise Undecided
        return None
    if not may_be_short or log.position.fingerprint_bytes < FINGERPRINT_BYTES:
        return None
    # lines were read that the copy missed before the file was emptied: nothing is left to be read
    moved = log.moved_to(sight)
    return replace(moved, position=replace(moved.position, read_bytes=length, checksum=checksum))


def _beside(log: FollowedLog) -> FollowedLog:
    return replace(log, position=replace(log.position, position_id=new_id()))
