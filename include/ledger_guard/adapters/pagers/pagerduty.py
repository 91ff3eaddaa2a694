"""Calls through PagerDuty's Events API v2; a matter's key is its deduplication key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ledger_guard.adapters.pagers.bounded_call import bounded
from ledger_guard.domain.shown_text import one_line
from ledger_guard.domain.wake import Matter

#: PagerDuty's limits
SUMMARY_CHARACTERS = 1024
DETAIL_CHARACTERS = 8000

#: sends one event: `action`, `dedup_key`, `summary`, `severity`, `source`, and `custom_details`, `links`
SendEvent = Callable[..., Any]


class PagerDutyPager:
    """One service of PagerDuty."""

    def __init__(self, send: SendEvent, severity: str) -> None:
        self._send = send
        self._severity = severity

    def open(self, matter: Matter, *, again: bool) -> None:
        """See Pager. An incident that was acknowledged calls nobody for another event: it is resolved and opened anew."""
        if again:
            self._event("resolve", matter.key, matter.title)
        links = [{"href": address, "text": label} for label, address in matter.links if address.startswith("http")]
        details = {"text": matter.text[:DETAIL_CHARACTERS], "tenants": sorted(matter.tenants)[:100], "owner": matter.owner}
        self._event("trigger", matter.key, matter.title, custom_details=details, links=links)

    def acknowledge(self, matter: Matter, by: str) -> None:
        """See Pager."""
        self._event("acknowledge", matter.key, f"{matter.title}: taken by {by}")

    def end(self, key: str, title: str, why: str) -> None:
        """See Pager."""
        self._event("resolve", key, f"{title}: {why}")

    def _event(self, action: str, key: str, summary: str, **more: Any) -> None:
        named = {"summary": one_line(summary)[:SUMMARY_CHARACTERS], "severity": self._severity, "source": "ledger_guard"}
        bounded("PagerDuty", lambda: self._send(action=action, dedup_key=key, **named, **more))
