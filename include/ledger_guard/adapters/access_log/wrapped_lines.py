"""What container runtimes and syslog put around a log line, taken off: docker json-file, CRI, docker compose, syslog."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

_JSON_FILE = b'{"log":'
_CRI = re.compile(rb"\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:\d\d) (stdout|stderr) ([PF])(?::\S+)? (.*)", re.DOTALL)
_COMPOSE = re.compile(rb"[A-Za-z0-9][A-Za-z0-9_.-]* +\| (.*)", re.DOTALL)
_SYSLOG = re.compile(
    rb"<\d{1,3}>(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ [^ :]+: ?|1 (?:\S+ ){5}(?:-|\[[^\]]*\]) (?:\xef\xbb\xbf)?)(.*)",
    re.DOTALL,
)


#: most lines that may follow the first part of one that is not ended yet
_MOST_LINES_WITHIN = 1_000


class Unwrapping:
    """Takes wrappings off, line by line; a line that a runtime wrote in parts comes whole, with its last part's number."""

    def __init__(self, most_bytes: int) -> None:
        """A whole line is cut one byte above `most_bytes`."""
        self._most_bytes = most_bytes
        self._parts: dict[bytes, bytes] = {}
        self._last = self._lines_within = 0

    @property
    def is_between_lines(self) -> bool:
        """Whether no part waits for the rest of its line."""
        return not self._parts

    def whole_lines(self, number: int, raw: bytes) -> list[tuple[int, bytes]]:
        """The lines that end here: none, this one, or also those that were waited for too long."""
        self._last = number
        stream, content, is_whole = _taken_off(raw)
        content = (self._parts.pop(stream, b"") + content)[: self._most_bytes + 1]
        if not is_whole:
            self._parts[stream] = content
        found = [(number, content)] if is_whole else []
        self._lines_within = self._lines_within + 1 if self._parts else 0
        return [*self.rest(), *found] if self._lines_within > _MOST_LINES_WITHIN else found

    def rest(self) -> list[tuple[int, bytes]]:
        """What a writer has not ended."""
        found = [(self._last, content) for content in self._parts.values()]
        self._parts.clear()
        self._lines_within = 0
        return found


def unwrapped(lines: Iterable[tuple[int, bytes]], most_bytes: int) -> Iterator[tuple[int, bytes]]:
    """The numbered lines without their wrapping, what was not ended at the end."""
    unwrapping = Unwrapping(most_bytes)
    for number, raw in lines:
        yield from unwrapping.whole_lines(number, raw)
    yield from unwrapping.rest()


def _taken_off(raw: bytes) -> tuple[bytes, bytes, bool]:
    """Stream, content, and whether the content ends its line; a line that is not wrapped is of no stream."""
    if raw.startswith(_JSON_FILE):
        return _from_json_file(raw)
    if found := _CRI.fullmatch(raw):
        is_whole = found[2] == b"F"
        return found[1], found[3] if is_whole else found[3].rstrip(b"\r\n"), is_whole
    for pattern in (_COMPOSE, _SYSLOG):
        if found := pattern.fullmatch(raw):
            return b"", found[1], True
    return b"", raw, True


def _from_json_file(raw: bytes) -> tuple[bytes, bytes, bool]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return b"", raw, True
    if not isinstance(found.get("log"), str) or not {"stream", "time"} <= found.keys():
        return b"", raw, True
    # docker ends a part's text without a line end, and a whole line's with one
    content = found["log"].encode()
    return str(found["stream"]).encode(), content, content.endswith(b"\n")
