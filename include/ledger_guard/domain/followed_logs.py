"""Log files that are followed: how far each was read, and what a look at their folders finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from ledger_guard.domain.access_events import AccessEvent, IngestedFile, RejectedLine

#: the beginning of a file by which it is known again, in bytes; less where it is shorter
FINGERPRINT_BYTES = 1_024
#: a file that nobody wrote to for so long is not written any more: its last line counts without a line end
SETTLED_AFTER_SECONDS = 3_600
#: a compressed file that can't be read to its end may still be being written for so long
COMPRESSING_SECONDS = 60
#: so many lines show whether anything of a log that is still written can be used; before it may be a greeting
LINES_THAT_SHOW = 50


class FollowState(Enum):
    """What is still to be expected of a followed file."""

    #: plain, and it may grow
    OPEN = "open"
    #: compressed, and not read to its end
    UNPACKING = "unpacking"
    #: read to its end, and it can't grow
    ENDED = "ended"
    #: too much of it is no log
    GIVEN_UP = "given_up"
    #: it was gone before it was read to its end
    LOST = "lost"


@dataclass(frozen=True)
class LogSight:
    """A file as it lies there now."""

    path: str
    #: device and inode
    file_id: str
    #: on the disk
    size_bytes: int
    written_at: datetime
    #: when anything of it changed, its name and rights too, as its disk counts; nobody can set that
    changed: int = 0
    #: its content is not longer than `size_bytes`, and it may grow
    is_plain: bool = True

    @property
    def state(self) -> FollowState:
        """Of a file like this that was not read to its end."""
        return FollowState.OPEN if self.is_plain else FollowState.UNPACKING

    def is_settled(self, now: datetime, seconds: int = SETTLED_AFTER_SECONDS) -> bool:
        """Whether nobody wrote to it for so long."""
        return (now - self.written_at).total_seconds() >= seconds


@dataclass(frozen=True)
class PlacesSeen:
    """What the followed places hold now."""

    files: Sequence[LogSight]
    #: folders that are not there or can't be read: sentences for people
    gone: Sequence[str] = ()
    #: folders and patterns in which there is no file: sentences for people
    empty: Sequence[str] = ()


@dataclass(frozen=True)
class LogPosition:
    """How far a file was read. Byte counts are of its content, unpacked, unless another thing is said."""

    position_id: str
    ingest_id: str
    #: where it was last
    path: str
    #: device and inode; None once another file has them
    file_id: str | None
    #: SHA-256 of the first `fingerprint_bytes` bytes
    fingerprint: str
    fingerprint_bytes: int
    #: up to the end of a line
    read_bytes: int
    #: CRC-32 of the bytes that were read
    checksum: int
    #: blank ones too
    read_lines: int
    #: time of the event that was read last
    near: datetime | None
    #: its size on the disk when it was looked at last
    seen_bytes: int
    seen_at: datetime
    state: FollowState = FollowState.OPEN

    @property
    def may_lack(self) -> bool:
        """Whether there was more of it than was read."""
        return self.state is FollowState.UNPACKING or (self.state is FollowState.OPEN and self.seen_bytes > self.read_bytes)


@dataclass(frozen=True)
class FollowedLog:
    """A file that is followed, and the result so far."""

    position: LogPosition
    file: IngestedFile

    def moved_to(self, sight: LogSight) -> FollowedLog:
        """The same content, which now lies there."""
        place = replace(self.position, path=sight.path, file_id=sight.file_id, seen_bytes=sight.size_bytes)
        return replace(self, position=replace(place, state=sight.state))


@dataclass(frozen=True)
class LogBatch:
    """Some lines of a followed file, and how far it was read with them."""

    entries: tuple[AccessEvent | RejectedLine, ...]
    mapping: str
    fingerprint: str
    fingerprint_bytes: int
    read_bytes: int
    checksum: int
    read_lines: int
    near: datetime | None
    #: whether this is all of a file that can't grow
    is_end: bool = False


def followed_by_another(path: str) -> str:
    """Why a position could not be kept."""
    return f"{path}: another process follows it and has read on; allowed: one follower of a folder"
