"""Folders of log files that grow."""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime
from typing import Protocol

from ledger_guard.domain.followed_logs import LogBatch, LogPosition, LogSight, PlacesSeen


class LogFolder(Protocol):
    """Log files that are written, renamed, emptied and compressed by others while they are read.

    Every method that reads a file raises BadInputError when it is unreadable, damaged, or no longer the file that was seen.
    """

    def as_of(self, now: datetime) -> None:
        """Refuse events later than `now` from here on."""

    def sights(self) -> PlacesSeen:
        """The files that are there, each once, the one first that was not written to for longest, and places without files."""

    def first_bytes(self, sight: LogSight) -> bytes:
        """The beginning of its content, at most `FINGERPRINT_BYTES`."""

    def checksum(self, sight: LogSight, count: int) -> tuple[int, int]:
        """CRC-32 of the first `count` bytes of its content, and how many of these it has."""

    def batches(self, sight: LogSight, position: LogPosition | None, now: datetime) -> Generator[LogBatch]:
        """What stands behind `position` (None: the beginning), in batches of bounded size. The last one has `is_end`, if it ends.

        A last line without a line end is left for later, unless the file can't grow.
        """
