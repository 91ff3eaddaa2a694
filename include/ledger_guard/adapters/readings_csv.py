"""Readings from a CSV file, window by window, with every row checked: `window_start,tenant_id,events,exposure`."""

from __future__ import annotations

import csv
import gzip
import io
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Protocol

from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.identifiers import checked_tenant_id
from ledger_guard.domain.windows import UTC, iso

COLUMNS = ("window_start", "tenant_id", "events", "exposure")
#: more than this is no count of anything
_LARGEST = 10**12


class _Reader(Protocol):
    """What is used of csv's reader, whose own type has no public name."""

    @property
    def line_num(self) -> int: ...
    def __iter__(self) -> _Reader: ...
    def __next__(self) -> list[str]: ...


@dataclass
class WindowRows:
    """The rows of one window."""

    start: datetime
    #: line of the window's first row, for messages
    line: int
    #: tenant → events and exposure (NaN where the field is empty)
    tenants: dict[str, tuple[int, float]] = field(default_factory=dict)


class ReadingsFile:
    """A file of readings, plain or gzipped (by its first bytes)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._raw: BinaryIO | None = None
        try:
            self.size = path.stat().st_size
        except OSError as error:
            raise self._unreadable(error) from error

    @property
    def bytes_read(self) -> int:
        """How far the file has been read, for progress."""
        if self._raw is None:
            return 0
        return self.size if self._raw.closed else self._raw.tell()

    def windows(self) -> Iterator[WindowRows]:
        """Windows in order of time; closes the file at its end.

        Raises:
            BadInputError: with the line number: a column is missing or unknown, a field is not what it should be, rows are
                not sorted by time, a tenant repeats within a window, or there is no row at all. Mend the file.
        """
        try:
            self._raw = raw = self._path.open("rb")
        except OSError as error:
            raise self._unreadable(error) from error
        with raw:
            is_gzip = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            binary = gzip.GzipFile(fileobj=raw) if is_gzip else raw
            text = io.TextIOWrapper(binary, encoding="utf-8-sig", newline="")
            reader = csv.reader(text, strict=True)
            try:
                yield from self._windows(self._rows(reader))
            except (csv.Error, UnicodeDecodeError, EOFError, OSError, zlib.error) as error:
                line = reader.line_num + 1
                raise self._wrong(line, f"can't be read ({error})", "CSV text in UTF-8, plain or gzipped") from error

    def _rows(self, reader: _Reader) -> Iterator[tuple[int, list[str]]]:
        """Rows below the header with their line, fields in the order of COLUMNS."""
        places = self._places(next(reader, None))
        for row in reader:
            if not row:
                continue
            if len(row) != len(places):
                raise self._wrong(reader.line_num, f"has {len(row)} fields", f"{len(places)} fields, as the header says")
            yield reader.line_num, [row[place] for place in places]

    def _windows(self, rows: Iterator[tuple[int, list[str]]]) -> Iterator[WindowRows]:
        window: WindowRows | None = None
        known_tenants: set[str] = set()
        text = ""
        for line, (moment, tenant, events, exposure) in rows:
            if window is None or moment != text:
                start, text = self._moment(line, moment), moment
                if window is None or start != window.start:
                    if window is not None:
                        self._check_later(line, start, window.start)
                        yield window
                    window = WindowRows(start, line)
            if tenant not in known_tenants:
                known_tenants.add(self._tenant(line, tenant))
            if tenant in window.tenants:
                raise self._wrong(line, f"repeats tenant {tenant} within window {moment}", "one row per window and tenant")
            window.tenants[tenant] = (self._events(line, events), self._exposure(line, exposure))
        if window is None:
            raise BadInputError(f"{self._path}: has no readings; allowed: a header and at least one row")
        yield window

    def _check_later(self, line: int, start: datetime, before: datetime) -> None:
        if start < before:
            raise self._wrong(line, f"window_start {iso(start)} comes after {iso(before)}", "rows sorted by time")

    def _places(self, header: list[str] | None) -> list[int]:
        allowed = f"the columns {','.join(COLUMNS)}"
        if header is None:
            raise BadInputError(f"{self._path}: is empty; allowed: a header with {allowed}, and rows")
        names = [name.strip() for name in header]
        for name in COLUMNS:
            if names.count(name) != 1:
                problem = "is missing" if name not in names else "stands there more than once"
                raise self._wrong(1, f"column {name} {problem}", allowed)
        for name in names:
            if name not in COLUMNS:
                raise self._wrong(1, f"column {name[:60]!r} is unknown", allowed)
        return [names.index(name) for name in COLUMNS]

    def _moment(self, line: int, text: str) -> datetime:
        allowed = "UTC in ISO 8601, as 2026-03-01T00:05:00Z"
        try:
            moment = datetime.fromisoformat(text.removesuffix("Z") + "+00:00" if text.endswith("Z") else text)
        except ValueError as error:
            raise self._wrong(line, f"window_start {text[:60]!r} is no moment", allowed) from error
        if moment.tzinfo is None:
            raise self._wrong(line, f"window_start {text[:60]!r} has no time zone", allowed)
        if moment.utcoffset() != timedelta(0):
            raise self._wrong(line, f"window_start {text[:60]!r} is not in UTC", allowed)
        return moment.astimezone(UTC)

    def _tenant(self, line: int, text: str) -> str:
        try:
            return checked_tenant_id(text)
        except BadInputError as error:
            raise BadInputError(f"{self._path}: line {line}: {error}") from error

    def _events(self, line: int, text: str) -> int:
        if text.isascii() and text.isdigit() and len(text) <= len(str(_LARGEST)):
            return int(text)
        raise self._wrong(line, f"events {text[:60]!r} is no count", f"whole numbers from 0 to {_LARGEST}")

    def _exposure(self, line: int, text: str) -> float:
        if not text:
            return math.nan
        try:
            exposure = float(text)
        except ValueError:
            exposure = math.nan
        if not 0 <= exposure <= _LARGEST:
            allowed = f"numbers from 0 to {_LARGEST}, or nothing where only counts are known"
            raise self._wrong(line, f"exposure {text[:60]!r} is no count", allowed)
        return exposure

    def _unreadable(self, error: OSError) -> BadInputError:
        return BadInputError(f"{self._path}: can't be read ({error.strerror}); allowed: a CSV file, plain or gzipped")

    def _wrong(self, line: int, problem: str, allowed: str) -> BadInputError:
        return BadInputError(f"{self._path}: line {line}: {problem}; allowed: {allowed}")
