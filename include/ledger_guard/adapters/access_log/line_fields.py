"""What a log line says before anything of it is believed, whatever the line's format."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Protocol

from ledger_guard.domain.windows import UTC

_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?\s?(Z|z|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)
_COMMON_LOG_TIME = re.compile(r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d{4})", re.ASCII)
_MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, start=1)}
#: an epoch written as text; fewer digits could be a date
_EPOCH = re.compile(r"\d{10,19}(?:\.\d{1,9})?", re.ASCII)
#: an epoch number is in the first of these units in which it lies before the year 5138
_EPOCH_UNITS_PER_SECOND = (1, 10**3, 10**6, 10**9)
_LAST_EPOCH_SECOND = 100_000_000_000
_EPOCH_START = datetime(1970, 1, 1, tzinfo=UTC)


class UnusableLine(Exception):
    """The line is no usable access event; the text says why and is kept with the line.

    `may_hide`: a request that belongs to a trigger may be missing because of it. False where the line was read, and is refused
    for something that whoever sends requests may choose: else anyone could take the data away from a window.
    """

    def __init__(self, reason: str, *, may_hide: bool = True) -> None:
        super().__init__(reason)
        self.may_hide = may_hide
        #: the line's time, where that much could be read
        self.moment: datetime | None = None


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
    """The moment that a timestamp names, in UTC.

    Allowed are ISO 8601 text with a zone, the time of the common log format (`17/May/2015:10:05:03 +0000`), and seconds,
    milliseconds, microseconds or nanoseconds since 1970, as a number or as text of at least ten digits. An ISO text without a
    zone is UTC only when `assume_utc` says so.

    Raises:
        UnusableLine: it is none of these, or it has no zone.
    """
    if isinstance(found, datetime):
        return found
    if isinstance(found, (int, float)) and not isinstance(found, bool):
        return _since_1970(found)
    text = found.strip() if isinstance(found, str) else ""
    if parts := _ISO.fullmatch(text):
        return _iso_moment(text, parts, assume_utc=assume_utc)
    if parts := _COMMON_LOG_TIME.fullmatch(text):
        return _common_log_moment(text, parts)
    if _EPOCH.fullmatch(text):
        return _since_1970(Decimal(text))
    raise UnusableLine(
        f"event time {str(found)[:40]!r} can't be read; allowed: ISO 8601 with a zone, 17/May/2015:10:05:03 +0000, or seconds "
        "since 1970"
    )


def _since_1970(number: float | Decimal) -> datetime:
    exact = Decimal(str(number))
    unit = next((unit for unit in _EPOCH_UNITS_PER_SECOND if exact.is_finite() and 0 <= exact < _LAST_EPOCH_SECOND * unit), None)
    if unit is None:
        allowed = "seconds, milliseconds, microseconds or nanoseconds since 1970"
        raise UnusableLine(f"event time {str(number)[:40]} is not a valid time; allowed: {allowed}")
    return _EPOCH_START + timedelta(microseconds=round(exact * 10**6 / unit))


def _iso_moment(text: str, parts: re.Match[str], *, assume_utc: bool) -> datetime:
    year, month, day, hour, minute, second = (int(part) for part in parts.groups()[:6])
    microsecond = int((parts[7] or "0").ljust(6, "0")[:6])
    if parts[8] is None and not assume_utc:
        raise UnusableLine(f"event time {text!r} has no time zone; allowed: a zone, or a mapping with assume_utc: true")
    return _utc(text, (year, month, day, hour, minute, second, microsecond), parts[8] or "Z")


def _common_log_moment(text: str, parts: re.Match[str]) -> datetime:
    if parts[2] not in _MONTHS:
        raise UnusableLine(f"event time {text!r} can't be read; allowed: 17/May/2015:10:05:03 +0000")
    day, year, hour, minute, second = (int(parts[place]) for place in (1, 3, 4, 5, 6))
    return _utc(text, (year, _MONTHS[parts[2]], day, hour, minute, second, 0), parts[7])


def _utc(text: str, numbers: tuple[int, int, int, int, int, int, int], zone: str) -> datetime:
    try:
        return datetime(*numbers, tzinfo=_zone(zone)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UnusableLine(f"event time {text!r} is not a valid time: {error}") from error


def _zone(text: str) -> timezone:
    if text in ("Z", "z"):
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)
