"""The bytes of a log file as lines: plain, gzip or zstd, in bounded memory, and metered, so that a reader can go on later."""

from __future__ import annotations

import gzip
import hashlib
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import SEEK_CUR
from pathlib import Path
from typing import BinaryIO, cast

from backports.zstd import DecompressionParameter, ZstdError, ZstdFile

from ledger_guard.domain.errors import BadInputError

LINE_MAX_BYTES = 65_536
#: a compressed file may hold so many bytes for each of its own, and so many more however small it is
MOST_UNPACKED_PER_BYTE = 200
MOST_UNPACKED_BYTES_ANYWAY = 64 << 20
#: what zstd may look back over, 2 to this power: 128 MiB, its own limit where none is asked for
_MOST_ZSTD_WINDOW_LOG = 27
_BLOCK_BYTES = 1 << 20
_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_BROKEN = (EOFError, zlib.error, ZstdError, OSError)


@dataclass(frozen=True)
class Reached:
    """How far a file was read."""

    #: of its content, unpacked
    read_bytes: int = 0
    #: CRC-32 of these bytes
    checksum: int = 0
    #: lines that end within them, blank ones too
    lines: int = 0


@dataclass(frozen=True)
class OpenLog:
    """A log file that is open for reading."""

    stream: BinaryIO
    is_compressed: bool
    #: its descriptor and what the disk says of it
    number: int
    status: os.stat_result

    @property
    def most_bytes(self) -> int | None:
        """How many bytes it may unpack to; None: it is plain."""
        return MOST_UNPACKED_BYTES_ANYWAY + MOST_UNPACKED_PER_BYTE * self.status.st_size if self.is_compressed else None


@contextmanager
def opened_log(path: Path) -> Iterator[OpenLog]:
    """The file, to be read unpacked.

    Raises:
        BadInputError: the file is missing, unreadable, no regular file, or, while it is read, damaged, cut off or a bomb.
    """
    with opened(path) as plain:
        magic = plain.read(len(_ZSTD_MAGIC))
        plain.seek(0)
        stream = plain
        try:
            if magic.startswith(_GZIP_MAGIC):
                stream = cast("BinaryIO", gzip.GzipFile(fileobj=plain))
            elif magic == _ZSTD_MAGIC:
                bound: dict[int, int] = {DecompressionParameter.window_log_max: _MOST_ZSTD_WINDOW_LOG}
                stream = cast("BinaryIO", ZstdFile(plain, options=bound))
            yield OpenLog(stream, stream is not plain, plain.fileno(), os.fstat(plain.fileno()))
        except _BROKEN as error:
            allowed = "a whole text, gzip or zstd file"
            raise BadInputError(f"{path}: can't be read to its end ({error}); allowed: {allowed}") from error


class MeteredLines:
    """Lines of an open file, and how far they go."""

    def __init__(self, path: Path, log: OpenLog, start: Reached = Reached()) -> None:
        """`start`: where the stream stands."""
        self._path, self._stream, self._most_bytes = path, log.stream, log.most_bytes
        self._bytes, self._checksum, self._lines = start.read_bytes, start.checksum, start.lines
        #: whether the line that came last had its line end
        self.is_whole = True

    @property
    def reached(self) -> Reached:
        """The end of the line that came last."""
        return Reached(self._bytes, self._checksum, self._lines)

    def next_line(self) -> tuple[int, bytes] | None:
        """The next line that is not blank and its number from 1; None at the end. A longer one than allowed comes cut."""
        while raw := self._without_nul_bytes(self._read(LINE_MAX_BYTES + 1)):
            self._lines += 1
            rest = raw
            while len(rest) > LINE_MAX_BYTES and not rest.endswith(b"\n"):
                rest = self._read(LINE_MAX_BYTES + 1)
            self.is_whole = rest.endswith(b"\n")
            content = raw.removeprefix(_BYTE_ORDER_MARK) if self._lines == 1 else raw
            if content.strip():
                return self._lines, content
        return None

    def _read(self, most: int) -> bytes:
        raw = self._stream.readline(most)
        self._bytes += len(raw)
        self._checksum = zlib.crc32(raw, self._checksum)
        if self._most_bytes is not None and self._bytes > self._most_bytes:
            raise BadInputError(
                f"{self._path}: unpacks to more than {self._most_bytes:,} bytes; allowed: {MOST_UNPACKED_PER_BYTE} times its "
                f"size and {MOST_UNPACKED_BYTES_ANYWAY:,} bytes (unpack it yourself if it is a log)"
            )
        return raw

    def _without_nul_bytes(self, raw: bytes) -> bytes:
        """A writer that keeps its place in a file that was emptied leaves a hole in front of its next line."""
        while raw.startswith(b"\0"):
            raw = raw.lstrip(b"\0")
            if not raw.endswith(b"\n"):
                raw += self._read(LINE_MAX_BYTES + 1 - len(raw))
        return raw


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank, with their number from 1. A longer line than allowed comes cut, one byte over the limit.

    Raises:
        BadInputError: see opened_log.
    """
    with opened_log(path) as log:
        lines = MeteredLines(path, log)
        while found := lines.next_line():
            yield found


def sha256_of(path: Path) -> str:
    """Hash of the file as it lies on the disk."""
    digest = hashlib.sha256()
    with opened(path) as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def is_compressed(path: Path) -> bool:
    """Whether it is a gzip or zstd file, by its first bytes."""
    with opened(path) as plain:
        magic = plain.read(len(_ZSTD_MAGIC))
    return magic.startswith(_GZIP_MAGIC) or magic == _ZSTD_MAGIC


def skip(log: OpenLog, count: int) -> int:
    """Go on by so many bytes, and return how many there were."""
    if not log.is_compressed:
        log.stream.seek(count, SEEK_CUR)
        return count
    return sum(len(block) for block in blocks(log, count))


def opened(path: Path) -> BinaryIO:
    """The file's own bytes; raises BadInputError when it is missing, unreadable, or no regular file."""
    try:
        # opening a pipe without a writer would wait for ever
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        raise BadInputError(f"{path}: can't be opened ({error.strerror}); allowed: a readable file") from error
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise BadInputError(f"{path}: can't be opened (not a regular file); allowed: a file on a disk, no pipe, device or folder")
    return os.fdopen(number, "rb")


def blocks(log: OpenLog, count: int) -> Iterator[bytes]:
    """The next `count` bytes of the content, or as many as there are and may be."""
    left = min(count, log.most_bytes or count)
    while left > 0 and (block := log.stream.read(min(left, _BLOCK_BYTES))):
        left -= len(block)
        yield block
