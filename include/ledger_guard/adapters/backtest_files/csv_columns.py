"""CSV text as columns, a block of rows at a time: by splitting where no field needs care, by `csv` from where one does on."""

from __future__ import annotations

import codecs
import csv
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

BLOCK_BYTES = 1 << 18
_BLOCK_ROWS = 1 << 14
#: longer than any row of any readings
_LONGEST_LINE = 1 << 20
_ALL_BUT_SEPARATORS = bytes(set(range(256)) - set(b",\n"))
_FIRST_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_CSV = "CSV text in UTF-8, plain or gzipped"


class BadLine(Exception):
    """One line is not what it should be."""

    def __init__(self, line: int, problem: str, allowed: str) -> None:
        super().__init__(f"line {line}: {problem}; allowed: {allowed}")
        self.line = line


class ByteSource(Protocol):
    """A binary file, as far as it is used here."""

    def read1(self, size: int = ..., /) -> bytes:
        """At most `size` bytes, as they come; none at the end."""


@dataclass(frozen=True)
class TextBlock:
    """Rows in the order of the file."""

    #: fields as they stand in the file, column by column
    columns: tuple[list[str], ...]
    #: the line each row ends on
    lines: Sequence[int]


class CsvColumns:
    """Reads one CSV text once, from its beginning; memory is bounded by the block, not by the file."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        #: complete lines not yet returned, and the beginning of an incomplete line
        self._ahead = self._rest = b""
        #: the line that comes next
        self.line = 1

    def header(self) -> list[str] | None:
        """The fields of the first line that is not blank; None where there is no such line."""
        piece = self._piece().removeprefix(codecs.BOM_UTF8)
        while piece:
            found = _FIRST_LINE.match(piece)
            first = found.group() if found else piece
            self._ahead, self.line = piece[len(first) :], self.line + 1
            if first.strip():
                return next(csv.reader([self._decoded(first, self.line - 1)], strict=True))
            piece = self._piece()
        return None

    def blocks(self, width: int) -> Iterator[TextBlock]:
        """All rows below the header, which have `width` fields each; blank lines are passed over.

        Raises:
            BadLine: after all rows before it were returned: a row has more or fewer fields, or can't be read.
        """
        while piece := self._piece():
            columns = self._split(piece, width)
            if columns is None:
                yield from self._with_care(piece, width)
                return
            rows = len(columns[0])
            yield TextBlock(columns, range(self.line, self.line + rows))
            self.line += rows

    def _piece(self) -> bytes:
        """The next whole lines; none at the end."""
        piece, self._ahead = self._ahead, b""
        while not piece:
            new = self._source.read1(BLOCK_BYTES)
            if not new:
                piece, self._rest = self._rest, b""
                return piece
            text = self._rest + new
            end = text.rfind(b"\n") + 1
            piece, self._rest = text[:end], text[end:]
            if len(self._rest) > _LONGEST_LINE:
                line = self.line + piece.count(b"\n")
                raise BadLine(line, f"has more than {_LONGEST_LINE} bytes", "lines that end in a line feed")
        return piece

    def _split(self, piece: bytes, width: int) -> tuple[list[str], ...] | None:
        """The columns of rows that have nothing but fields, commas and line ends; None where something needs care."""
        plain = piece.replace(b"\r\n", b"\n") if b"\r" in piece else piece
        if b'"' in plain or b"\r" in plain:
            return None
        if not plain.endswith(b"\n"):
            plain += b"\n"
        separators = plain.translate(None, _ALL_BUT_SEPARATORS)
        if separators != (b"," * (width - 1) + b"\n") * (len(separators) // width):
            return None
        fields = self._decoded(plain, self.line).replace("\n", ",").split(",")
        # the text ends in a separator, and behind it stands nothing
        fields.pop()
        return tuple(fields[place::width] for place in range(width))

    def _with_care(self, piece: bytes, width: int) -> Iterator[TextBlock]:
        before = self.line - 1
        reader = csv.reader(self._lines(piece), strict=True)
        problem: BadLine | None = None
        while problem is None:
            rows: list[list[str]] = []
            lines: list[int] = []
            is_end = True
            try:
                for row in itertools.islice(reader, _BLOCK_ROWS):
                    is_end = False
                    if row and len(row) != width:
                        problem = BadLine(
                            before + reader.line_num, f"has {len(row)} fields", f"{width} fields, as the header says"
                        )
                        break
                    if row:
                        rows.append(row)
                        lines.append(before + reader.line_num)
            except csv.Error as error:
                problem = BadLine(before + reader.line_num, f"can't be read ({error})", _CSV)
            except BadLine as error:
                problem = error
            if rows:
                yield TextBlock(tuple(list(column) for column in zip(*rows, strict=True)), lines)
            if is_end and problem is None:
                return
        raise problem

    def _lines(self, piece: bytes) -> Iterator[str]:
        while piece:
            for line in piece.splitlines(keepends=True):
                yield self._decoded(line, self.line)
                self.line += 1
            piece = self._piece()

    @staticmethod
    def _decoded(text: bytes, line: int) -> str:
        try:
            return text.decode()
        except UnicodeDecodeError as error:
            raise BadLine(line + text.count(b"\n", 0, error.start), f"can't be read ({error})", _CSV) from error
