"""The access log of AWS' Application Load Balancer: fields between spaces, some of them quoted, at fixed places."""

from __future__ import annotations

import re

from ledger_guard.adapters.access_log.line_fields import LineFields, UnusableLine

_WORD = r'(?:"(?:[^"\\]|\\.)*"|[^\s"]+)'
_LINE = re.compile(
    r"(?:http|https|h2|grpcs|ws|wss) (\S+) \S+ (\S+) \S+ \S+ \S+ \S+ (\S+) \S+ \S+ \S+"
    rf' "((?:[^"\\]|\\.)*)" {_WORD} \S+ \S+ \S+ "((?:[^"\\]|\\.)*)"(?: {_WORD})*\s*',
    re.ASCII,
)
_REQUEST = re.compile(r"([A-Z]{1,16}) [a-z]{2,5}://([^/?#\s]*)(\S*) (?:HTTP/\d(?:\.\d)?|- ?)", re.ASCII)
_PORT = re.compile(r":\d*$", re.ASCII)


def read_alb(line: str) -> LineFields:
    """The line's fields. The tenant is the host that was asked for; status is what the load balancer answered; no error codes.

    The request's id is the trace id, with what the load balancer added to a client's own.

    Raises:
        UnusableLine: it is not a line of this format, its request line is none, or it was never answered.
    """
    parts = _LINE.fullmatch(line)
    if parts is None:
        raise UnusableLine("is not a line of an Application Load Balancer's access log")
    request = _REQUEST.fullmatch(parts[4])
    if request is None:
        raise UnusableLine("has no HTTP request line")
    return LineFields(
        event_time=parts[1],
        tenant=request[2],
        method=request[1],
        path=request[3] if request[3].startswith("/") else f"/{request[3]}",
        status=parts[3],
        request_id=parts[5],
        source_address=_PORT.sub("", parts[2]).strip("[]"),
    )
