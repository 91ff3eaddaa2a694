"""Apache's and nginx's combined format, and the common format it extends, with or without a leading virtual host."""

from __future__ import annotations

import re

from ledger_guard.adapters.access_log.line_fields import LineFields, UnusableLine

_LINE = re.compile(r'([^\[]*)\[([^\]]{1,40})\] "((?:[^"\\]|\\.)*)" (\d{3})(?=\s|$)', re.ASCII)
_REQUEST = re.compile(r"([A-Z]{1,16}) (\S+)(?: HTTP/\d(?:\.\d)?)?", re.ASCII)
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
#: client address, identity and user; one more means a virtual host in front
_WORDS_BEFORE_TIME = 3


def read_combined(line: str) -> LineFields:
    """The line's fields. Tenant is the virtual host, if the line begins with one; error codes it never has.

    Raises:
        UnusableLine: it is not a line of this format, or its request line is none (a TLS greeting, a port scan).
    """
    parts = _LINE.match(line)
    if parts is None:
        raise UnusableLine("is not a line of the combined or common log format")
    words = parts[1].split()
    if len(words) < _WORDS_BEFORE_TIME:
        raise UnusableLine("has fewer than three words before the time: not the combined or common log format")
    request = _REQUEST.fullmatch(parts[3])
    if request is None:
        raise UnusableLine("has no HTTP request line")
    has_host = len(words) > _WORDS_BEFORE_TIME
    return LineFields(
        event_time=parts[2],
        tenant=words[0] if has_host else None,
        method=request[1],
        path=_ABSOLUTE.sub("", request[2], count=1) or "/",
        status=parts[4],
        source_address=words[1] if has_host else words[0],
    )
