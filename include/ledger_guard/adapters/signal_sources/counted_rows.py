"""Rows that somebody else counted, checked before they become readings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from ledger_guard.domain.errors import BadInputError, UnusableAnswer
from ledger_guard.domain.identifiers import checked_tenant_id
from ledger_guard.domain.signals import MoneyAtRisk, Reading, Trigger
from ledger_guard.domain.windows import UTC, Window, iso

REQUIRED = ("window_start", "tenant_id", "events", "exposure")
OPTIONAL = ("subjects", "cents")
#: more than any count can be: such a number is a mistake of the query
_LARGEST = 10**12
#: and than any sum of money
_LARGEST_CENTS = 10**15


def checked_readings(
    trigger: Trigger, rows: Iterable[Mapping[str, Any]], first: Window, last: Window, *, naive_is_utc: bool
) -> list[Reading]:
    """The readings that these rows are, by window and tenant.

    A row without `subjects` counts each event as one subject. One without `cents` tells no money, and what is no sum there is not
    known. Times are aware, or naive and in UTC where `naive_is_utc`, or ISO text of either kind, or seconds since 1970.

    Raises:
        UnusableAnswer: a row is not what it has to be: a column is missing, a time is off the grid of windows or outside
            `first..last`, a tenant or a count can't be one, or a window and tenant come twice. Nothing of the answer counts.
    """
    found: dict[tuple[datetime, str], Reading] = {}
    for row in rows:
        start, tenant_id = _start(row, first, last, naive_is_utc=naive_is_utc), _tenant(row)
        if (start, tenant_id) in found:
            raise UnusableAnswer(f"window {iso(start)}, tenant {tenant_id}: comes twice; allowed: one row for each")
        events, exposure = _count(row, "events"), _count(row, "exposure")
        subjects = events if row.get("subjects") is None else _count(row, "subjects")
        found[start, tenant_id] = Reading(
            trigger, tenant_id, Window(start, first.length), events, exposure, subjects, _money(row, events)
        )
    return [found[key] for key in sorted(found)]


def moment_of(found: object, *, naive_is_utc: bool) -> datetime | None:
    """The moment that a database's value names, in UTC; None when it names none. See `checked_readings`."""
    if isinstance(found, str):
        try:
            found = datetime.fromisoformat(found.strip().replace("Z", "+00:00"))
        except ValueError:
            return None
    if isinstance(found, datetime):
        if found.tzinfo is None:
            return found.replace(tzinfo=UTC) if naive_is_utc else None
        return _in_utc(found)
    if isinstance(found, (int, float, Decimal)) and not isinstance(found, bool):
        try:
            return datetime.fromtimestamp(float(found), tz=UTC)
        except (OverflowError, ValueError, OSError):
            return None
    return None


def _in_utc(found: datetime) -> datetime | None:
    try:
        return found.astimezone(UTC)
    except OverflowError:
        # the first or last day of the calendar, and its zone leads out of it
        return None


def _start(row: Mapping[str, Any], first: Window, last: Window, *, naive_is_utc: bool) -> datetime:
    missing = [name for name in REQUIRED if name not in row]
    if missing:
        raise UnusableAnswer(f"column {missing[0]}: is missing; allowed: {', '.join(REQUIRED)}[, {', '.join(OPTIONAL)}]")
    value = row["window_start"]
    start = moment_of(value, naive_is_utc=naive_is_utc)
    if start is None:
        allowed = "a time, or seconds since 1970" if naive_is_utc else "a time with a zone; for one in UTC set `times: utc`"
        raise UnusableAnswer(f"window_start {str(value)[:40]!r}: is no such time; allowed: {allowed}")
    if (start - first.start) % first.length != timedelta(0):
        minutes = first.length / timedelta(minutes=1)
        raise UnusableAnswer(f"window_start {iso(start)}: begins no window; allowed: every {minutes:g} minutes on the clock")
    if not first.start <= start < last.end:
        asked = f"{iso(first.start)} to {iso(last.end)}"
        raise UnusableAnswer(f"window_start {iso(start)}: lies outside of what was asked for; allowed: {asked}")
    return start


def _tenant(row: Mapping[str, Any]) -> str:
    try:
        return checked_tenant_id(str(row["tenant_id"]) if row["tenant_id"] is not None else "")
    except BadInputError as error:
        raise UnusableAnswer(f"tenant_id: {error}") from error


def _money(row: Mapping[str, Any], events: int) -> MoneyAtRisk | None:
    """What the row says of money. A sum that is none is not known: it must not make the guard blind to the events."""
    if "cents" not in row:
        return None
    if _is_whole(row["cents"], _LARGEST_CENTS):
        return MoneyAtRisk(int(row["cents"]))
    return MoneyAtRisk(None, events) if events else MoneyAtRisk(0)


def _count(row: Mapping[str, Any], name: str) -> int:
    value = row[name]
    if not _is_whole(value, _LARGEST):
        raise UnusableAnswer(f"{name} {str(value)[:40]!r}: is no count; allowed: whole numbers from 0")
    return int(value)


def _is_whole(value: object, largest: int) -> bool:
    if not isinstance(value, (int, float, Decimal)) or isinstance(value, bool):
        return False
    if isinstance(value, Decimal) and not value.is_finite():
        # it can't be compared with a number at all
        return False
    return 0 <= value <= largest and value == int(value)
