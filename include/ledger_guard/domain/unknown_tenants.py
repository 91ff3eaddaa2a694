"""Readings of tenants that the platform does not have: counted by window, never by name, and judged for nobody.

A client may invent tenant ids: each would become a row in every window, and count among the tenants of a widespread rise.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from ledger_guard.domain.signals import Reading
from ledger_guard.domain.windows import iso


@dataclass(frozen=True)
class TenantList:
    """The tenants that the platform last said it has."""

    tenant_ids: frozenset[str]
    listed_at: datetime


@dataclass(frozen=True)
class SetApart:
    """What one window had of tenants that the platform does not have."""

    window_start: datetime
    tenants: int
    events: int
    exposure: int

    @property
    def sentence(self) -> str:
        """For people."""
        return (
            f"{self.exposure} requests of {self.tenants} tenants that the platform does not have, in the window that began at "
            f"{iso(self.window_start)}: counted apart, judged for nobody"
        )


def set_apart(readings: Iterable[Reading], known: Collection[str]) -> tuple[list[Reading], list[SetApart]]:
    """The readings of known tenants, and by window, in order of time, what all others have together."""
    kept: list[Reading] = []
    others: dict[datetime, list[Reading]] = defaultdict(list)
    for reading in readings:
        if reading.tenant_id in known:
            kept.append(reading)
        else:
            others[reading.window.start].append(reading)
    return kept, [_together(start, others[start]) for start in sorted(others)]


def _together(start: datetime, readings: list[Reading]) -> SetApart:
    return SetApart(start, len(readings), sum(each.events for each in readings), sum(each.exposure for each in readings))
