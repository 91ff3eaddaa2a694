"""A log file on disk, plain or compressed, as a stream of access events and rejected lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path

from ledger_guard.adapters.access_log.alb import read_alb
from ledger_guard.adapters.access_log.combined import read_combined
from ledger_guard.adapters.access_log.json_lines import JsonLineReader
from ledger_guard.adapters.access_log.line_entries import LineEntries
from ledger_guard.adapters.access_log.line_events import LineEvents
from ledger_guard.adapters.access_log.line_fields import LineReader, UnusableLine
from ledger_guard.adapters.access_log.log_bytes import LINE_MAX_BYTES, numbered_lines, sha256_of
from ledger_guard.adapters.access_log.wrapped_lines import unwrapped
from ledger_guard.domain.access_events import AccessEvent, RejectedLine
from ledger_guard.domain.errors import BadInputError
from ledger_guard.policy.platform import AccessLogMapping

#: formats of text that has its fields at fixed places
TEXT_READERS: dict[str, LineReader] = {"alb": read_alb, "combined": read_combined}
FORMATS = ("jsonl", *TEXT_READERS)

#: how many lines may be noise (start-up banners, tracebacks) before the format shows
_LINES_TO_GUESS_FROM = 50
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
        if self._format != "jsonl" or self._mapping.error_code is None:
            found.append("no error codes in this format: it gives no readings for any trigger")
        if self._format != "jsonl" or self._mapping.subject_id is None:
            found.append("no player or webhook ids: the subjects of failures are not known")
        if self._format == "combined" or self._mapping.request_id is None:
            found.append("no request ids: a repeated line is recognised by its text and its place among equal lines")
        if self._mapping.source_address is None:
            found.append("no source addresses are stored: the senders of refused webhooks are not known")
        return tuple(found)

    def entries(self) -> Iterator[AccessEvent | RejectedLine]:
        """Lines in order; raises BadInputError when the file can't be opened, is not whole, or is one JSON array."""
        lines = line_entries(self._format, self._mapping, self._events)
        for number, raw in unwrapped(numbered_lines(self._path), LINE_MAX_BYTES):
            yield lines.entry(number, raw)

    def sha256(self) -> str:
        """Hash of the file as it lies on the disk."""
        return sha256_of(self._path)


def line_entries(line_format: str, mapping: AccessLogMapping, events: LineEvents, near: datetime | None = None) -> LineEntries:
    """What reads the lines of a file of this format; `near`: see LineEntries."""
    reader: LineReader = JsonLineReader(mapping) if line_format == "jsonl" else TEXT_READERS[line_format]
    return LineEntries(reader, events, cut_shows=line_format == "jsonl", near=near)


def guessed_format(path: Path) -> str:
    """`jsonl`, `alb` or `combined`, by the first lines; a file without any is as good as JSON Lines.

    Raises:
        BadInputError: the lines are none of them, or the file can't be read.
    """
    is_empty = True
    for _, raw in islice(unwrapped(numbered_lines(path), LINE_MAX_BYTES), _LINES_TO_GUESS_FROM):
        if is_empty and _ARRAY.match(raw):
            raise BadInputError(f"{path}: is one JSON array; allowed: JSON Lines, one object a line")
        is_empty = False
        line = raw.decode("utf-8", errors="replace").strip()
        if line.startswith("{"):
            return "jsonl"
        if found := next((name for name, reader in TEXT_READERS.items() if _reads(reader, line)), None):
            return found
    if is_empty:
        return "jsonl"
    names = "|".join(FORMATS)
    raise BadInputError(f"{path}: its first lines are neither JSON nor another known format; allowed: --format {names}")


def _reads(reader: LineReader, line: str) -> bool:
    try:
        reader(line)
    except UnusableLine:
        return False
    return True
