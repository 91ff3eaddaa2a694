"""Apache's and nginx's combined format, and the common format it extends, with or without a leading virtual host."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from ledger_guard.adapters.access_log.line_fields import LineFields, UnusableLine
from ledger_guard.domain.windows import UTC

_LINE = re.compile(r'([^\[]*)\[([^\]]{1,40})\] "((?:[^"\\]|\\.)*)" (\d{3})(?=\s|$)', re.ASCII)
_TIME = re.compile(r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)", re.ASCII)
_REQUEST = re.compile(r"([A-Z]{1,16}) (\S+)(?: HTTP/\d(?:\.\d)?)?", re.ASCII)
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, start=1)}
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
        event_time=_moment(parts[2]),
        tenant=words[0] if has_host else None,
        method=request[1],
        path=_ABSOLUTE.sub("", request[2], count=1) or "/",
        status=parts[4],
        source_address=words[1] if has_host else words[0],
    )


def _moment(text: str) -> datetime:
    parts = _TIME.fullmatch(text)
    if parts is None or parts[2] not in _MONTHS:
        raise UnusableLine(f"event time {text!r} can't be read; allowed: 17/May/2015:10:05:03 +0000")
    day, year, hour, minute, second = (int(parts[place]) for place in (1, 3, 4, 5, 6))
    offset = timedelta(hours=int(parts[8]), minutes=int(parts[9]))
    try:
        zone = timezone(-offset if parts[7] == "-" else offset)
        return datetime(year, _MONTHS[parts[2]], day, hour, minute, second, tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UnusableLine(f"event time {text!r} is no moment: {error}") from error
