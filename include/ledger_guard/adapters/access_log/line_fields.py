"""What a log line says before anything of it is believed, whatever the line's format."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Protocol

from ledger_guard.domain.windows import UTC

_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?\s?(Z|z|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)
#: epoch numbers from here on are milliseconds (as seconds it would be the year 5138)
_MILLISECONDS_FROM = 100_000_000_000


class UnusableLine(Exception):
    """The line is no usable access event; the text says why and is kept with the line."""


@dataclass(frozen=True)
class LineFields:
    """Field values as they stand in the line; None or absent where the line has none."""

    #: ISO text or epoch number, or a moment that the format's reader has read already
    event_time: Any
    #: the tenant field, or the virtual host
    tenant: Any
    method: Any
    path: Any
    status: Any
    subject_id: Any = None
    provider: Any = None
    request_id: Any = None
    error_code: Any = None
    #: False when the line has no place for an error code
    error_code_is_known: bool = False
    #: what the request asked for, in whole units
    amount: Any = None
    #: where the request came from
    source_address: Any = None


class LineReader(Protocol):
    """Reads one line of one format."""

    def __call__(self, line: str) -> LineFields:
        """Raises UnusableLine when it is not a line of this format."""


def read_moment(found: object, *, assume_utc: bool) -> datetime:
    """The moment that a timestamp names: ISO 8601 text with a zone, or seconds or milliseconds since 1970.

    A text without a zone is UTC only when `assume_utc` says so.

    Raises:
        UnusableLine: it is none of these, or it has no zone.
    """
    if isinstance(found, datetime):
        return found
    if isinstance(found, (int, float)) and not isinstance(found, bool):
        try:
            seconds = found / 1000 if abs(found) >= _MILLISECONDS_FROM else found
            return datetime.fromtimestamp(seconds, tz=UTC)
        except (OverflowError, ValueError, OSError) as error:
            raise UnusableLine(
                f"event time {str(found)[:40]} is no moment; allowed: seconds or milliseconds since 1970"
            ) from error
    parts = _ISO.fullmatch(found.strip()) if isinstance(found, str) else None
    if parts is None:
        raise UnusableLine(f"event time {str(found)[:40]!r} can't be read; allowed: ISO 8601 with a zone, or seconds since 1970")
    year, month, day, hour, minute, second = (int(part) for part in parts.groups()[:6])
    microsecond = int((parts[7] or "0").ljust(6, "0")[:6])
    if parts[8] is None and not assume_utc:
        raise UnusableLine(f"event time {found!r} has no time zone; allowed: a zone, or a mapping with assume_utc: true")
    try:
        return datetime(year, month, day, hour, minute, second, microsecond, tzinfo=_zone(parts[8] or "Z")).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UnusableLine(f"event time {found!r} is no moment: {error}") from error


def _zone(text: str) -> timezone:
    if text in ("Z", "z"):
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)
