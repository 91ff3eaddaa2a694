"""Times, ages, lists and addresses as people read them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from ledger_guard.domain.flags import scope_text
from ledger_guard.domain.shown_text import duration
from ledger_guard.domain.windows import UTC, Window, iso

#: most tenants that one line lists
TENANTS_SHOWN = 5


@dataclass(frozen=True)
class Moment:
    """A point in time with its distance from now."""

    #: `2026-03-01T00:05:00Z`
    utc: str
    #: `2026-03-01 00:05:00 UTC`
    text: str
    #: `4 min ago`, `in 12 min`
    distance: str


def moment(at: datetime, now: datetime) -> Moment:
    """Tell `at` as seen from `now`."""
    ahead = at - now
    distance = f"in {duration(ahead)}" if ahead > timedelta(0) else f"{duration(-ahead)} ago"
    return Moment(iso(at), f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC", distance)


def window_text(window: Window, now: datetime) -> str:
    """`02:55 to 03:00 UTC`, with its date in front when it did not begin today."""
    day = "" if window.start.date() == now.astimezone(UTC).date() else f"{window.start:%Y-%m-%d} "
    return f"{day}{window.start:%H:%M} to {window.end:%H:%M} UTC"


def subject_text(subject_id: str) -> str:
    """`flag@tenant` as words (`flag, everywhere`); a plan's id stays as it is."""
    flag, at, scope = subject_id.partition("@")
    return f"{flag}, {scope_text(scope)}" if at else subject_id


def safe_link(address: str, ui_url: str) -> str:
    """An address that the page may link to: http and https only; empty for anything else.

    An address inside the UI loses its host: the reader may have come to the UI by another name than the configured one,
    and is logged in there.
    """
    parts, ui = urlsplit(address), urlsplit(ui_url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return ""
    if (parts.scheme, parts.netloc) == (ui.scheme, ui.netloc) and parts.path.startswith("/") and not parts.path.startswith("//"):
        return parts.path + (f"?{parts.query}" if parts.query else "")
    return address
