"""A log file on disk, plain or gzipped, as a stream of access events and rejected lines."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import stat
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

from ledger_guard.adapters.access_log.combined import read_combined
from ledger_guard.adapters.access_log.json_lines import JsonLineReader
from ledger_guard.adapters.access_log.line_events import LineEvents
from ledger_guard.adapters.access_log.line_fields import LineReader, UnusableLine
from ledger_guard.adapters.access_log.wrapped_lines import unwrapped
from ledger_guard.domain.access_events import REASON_MAX_CHARACTERS, AccessEvent, RejectedLine, safe_excerpt
from ledger_guard.domain.errors import BadInputError
from ledger_guard.policy.platform import AccessLogMapping

LINE_MAX_BYTES = 65_536
FORMATS = ("jsonl", "combined")

_GZIP_MAGIC = b"\x1f\x8b"
#: how many lines may be noise (start-up banners, tracebacks) before the format shows
_LINES_TO_GUESS_FROM = 50
#: equal lines are distinguished by their order; repeats come within moments, so older lines can be dropped
_REMEMBERED_LINES = 100_000
_BLOCK_BYTES = 1 << 20
_ARRAY = re.compile(rb"\s*\[\s*(?:\{|$)")


class AccessLogFile:
    """AccessLog over a file."""

    def __init__(
        self,
        path: Path,
        line_format: str,
        mapping_name: str,
        mapping: AccessLogMapping,
        events: LineEvents,
        name: str | None = None,
    ) -> None:
        """`name`: the file for people, where that is not its path."""
        self._path = path
        self._name = name or str(path)
        self._format = line_format
        self._mapping_name = mapping_name
        self._mapping = mapping
        self._events = events

    @property
    def name(self) -> str:
        """The path as it was given, or the name for people."""
        return self._name

    @property
    def mapping(self) -> str:
        """Name of the policy's mapping."""
        return self._mapping_name

    @property
    def not_knowable(self) -> tuple[str, ...]:
        """What a file of this format and mapping can't tell."""
        found = []
        if self._format == "combined" or self._mapping.error_code is None:
            found.append("no error codes in this format: it gives no readings for any trigger")
        if self._format == "combined" or self._mapping.subject_id is None:
            found.append("no player or webhook ids: the subjects of failures are not known")
        if self._format == "combined" or self._mapping.request_id is None:
            found.append("no request ids: a repeated line is recognised by its text and its place among equal lines")
        if self._mapping.source_address is None:
            found.append("no source addresses are stored: the senders of refused webhooks are not known")
        return tuple(found)

    def entries(self) -> Iterator[AccessEvent | RejectedLine]:
        """Lines in order; raises BadInputError when the file can't be opened, is not whole, or is one JSON array."""
        reader: LineReader = read_combined if self._format == "combined" else JsonLineReader(self._mapping)
        repeats = _Repeats()
        newest: datetime | None = None
        for number, raw in unwrapped(numbered_lines(self._path), LINE_MAX_BYTES):
            line = raw.decode("utf-8", errors="replace").rstrip("\r\n")
            key = repeats.key(raw)
            if len(raw.rstrip(b"\r\n")) > LINE_MAX_BYTES:
                yield self._rejected(number, line, UnusableLine(f"is longer than {LINE_MAX_BYTES} bytes"), key, newest)
                continue
            try:
                event = self._events.event(reader(line), key)
            except UnusableLine as reason:
                is_cut = self._format == "jsonl" and not raw.endswith(b"\n")
                yield self._rejected(number, line, reason, key, newest, is_cut=is_cut)
                continue
            newest = event.event_time
            yield event

    def _rejected(
        self, number: int, line: str, reason: UnusableLine, key: str, newest: datetime | None, *, is_cut: bool = False
    ) -> RejectedLine:
        """`is_cut`: the writer may not have ended it yet. It is read when the file comes again, and hides nothing till then."""
        words = f"{reason}; it is the last line and has no line end: read again when it is whole" if is_cut else str(reason)
        return RejectedLine(
            number,
            words[:REASON_MAX_CHARACTERS],
            safe_excerpt(line),
            line_key=key,
            hides_request_to=self._events.hidden_path(line) if reason.may_hide and not is_cut else None,
            near=reason.moment or newest,
        )

    def sha256(self) -> str:
        """Hash of the file as it lies on the disk."""
        digest = hashlib.sha256()
        with _opened(self._path) as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
        return digest.hexdigest()


class _Repeats:
    """Gives equal lines of a file different keys, the same ones each time the file is read."""

    def __init__(self) -> None:
        self._times: OrderedDict[bytes, int] = OrderedDict()

    def key(self, raw: bytes) -> str:
        digest = hashlib.sha256(raw.rstrip(b"\r\n")).digest()
        times = self._times.pop(digest, 0) + 1
        self._times[digest] = times
        if len(self._times) > _REMEMBERED_LINES:
            self._times.popitem(last=False)
        return "line:" + hashlib.sha256(digest + str(times).encode()).hexdigest()


def guessed_format(path: Path) -> str:
    """`jsonl` or `combined`, by the first lines; a file without any is as good as JSON Lines.

    Raises:
        BadInputError: the lines are neither, or the file can't be read.
    """
    is_empty = True
    for _, raw in islice(unwrapped(numbered_lines(path), LINE_MAX_BYTES), _LINES_TO_GUESS_FROM):
        if is_empty and _ARRAY.match(raw):
            raise BadInputError(f"{path}: is one JSON array; allowed: JSON Lines, one object a line")
        is_empty = False
        line = raw.decode("utf-8", errors="replace").strip()
        if line.startswith("{"):
            return "jsonl"
        try:
            read_combined(line)
        except UnusableLine:
            continue
        return "combined"
    if is_empty:
        return "jsonl"
    raise BadInputError(f"{path}: its first lines are neither JSON nor the combined log format; allowed: --format jsonl|combined")


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank, with their number from 1. A longer line than allowed comes cut, one byte over the limit.

    Raises:
        BadInputError: the file is missing, unreadable, no regular file, or a gzip file that is damaged or cut off.
    """
    with _opened(path) as plain:
        is_zipped = plain.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
        plain.seek(0)
        stream = cast("BinaryIO", gzip.GzipFile(fileobj=plain)) if is_zipped else plain
        try:
            yield from _lines(stream)
        except (EOFError, zlib.error, OSError) as error:
            raise BadInputError(f"{path}: can't be read to its end ({error}); allowed: a whole text or gzip file") from error


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    number = 0
    while raw := _without_nul_bytes(stream, stream.readline(LINE_MAX_BYTES + 1)):
        number += 1
        rest = raw
        while len(rest) > LINE_MAX_BYTES and not rest.endswith(b"\n"):
            rest = stream.readline(LINE_MAX_BYTES + 1)
        content = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
        if content.strip():
            yield number, content


def _without_nul_bytes(stream: BinaryIO, raw: bytes) -> bytes:
    """A writer that keeps its place in a file that was emptied leaves a hole in front of its next line."""
    while raw.startswith(b"\0"):
        raw = raw.lstrip(b"\0")
        if not raw.endswith(b"\n"):
            raw += stream.readline(LINE_MAX_BYTES + 1 - len(raw))
    return raw


def _opened(path: Path) -> BinaryIO:
    try:
        # opening a pipe without a writer would wait for ever
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        raise BadInputError(f"{path}: can't be opened ({error.strerror}); allowed: a readable file") from error
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise BadInputError(f"{path}: can't be opened (not a regular file); allowed: a file on a disk, no pipe, device or folder")
    return os.fdopen(number, "rb")
