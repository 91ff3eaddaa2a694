"""The fields of readings: a whole column at once, or an error without a line."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from ledger_guard.domain.identifiers import checked_tenant_id
from ledger_guard.domain.windows import UTC

#: more than this is no count of anything
LARGEST = 10**12
#: nor more than this a sum of money
LARGEST_CENTS = 10**15
#: stricter than `fromisoformat`, which reads more with every Python
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{3}|\.\d{6})?)?)(Z|[+-]\d\d:\d\d)?", re.ASCII)
_YEARS = range(1970, 9999)
_NUMBERS = re.compile(r"[0-9.eE+-]+")


class BadField(ValueError):
    """A field, or one of a column's, is not what it should be."""

    def __init__(self, problem: str, allowed: str) -> None:
        super().__init__(f"{problem}; allowed: {allowed}")
        self.problem = problem
        self.allowed = allowed


def moment(text: str) -> datetime:
    """The time in UTC; raises BadField if invalid or in another zone."""
    allowed = "UTC in ISO 8601, as 2026-03-01T00:05:00Z"
    found = _MOMENT.fullmatch(text)
    try:
        read = datetime.fromisoformat(found[1] + (found[2] or "").replace("Z", "+00:00")) if found else None
    except ValueError:
        read = None
    if read is None or read.year not in _YEARS:
        raise BadField(f"window_start {_shown(text)} is not a valid time", allowed)
    if read.tzinfo is None:
        raise BadField(f"window_start {_shown(text)} has no time zone", allowed)
    if read.utcoffset() != timedelta(0):
        raise BadField(f"window_start {_shown(text)} is not in UTC", allowed)
    return read.astimezone(UTC)


def tenant(text: str) -> str:
    """The tenant id itself; raises BadInputError where it can't name a tenant."""
    return checked_tenant_id(text)


def events(texts: list[str]) -> NDArray[np.int64]:
    """Whole numbers; raises BadField where one is none."""
    found = _whole(texts)
    if found is None:
        raise BadField(f"events {_shown(texts[0])} is not a count", f"whole numbers from 0 to {LARGEST}")
    return found


def exposure(texts: list[str]) -> NDArray[np.float64]:
    """Numbers, NaN where the field is empty; raises BadField where one is none."""
    found = _decimal(texts)
    if found is None:
        allowed = f"numbers from 0 to {LARGEST}, or empty where only counts are known"
        raise BadField(f"exposure {_shown(texts[0])} is not a count", allowed)
    return found


def subjects(texts: list[str]) -> NDArray[np.float64]:
    """Whole numbers, NaN where the field is empty; raises BadField where one is none."""
    return _whole_or_empty(texts, "subjects", "a count", LARGEST)


def cents(texts: list[str]) -> NDArray[np.float64]:
    """Whole numbers, NaN where the field is empty; raises BadField where one is none."""
    return _whole_or_empty(texts, "cents", "an amount in cents", LARGEST_CENTS)


def _whole_or_empty(texts: list[str], name: str, what: str, largest: int) -> NDArray[np.float64]:
    together = "".join(texts)
    found = _decimal(texts, largest) if not together or (together.isascii() and together.isdigit()) else None
    if found is None:
        raise BadField(f"{name} {_shown(texts[0])} is not {what}", f"whole numbers from 0 to {largest}, or nothing")
    return found


def _whole(texts: list[str], largest: int = LARGEST) -> NDArray[np.int64] | None:
    together, digits = ",".join(texts), "".join(texts)
    if not (digits.isascii() and digits.isdigit()) or ",," in f",{together},":
        return None
    # of digits alone numpy's own reader makes numbers more quickly than int() does; beyond 64 bits it stays beyond the largest
    found = np.fromstring(together, np.int64, sep=",")
    return found if found.max() <= largest else None


def _decimal(texts: list[str], largest: int = LARGEST) -> NDArray[np.float64] | None:
    whole = _whole(texts, largest)
    if whole is not None:
        return whole.astype(np.float64)
    together = "".join(texts)
    if not together:
        return np.full(len(texts), np.nan)
    if not _NUMBERS.fullmatch(together):
        return None
    try:
        found = np.array([float(text) if text else np.nan for text in texts], np.float64)
    except ValueError:
        return None
    return found if not np.any((found < 0) | (found > largest)) else None


def _shown(text: str) -> str:
    return repr(text[:60])
