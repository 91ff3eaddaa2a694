"""Where two policies differ on the same file: incidents that only one sees, or that they see differently."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import computed_field

from ledger_guard.domain.facts.codec import Seconds
from ledger_guard.domain.verdicts import Severity, worst
from ledger_guard.use_cases.backtest.incidents import Incident

#: what can differ, in the order it is reported
ONLY_A, ONLY_B, SEVERITY, START = "only_a", "only_b", "severity", "start"
KINDS = (ONLY_A, ONLY_B, SEVERITY, START)


@dataclass(frozen=True)
class Seen:
    """All incidents of one policy in a stretch of time, taken together."""

    severity: Severity
    start: Seconds
    end: Seconds
    incidents: int


@dataclass(frozen=True)
class Difference:
    """A stretch of time of one tenant (or None: the platform) that the two policies judge differently."""

    tenant_id: str | None
    #: None where a policy sees nothing
    a: Seen | None
    b: Seen | None
    #: by how many windows B begins later; negative: earlier; 0 if only one sees it
    b_later_windows: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def scope(self) -> str:
        """Whose stretch it is."""
        return "widespread" if self.tenant_id is None else "isolated"

    @computed_field  # type: ignore[prop-decorator]
    @property
    def kinds(self) -> tuple[str, ...]:
        """Which of KINDS apply: only one of the first two, or one or both of the others."""
        if self.a is None or self.b is None:
            return (ONLY_B,) if self.a is None else (ONLY_A,)
        differs = {SEVERITY: self.a.severity is not self.b.severity, START: self.b_later_windows != 0}
        return tuple(kind for kind, does in differs.items() if does)

    @property
    def start(self) -> datetime:
        """When the first of the two begins."""
        return min(seen.start for seen in (self.a, self.b) if seen is not None)


def differences(a: Iterable[Incident], b: Iterable[Incident], length: timedelta) -> list[Difference]:
    """Differences by time. Incidents of the same tenant (or of the platform) that overlap are compared with each other.

    If one incident of a policy overlaps several of the other, these are taken together.
    """
    by_tenant: dict[str | None, list[tuple[Incident, bool]]] = defaultdict(list)
    for incidents, is_b in ((a, False), (b, True)):
        for incident in incidents:
            by_tenant[incident.tenant_id].append((incident, is_b))
    found = []
    for tenant_id, together in by_tenant.items():
        for stretch in _overlapping(together):
            seen_a, seen_b = (_seen([incident for incident, of_b in stretch if of_b is is_b]) for is_b in (False, True))
            later = (seen_b.start - seen_a.start) // length if seen_a and seen_b else 0
            difference = Difference(tenant_id, seen_a, seen_b, later)
            if difference.kinds:
                found.append(difference)
    return sorted(found, key=lambda difference: (difference.start, difference.tenant_id or ""))


def _overlapping(incidents: list[tuple[Incident, bool]]) -> Iterator[list[tuple[Incident, bool]]]:
    """Stretches of incidents that touch one another in time."""
    stretch: list[tuple[Incident, bool]] = []
    end: datetime | None = None
    for incident, is_b in sorted(incidents, key=lambda pair: pair[0].start):
        if end is not None and incident.start >= end:
            yield stretch
            stretch, end = [], None
        stretch.append((incident, is_b))
        end = incident.end if end is None else max(end, incident.end)
    if stretch:
        yield stretch


def _seen(incidents: list[Incident]) -> Seen | None:
    if not incidents:
        return None
    severity = incidents[0].severity
    for incident in incidents:
        severity = worst(severity, incident.severity)
    start, end = min(incident.start for incident in incidents), max(incident.end for incident in incidents)
    return Seen(severity, start, end, len(incidents))
