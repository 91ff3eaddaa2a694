"""One variable of a dotenv file, found and changed without touching any other byte."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from ledger_guard.adapters.secrets.dotenv_assignments import BYTE_ORDER_MARK, Assignment, assigned, parsed
from ledger_guard.domain.errors import LedgerInvariantError

#: the platform's settings take their words for true and false from here too
_TRUTH = TypeAdapter(bool)
_NOTE = "# ledger_guard: "


@dataclass(frozen=True)
class Note:
    """What the guard wrote down above a value that it wrote."""

    name: str
    is_enabled: bool
    by: str
    at: str
    reason: str
    #: the previous version; it distinguishes two otherwise equal writes
    after: int
    #: what of the restart is still to be done: `pending` or `done`
    restart: str

    def line(self, line_end: str) -> str:
        """As a comment; JSON in ASCII, so that no reason can begin a line of its own.

        Backticks replace its quotes: a quote would end one left open in a line above.
        """
        text = re.sub(r'\\(["\\])', lambda pair: r"\u0022" if pair[1] == '"' else pair[0], json.dumps(vars(self)))
        return _NOTE + text.replace("'", r"\u0027").replace("`", r"\u0060").replace('"', "`") + line_end

    @classmethod
    def read(cls, line: str) -> Note | None:
        """The note that a line holds, with backticks or quotes; None when it is none."""
        text = line.removeprefix(_NOTE)
        try:
            return cls(**json.loads(text if '"' in text else text.replace("`", '"')))
        except (ValueError, TypeError):
            return None


@dataclass(frozen=True)
class DotenvLines:
    """The file's text, split at the variable. Names are compared case-insensitively, as on the platform."""

    name: str
    before: str
    #: the note above the value, with its line end; empty when there is none
    note_line: str
    #: the line that holds the value; empty when the file does not name the variable
    value_line: str
    after: str
    is_enabled: bool | None
    #: why the file does not tell the value, while `is_enabled` is None
    not_known_because: str = ""

    @classmethod
    def parse(cls, content: bytes, name: str, where: str) -> DotenvLines:
        """Find the variable.

        A file that does not name it, or takes its value from the process's environment, does not tell the value.

        Raises:
            LedgerInvariantError: it stands there twice, in a line that can't be read, or with a value that the platform does
                not start with (empty, padded, an unknown word). Nobody can tell what the platform obeys: mend the file.
        """
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            raise LedgerInvariantError(f"flag store {where}: is not UTF-8 text; allowed: a dotenv file in UTF-8") from None
        bindings = parsed(text)
        mark = BYTE_ORDER_MARK if text.startswith(BYTE_ORDER_MARK) else ""
        pieces = [binding.original.string for binding in bindings]
        wanted = name.lower()
        unreadable = [piece for binding, piece in zip(bindings, pieces, strict=True) if binding.error and wanted in piece.lower()]
        if unreadable or mark + "".join(pieces) != text:
            raise LedgerInvariantError(
                f"flag store {where}: a line with {name} can't be read; allowed: {name}=True or {name}=False"
            )
        found = [number for number, binding in enumerate(bindings) if (binding.key or "").lower() == wanted]
        if len(found) > 1:
            raise LedgerInvariantError(f"flag store {where}: {name} is there {len(found)} times; allowed: once")
        if not found:
            because = "the file does not name it, each instance's own environment or default counts"
            return cls(name, text, "", "", "", None, because)
        (number,) = found
        gap, value_line = _parted(pieces[number])
        before, note_line = _note_above(mark + "".join(pieces[:number]) + gap, name)
        # the environment of the guard's own process says nothing about that of an instance
        assignment = list(assigned(bindings, {}))[number]
        assert assignment is not None, "the line was found by its key"
        value, because = _value_of(assignment, name, where)
        return cls(name, before, note_line, value_line, "".join(pieces[number + 1 :]), value, because)

    @property
    def note(self) -> Note | None:
        """The guard's note; None when it did not write this value, or someone changed it since."""
        note = Note.read(self.note_line)
        return note if note is not None and note.is_enabled is self.is_enabled else None

    def with_value(self, note: Note, where: str) -> bytes:
        """The file with the noted value, everything else as it was.

        Raises:
            LedgerInvariantError: read again, the file would not give that value, or give another name something else (a quote
                that never ends may swallow what is written behind it). Mend the file.
        """
        whole = self.before + self.note_line + self.value_line + self.after
        line_end = "\r\n" if "\r\n" in whole else "\n"
        word = "True" if note.is_enabled else "False"
        if self.value_line:
            begins = re.match(r"\s*(?:export\s+)?[^=\s]+", self.value_line)
            assert begins is not None, "the line was parsed as a binding"
            ends = re.search(r"(?:[ \t]+#[^\r\n]*)?(?:\r?\n)?\Z", self.value_line)
            line = begins.group() + "=" + word + (ends.group() if ends else "")
            written = self.before + note.line(line_end) + line + self.after
        else:
            gap = "" if not self.before or self.before.endswith("\n") else line_end
            written = self.before + gap + note.line(line_end) + f"{self.name}={word}{line_end}"
        again = DotenvLines.parse(written.encode(), self.name, where)
        if again.is_enabled is not note.is_enabled or _others(written, self.name) != _others(whole, self.name):
            raise LedgerInvariantError(
                f"flag store {where}: {self.name} can't be written without changing the meaning of another line; allowed: lines "
                "with closed quotes"
            )
        return written.encode()


def _others(text: str, name: str) -> list[tuple[str, str | None]]:
    """The file's other names with their raw values."""
    given = [(binding.key, binding.value) for binding in parsed(text) if binding.key is not None]
    return [(key, value) for key, value in given if key.lower() != name.lower()]


def _parted(piece: str) -> tuple[str, str]:
    """Blank lines belong to the binding that follows them: the text before its line, and that line."""
    white = piece[: len(piece) - len(piece.lstrip())]
    begins = max(white.rfind("\n"), white.rfind("\r")) + 1
    return piece[:begins], piece[begins:]


def _note_above(text: str, name: str) -> tuple[str, str]:
    """The text without the note that ends it, and that note; only the line ends of dotenv files part lines."""
    begins = max(text.rfind("\n", 0, -1), text.rfind("\r", 0, -2)) + 1
    last = text[begins:]
    note = Note.read(last) if last.startswith(_NOTE) else None
    if note is not None and note.name == name:
        return text[:begins], last
    return text, ""


def _value_of(assignment: Assignment, name: str, where: str) -> tuple[bool | None, str]:
    """The value, or None and why the file does not tell it."""
    value = assignment.value
    if value is None:
        return None, f"the file has {name} without a value, each instance's own environment or default counts"
    if assignment.names_from_outside:
        names = ", ".join(f"${{{outside}}}" for outside in assignment.names_from_outside)
        return None, f"the file reads it from {names} in each instance's own environment"
    if not value.strip():
        raise LedgerInvariantError(f"flag store {where}: {name} is empty: the platform would not start; allowed: True or False")
    try:
        return _TRUTH.validate_python(value), ""
    except ValidationError:
        raise LedgerInvariantError(
            f"flag store {where}: {name} is padded or not a truth value: the platform would not start; allowed: True or False"
        ) from None
