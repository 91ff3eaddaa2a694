"""Readings from a CSV file, window by window, every row checked: `window_start,tenant_id,events,exposure[,subjects][,cents]`."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ledger_guard.adapters.backtest_files.csv_columns import BadLine, CsvColumns, TextBlock
from ledger_guard.adapters.backtest_files.readings_windows import COLUMNS, OPTIONAL, WindowCutter, WindowRows
from ledger_guard.domain.errors import BadInputError


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
            is_gzip = raw.peek(2)[:2] == b"\x1f\x8b"
            text = CsvColumns(gzip.GzipFile(fileobj=raw) if is_gzip else raw)
            try:
                yield from self._windows(text)
            except BadLine as error:
                raise BadInputError(f"{self._path}: {error}") from error

    def _windows(self, text: CsvColumns) -> Iterator[WindowRows]:
        names = self._names(text)
        wanted = [*COLUMNS, *(name for name in OPTIONAL if name in names)]
        places = _places(names, wanted, text.line - 1)
        cutter = WindowCutter(wanted[len(COLUMNS) :])
        is_empty = True
        try:
            for block in self._blocks(text, len(names), places):
                is_empty = False
                yield from cutter.add(block)
        except BadLine:
            # an earlier row may be wrong as well, and is told first
            cutter.point_at_wrong_row()
            raise
        if is_empty:
            raise BadInputError(f"{self._path}: has no readings; allowed: a header and at least one row")
        yield from cutter.end()

    def _names(self, text: CsvColumns) -> list[str]:
        with _readable(text):
            names = [name.strip() for name in text.header() or ()]
        if not names:
            allowed = f"a header with the columns {','.join(COLUMNS)}, and rows"
            raise BadInputError(f"{self._path}: is empty; allowed: {allowed}")
        return names

    def _blocks(self, text: CsvColumns, columns: int, places: list[int]) -> Iterator[TextBlock]:
        """Blocks of rows, with the columns at `places` in their order."""
        with _readable(text):
            for block in text.blocks(columns):
                yield TextBlock(tuple(block.columns[place] for place in places), block.lines)

    def _unreadable(self, error: OSError) -> BadInputError:
        return BadInputError(f"{self._path}: can't be read ({error.strerror}); allowed: a CSV file, plain or gzipped")


@contextmanager
def _readable(text: CsvColumns) -> Iterator[None]:
    try:
        yield
    except (csv.Error, EOFError, OSError, zlib.error) as error:
        raise BadLine(text.line, f"can't be read ({error})", "CSV text in UTF-8, plain or gzipped") from error


def _places(names: list[str], wanted: list[str], line: int) -> list[int]:
    """The position of each column that is `wanted`."""
    allowed = f"the columns {','.join(COLUMNS)}, and {' and '.join(OPTIONAL)} where known"
    for name in wanted:
        if names.count(name) != 1:
            problem = "is missing" if name not in names else "is there more than once"
            raise BadLine(line, f"column {name} {problem}", allowed)
    for name in names:
        if name not in wanted:
            raise BadLine(line, f"column {name[:60]!r} is unknown", allowed)
    return [names.index(name) for name in wanted]
