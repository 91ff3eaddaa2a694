"""Access events: one request as the ingress logged it, and what became of a file of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

EXCERPT_MAX_CHARACTERS = 200
REASON_MAX_CHARACTERS = 300
#: rejected lines of one file that are kept with their reason; all are counted
MOST_KEPT_REJECTS = 1_000
#: with more rejected lines than this, and fewer usable ones, a file is given up
MOST_REJECTS = 200_000
#: tenants that one file may name although the platform does not know them: new ones, and those of look-alikes
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
    """One answered request. Bodies, headers and query strings are not part of it."""

    #: the request's id, or a hash of its line: the same line is stored once
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
    #: False when the line can't say: such a failure can't be told from its look-alikes
    error_code_is_known: bool = True
    #: what the request asked for, in cents; None when the log does not tell, or not as a number
    amount_cents: int | None = None
    #: of a webhook call: the IPv4 or IPv6 address that it came from; None when the log does not tell, or for any other request
    source_address: str | None = None


@dataclass(frozen=True)
class RejectedLine:
    """A line that is no usable access event, and why."""

    #: counted from 1
    line_number: int
    reason: str
    #: the line's beginning without query strings and secrets, at most 200 characters
    excerpt: str


@dataclass(frozen=True)
class IngestedFile:
    """What became of one file. `accepted + already_known + rejected == lines`; blank lines are not counted."""

    ingest_id: str
    file_name: str
    #: of the file as it lies on the disk
    sha256: str
    mapping: str
    lines: int = 0
    accepted: int = 0
    #: events that were stored before, by an earlier run or by an earlier line
    already_known: int = 0
    rejected: int = 0
    first_event: datetime | None = None
    last_event: datetime | None = None
    #: number and reason of the first rejected line; empty when there is none
    first_reject: str = ""
    #: sentences about what can't be known from such a file
    not_knowable: tuple[str, ...] = ()

    @property
    def kept_rejects(self) -> int:
        """How many of the rejected lines are kept, the first ones."""
        return min(self.rejected, MOST_KEPT_REJECTS)

    @property
    def is_hopeless(self) -> bool:
        """Whether reading on is not worth it."""
        return self.rejected > MOST_REJECTS and 2 * self.rejected > self.lines

    @property
    def is_unusable(self) -> bool:
        """Whether it has lines and none of them could be used. A file without lines tells of no requests, and is no fault."""
        return self.lines > 0 and self.rejected == self.lines


class NamedTenants:
    """Which tenants a file may name: all that the platform knows, and a bounded number that it does not.

    `known` is asked once, when a file names more tenants than may be unknown; what it raises passes through.
    """

    def __init__(self, known: Callable[[], Collection[str]], most_unknown: int = MOST_UNKNOWN_TENANTS) -> None:
        self._ask = known
        self._most_unknown = most_unknown
        self._known: frozenset[str] | None = None
        #: while the platform was not asked, every tenant named
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
    """The beginning of a log line as it may be kept and shown: query strings, credentials and long tokens are cut out."""
    text = _QUERY_STRING.sub("?…", line[: EXCERPT_MAX_CHARACTERS * 10])
    text = _SECRET_FIELD.sub(r"\1***", _CREDENTIALS.sub(r"\1 ***", text))
    text = _LONG_TOKEN.sub("***", text)
    return "".join(character if character.isprintable() else "·" for character in text)[:EXCERPT_MAX_CHARACTERS]
