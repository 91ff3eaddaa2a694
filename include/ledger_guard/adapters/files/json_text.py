"""Changes single members of objects in JSON text; every other byte stays, especially numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_WHITE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()
_DEFAULT_INDENT = "  "


@dataclass(frozen=True)
class _Member:
    key: str
    begins: int
    value_begins: int
    ends: int


def with_member(text: str, path: tuple[str, ...], value: Any) -> str:
    """The text with `value` as the member at `path`, from the root object on.

    A member that is there is replaced where it stands; a new one goes to the end of its object. Objects on the way that are
    absent or no objects are made. The text has to be JSON whose root is an object with each key once.
    """
    begins = _after_white(text, 0)
    for depth, key in enumerate(path):
        found = next((member for member in _members(text, begins) if member.key == key), None)
        is_last = depth == len(path) - 1
        if found is not None and (is_last or text[found.value_begins] != "{"):
            rendered = _rendered(_nested(path[depth + 1 :], value), text, found.begins)
            return text[: found.value_begins] + rendered + text[found.ends :]
        if found is None:
            return _appended(text, begins, key, _nested(path[depth + 1 :], value))
        begins = found.value_begins
    raise ValueError("the path is empty")


def without_member(text: str, path: tuple[str, ...]) -> str:
    """The text without the member at `path`; the same text when it is not there."""
    begins = _after_white(text, 0)
    for key in path[:-1]:
        found = next((member for member in _members(text, begins) if member.key == key), None)
        if found is None or text[found.value_begins] != "{":
            return text
        begins = found.value_begins
    members = list(_members(text, begins))
    number = next((number for number, member in enumerate(members) if member.key == path[-1]), None)
    if number is None:
        return text
    if number > 0:
        return text[: members[number - 1].ends] + text[members[number].ends :]
    if len(members) > 1:
        return text[: members[0].begins] + text[members[1].begins :]
    return text[: begins + 1] + text[_after_white(text, members[0].ends) :]


def _members(text: str, begins: int) -> Iterator[_Member]:
    at = _after_white(text, begins + 1)
    while text[at] != "}":
        key, colon = _DECODER.raw_decode(text, at)
        value_begins = _after_white(text, _after_white(text, colon) + 1)
        _, ends = _DECODER.raw_decode(text, value_begins)
        yield _Member(key, at, value_begins, ends)
        at = _after_white(text, ends)
        if text[at] == ",":
            at = _after_white(text, at + 1)


def _appended(text: str, begins: int, key: str, value: Any) -> str:
    members = list(_members(text, begins))
    if members:
        last = members[-1]
        white = _white_before(text, last.begins)
        line = f"{json.dumps(key, ensure_ascii=False)}: {_rendered(value, text, last.begins)}"
        return text[: last.ends] + "," + (white or " ") + line + text[last.ends :]
    closes = _after_white(text, begins + 1)
    own = _line_indent(text, begins)
    if own is None:
        return (
            text[: begins + 1] + f"{json.dumps(key, ensure_ascii=False)}: {json.dumps(value, ensure_ascii=False)}" + text[closes:]
        )
    unit = _indent_unit(text)
    rendered = _indented(value, unit, own + unit)
    return f"{text[: begins + 1]}\n{own}{unit}{json.dumps(key, ensure_ascii=False)}: {rendered}\n{own}{text[closes:]}"


def _rendered(value: Any, text: str, member_begins: int) -> str:
    """As its neighbours stand: on lines of its own where they are, else on one line."""
    white = _white_before(text, member_begins)
    if "\n" not in white:
        return json.dumps(value, ensure_ascii=False)
    return _indented(value, _indent_unit(text), white.rpartition("\n")[2])


def _indented(value: Any, unit: str, indent: str) -> str:
    return json.dumps(value, indent=unit, ensure_ascii=False).replace("\n", f"\n{indent}")


def _line_indent(text: str, at: int) -> str | None:
    """The indentation of the line of `at`; None where the whole text is one line."""
    if "\n" not in text.strip():
        return None
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip())]


def _indent_unit(text: str) -> str:
    """The first indentation in the text."""
    found = re.search(r"\n([ \t]+)", text)
    return found.group(1) if found else _DEFAULT_INDENT


def _nested(path: tuple[str, ...], value: Any) -> Any:
    for key in reversed(path):
        value = {key: value}
    return value


def _white_before(text: str, at: int) -> str:
    before = text[:at].rstrip(" \t\n\r")
    return text[len(before) : at]


def _after_white(text: str, at: int) -> int:
    found = _WHITE.match(text, at)
    return found.end() if found else at
