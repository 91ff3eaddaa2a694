"""One variable of a dotenv file, found and changed without touching any other byte."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass

from dotenv.parser import parse_stream

from ledger_guard.domain.errors import LedgerInvariantError

#: what the platform accepts, in any case of letters
_WORDS = {"true": True, "on": True, "yes": True, "1": True, "false": False, "off": False, "no": False, "0": False}
_NOTE = "# ledger_guard: "


@dataclass(frozen=True)
class Note:
    """What the guard wrote down above a value that it wrote."""

    name: str
    is_enabled: bool
    by: str
    at: str
    reason: str
    #: the version that stood there before; it keeps two writes apart that are alike in all else
    after: int
    #: what of the restart is still to be done: `pending` or `done`
    restart: str

    def line(self, line_end: str) -> str:
        """As a comment; JSON in ASCII, so that no reason can begin a line of its own."""
        return _NOTE + json.dumps(vars(self)) + line_end


@dataclass(frozen=True)
class DotenvLines:
    """The file's text, cut where the variable stands. Names are compared in any case of letters, as the platform does."""

    name: str
    before: str
    #: the note above the value, with its line end; empty when there is none
    note_line: str
    #: the line that holds the value; empty when the file does not name the variable
    value_line: str
    after: str
    is_enabled: bool | None

    @classmethod
    def parse(cls, content: bytes, name: str, where: str) -> DotenvLines:
        """Find the variable.

        Raises:
            LedgerInvariantError: it stands there twice, in a line that can't be read, or with a value that the platform does
                not start with (empty, padded, an unknown word). Nobody can tell what the platform obeys: mend the file.
        """
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            raise LedgerInvariantError(f"flag store {where}: is not UTF-8 text; allowed: a dotenv file in UTF-8") from None
        bindings = list(parse_stream(io.StringIO(text, newline="")))
        pieces = [binding.original.string for binding in bindings]
        wanted = name.lower()
        unreadable = [piece for binding, piece in zip(bindings, pieces, strict=True) if binding.error and wanted in piece.lower()]
        if unreadable or "".join(pieces) != text:
            raise LedgerInvariantError(
                f"flag store {where}: a line with {name} can't be read; allowed: {name}=True or {name}=False"
            )
        found = [number for number, binding in enumerate(bindings) if (binding.key or "").lower() == wanted]
        if len(found) > 1:
            raise LedgerInvariantError(f"flag store {where}: {name} stands there {len(found)} times; allowed: once")
        if not found:
            return cls(name, text, "", "", "", None)
        (number,) = found
        # blank and comment lines come with the binding that follows them
        gap, value_line = _parted(pieces[number])
        before, note_line = _note_above("".join(pieces[:number]) + gap, name)
        value = _value_of(bindings[number].value, name, where)
        return cls(name, before, note_line, value_line, "".join(pieces[number + 1 :]), value)

    @property
    def note(self) -> Note | None:
        """What the guard wrote down; None when it did not write this value, or somebody changed it since."""
        try:
            note = Note(**json.loads(self.note_line.removeprefix(_NOTE)))
        except (ValueError, TypeError):
            return None
        return note if note.is_enabled is self.is_enabled else None

    def with_value(self, note: Note) -> bytes:
        """The file with the noted value, everything else as it was."""
        whole = self.before + self.note_line + self.value_line + self.after
        line_end = "\r\n" if "\r\n" in whole else "\n"
        word = "True" if note.is_enabled else "False"
        if not self.value_line:
            gap = "" if not self.before or self.before.endswith("\n") else line_end
            return (self.before + gap + note.line(line_end) + f"{self.name}={word}{line_end}").encode()
        begins = re.match(r"\s*(?:export\s+)?[^=\s]+", self.value_line)
        assert begins is not None, "the line was parsed as a binding"
        ends = re.search(r"(?:[ \t]+#[^\r\n]*)?(?:\r?\n)?\Z", self.value_line)
        kept = ends.group() if ends else ""
        return (self.before + note.line(line_end) + begins.group() + "=" + word + kept + self.after).encode()


def _parted(piece: str) -> tuple[str, str]:
    lines = piece.splitlines(keepends=True)
    first = next(number for number, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#"))
    return "".join(lines[:first]), "".join(lines[first:])


def _note_above(text: str, name: str) -> tuple[str, str]:
    lines = text.splitlines(keepends=True)
    if lines and lines[-1].startswith(_NOTE) and f'"name": {json.dumps(name)}' in lines[-1]:
        return "".join(lines[:-1]), lines[-1]
    return text, ""


def _value_of(value: str | None, name: str, where: str) -> bool:
    if value is None or not value.strip():
        raise LedgerInvariantError(f"flag store {where}: {name} is empty: the platform does not start so; allowed: True or False")
    if value != value.strip() or value.lower() not in _WORDS:
        raise LedgerInvariantError(
            f"flag store {where}: {name} is padded or no truth value: the platform does not start so; allowed: True or False"
        )
    return _WORDS[value.lower()]
