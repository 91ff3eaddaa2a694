"""Calls through Opsgenie's Alert API; a matter's key is the alert's alias."""

from __future__ import annotations

from typing import Any, Protocol

from ledger_guard.adapters.pagers.bounded_call import bounded
from ledger_guard.domain.shown_text import one_line
from ledger_guard.domain.wake import Matter

#: Opsgenie's limits
MESSAGE_CHARACTERS = 130
DESCRIPTION_CHARACTERS = 15_000
SOURCE = "ledger_guard"


class Alerts(Protocol):
    """What is needed of Opsgenie's client."""

    def create(self, payload: dict[str, Any]) -> Any:
        """Open an alert."""

    def acknowledge(self, alias: str, user: str) -> Any:
        """Acknowledge it."""

    def close(self, alias: str, note: str) -> Any:
        """Close it."""


class OpsgeniePager:
    """One team or service of Opsgenie."""

    def __init__(self, alerts: Alerts, priority: str) -> None:
        self._alerts = alerts
        self._priority = priority

    def open(self, matter: Matter, *, again: bool) -> None:
        """See Pager. An alert that was acknowledged calls nobody anew: it is closed and opened again."""
        if again:
            bounded("Opsgenie", lambda: self._alerts.close(matter.key, matter.anew))
        links = "\n".join(f"{label}: {address}" for label, address in matter.links)
        payload = {
            "message": one_line(matter.title)[:MESSAGE_CHARACTERS],
            "alias": matter.key,
            "description": f"{matter.text}\n{links}"[:DESCRIPTION_CHARACTERS],
            "priority": self._priority,
            "source": SOURCE,
        }
        bounded("Opsgenie", lambda: self._alerts.create(payload))

    def acknowledge(self, matter: Matter, by: str) -> None:
        """See Pager."""
        bounded("Opsgenie", lambda: self._alerts.acknowledge(matter.key, one_line(by)[:100]))

    def end(self, key: str, title: str, why: str) -> None:  # noqa: ARG002  an alert has its own title
        """See Pager."""
        bounded("Opsgenie", lambda: self._alerts.close(key, why))
