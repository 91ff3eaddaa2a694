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


def unwrapped(lines: Iterable[tuple[int, bytes]], most_bytes: int) -> Iterator[tuple[int, bytes]]:
    """The numbered lines without their wrapping; a line that a runtime wrote in parts comes whole, with its last part's number.

    A line without a wrapping that is known stays as it is. A whole line is cut one byte above `most_bytes`.
    """
    parts: dict[bytes, bytes] = {}
    last = 0
    for number, raw in lines:
        last = number
        stream, content, is_whole = _taken_off(raw)
        content = (parts.pop(stream, b"") + content)[: most_bytes + 1]
        if is_whole:
            yield number, content
        else:
            parts[stream] = content
    # what a writer has not ended yet
    yield from ((last, content) for content in parts.values())


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
