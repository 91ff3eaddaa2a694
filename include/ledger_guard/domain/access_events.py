"""Access events: one request as the ingress logged it, and the result of reading a log file."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

EXCERPT_MAX_CHARACTERS = 200
REASON_MAX_CHARACTERS = 300
#: most rejected lines of a file that are kept with their reason; all are counted
MOST_KEPT_REJECTS = 1_000
#: a file with more rejected lines than this, and fewer usable ones, is abandoned
MOST_REJECTS = 200_000
#: what the reason of a line says that is ahead of the clock
AHEAD = "is in the future"
#: most unknown tenants that one file may name
MOST_UNKNOWN_TENANTS = 100

_QUERY_STRING = re.compile(r"\?[^\s\"']*")
_SECRET_FIELD = re.compile(
    r"(?i)([\"']?[\w.-]*(?:authorization|cookie|token|secret|api[_-]?key|passw(?:or)?d|signature|hmac)[\w.-]*[\"']?\s*[:=]\s*)"
    r"(?:\"(?:[^\"\\]|\\.)*\"?|'[^']*'?|[^\s,;}&]+)"
)
_CREDENTIALS = re.compile(r"(?i)\b(bearer|basic|digest)\s+[A-Za-z0-9+/=._~:-]+")
_LONG_TOKEN = re.compile(r"[A-Za-z0-9+_=-]{40,}")


@dataclass(frozen=True)
class AccessEvent:
    """One answered request, without body, headers and query string."""

    #: hash of the request's id, time, tenant, method, path and status, or of its line: the same answer is stored once
    event_key: str
    event_time: datetime
    tenant_id: str
    #: player id or webhook id; None when the log has none
    subject_id: str | None
    method: str
    path: str
    #: payment provider of a webhook call
    provider: str | None
    #: HTTP status, 100 to 599
    status: int
    error_code: str | None = None
    #: False when the line has no error code: then this failure can't be told from similar ones
    error_code_is_known: bool = True
    #: what the request asked for, in cents; None when the log has no number for it
    amount_cents: int | None = None
    #: of a webhook call: the IPv4 or IPv6 address that it came from; None when the log does not tell, or for any other request
    source_address: str | None = None


@dataclass(frozen=True)
class RejectedLine:
    """A line that is not a usable access event, and why."""

    #: counted from 1
    line_number: int
    reason: str
    #: the line's beginning without query strings and secrets, at most 200 characters
    excerpt: str
    #: identifies the line when its file comes again
    line_key: str = ""
    #: path of a trigger's requests of which the line may be one; None: it hides none from the readings
    hides_request_to: str | None = None
    #: about when: the line's own time, or that of the event before it; None when the file has had neither
    near: datetime | None = None

    @property
    def is_from_future(self) -> bool:
        """Whether it was refused for being ahead of the clock."""
        return AHEAD in self.reason


@dataclass(frozen=True)
class IngestedFile:
    """The result of one file. `accepted + already_known + rejected == lines`; blank lines are not counted."""

    ingest_id: str
    file_name: str
    #: of the file on disk
    sha256: str
    mapping: str
    lines: int = 0
    accepted: int = 0
    #: events that were stored before, by an earlier run or by an earlier line
    already_known: int = 0
    rejected: int = 0
    #: of the accepted ones: came after their windows were settled, so that they are in no reading
    too_late: int = 0
    #: of the rejected ones: ahead of the clock
    from_future: int = 0
    first_event: datetime | None = None
    last_event: datetime | None = None
    #: number and reason of the first rejected line; empty when there is none
    first_reject: str = ""
    #: sentences about data that such a file lacks
    not_knowable: tuple[str, ...] = ()

    @property
    def kept_rejects(self) -> int:
        """How many of the rejected lines are kept, the first ones."""
        return min(self.rejected, MOST_KEPT_REJECTS)

    @property
    def is_hopeless(self) -> bool:
        """Whether to stop reading this file."""
        return self.rejected > MOST_REJECTS and 2 * self.rejected > self.lines

    @property
    def is_unusable(self) -> bool:
        """Whether it has lines and none of them could be used. An empty file is no fault."""
        return self.lines > 0 and self.rejected == self.lines


def why_unreadable(lines: int, requests: int, reason: str, most_share: float) -> str:
    """Why a window with so many unreadable lines has no data; empty while they are at most `most_share` (0 to 1) of all.

    `requests` were read; `reason` is that of one of the lines.
    """
    if lines <= most_share * (lines + requests):
        return ""
    return f"{lines} of {lines + requests} lines of its requests can't be read (for example: {reason})"


class NamedTenants:
    """Which tenants a file may name: all of the platform's, and a limited number of others.

    `known` is called once, when a file names more tenants than may be unknown; its errors pass through.
    """

    def __init__(self, known: Callable[[], Collection[str]], most_unknown: int = MOST_UNKNOWN_TENANTS) -> None:
        self._ask = known
        self._most_unknown = most_unknown
        self._known: frozenset[str] | None = None
        #: every tenant named, until the platform is asked
        self._unknown: set[str] = set()

    def admits(self, tenant_id: str) -> bool:
        """Whether lines of this tenant count."""
        if tenant_id in self._unknown or (self._known is not None and tenant_id in self._known):
            return True
        if len(self._unknown) >= self._most_unknown and self._known is None:
            self._known = frozenset(self._ask())
            self._unknown -= self._known
            return self.admits(tenant_id)
        if len(self._unknown) >= self._most_unknown:
            return False
        self._unknown.add(tenant_id)
        return True


def safe_excerpt(line: str) -> str:
    """The beginning of a log line, safe to keep and show: without query strings, credentials and long tokens."""
    text = _QUERY_STRING.sub("?…", line[: EXCERPT_MAX_CHARACTERS * 10])
    text = _SECRET_FIELD.sub(r"\1***", _CREDENTIALS.sub(r"\1 ***", text))
    text = _LONG_TOKEN.sub("***", text)
    return "".join(character if character.isprintable() else "·" for character in text)[:EXCERPT_MAX_CHARACTERS]
