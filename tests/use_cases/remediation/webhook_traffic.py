"""Webhook calls of six tenants, as genuine providers and strangers make them, and the incident they lead to."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone

from tests.triggers import T2

from ledger_guard.adapters.memory.dependencies import MemoryWorld, memory_world
from ledger_guard.domain.access_events import AccessEvent
from ledger_guard.domain.incidents import Incident, IncidentStatus
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.policy.loader import load_policy
from ledger_guard.ports.platform import FailureGroup
from ledger_guard.use_cases.remediation.remediate import Case, open_case

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
MINUTE = timedelta(minutes=1)
INCIDENT_ID = "7d5b1c9e-6a80-4e5d-8f0c-2f4f6d1f9a22"
TENANTS = tuple(f"tenant-{letter}" for letter in "abcdef")
FLAG = "webhook_signature_enforced"
POLICY = load_policy()
#: a tenant's genuine calls: 43 in ten minutes, 258 of all six
EVERY = timedelta(seconds=14)
#: whether a genuine call is refused
Refuses = Callable[[AccessEvent], bool]


#: where each provider's calls come from, where the log tells
PROVIDERS = {"mockpsp": "198.51.100.10", "stripe": "198.51.100.40"}


def call(
    tenant: str, at: datetime, status: int, webhook_id: str | None, provider: str = "mockpsp", source: str | None = None
) -> AccessEvent:
    path, code = f"/api/v1/payments/webhook/{provider}", None if status == 200 else "WEBHOOK_SIGNATURE_INVALID"
    key = f"{tenant} {at.isoformat()} {status} {webhook_id}"
    return AccessEvent(key, at, tenant, webhook_id, "POST", path, provider, status, code, source_address=source)


def genuine(start: datetime, end: datetime, refuses: Refuses = lambda _: False) -> Iterator[AccessEvent]:
    """The six tenants' own calls: stripe's for tenant-f, mockpsp's for the others."""
    for tenant in TENANTS:
        at, number = start, 0
        while at < end:
            provider = "stripe" if tenant == "tenant-f" else "mockpsp"
            found = call(tenant, at, 200, f"evt-{tenant}-{at.timestamp():.0f}", provider)
            yield call(tenant, at, 401, found.subject_id, provider) if refuses(found) else found
            at, number = at + EVERY, number + 1


@functools.cache
def accepted(start: datetime, end: datetime) -> tuple[AccessEvent, ...]:
    """All genuine calls of this time, none of them refused: the same ones for every test that asks."""
    return tuple(genuine(start, end))


def strangers(start: datetime, count: int = 144, seconds: float = 4.0) -> list[AccessEvent]:
    """Wrongly signed calls from nowhere, one tenant after another, with ids that nobody ever sent."""
    return [call(TENANTS[n % 6], start + timedelta(seconds=seconds * n), 401, f"x-{n}") for n in range(count)]


class Webhooks:
    """A guard over four days of ordinary calls, and ten minutes of trouble that begin at noon.

    `refused_before` are genuine calls that were refused in the hours before, too.
    """

    def __init__(self, refused_before: Refuses | None = None) -> None:
        self.world: MemoryWorld = memory_world(POLICY, NOON + 11 * MINUTE)
        self.world.flags.put(FLAG, "*", is_enabled=True)
        for provider, name in (("mockpsp", "WEBHOOK_SECRET_MOCKPSP"), ("stripe", "STRIPE_WEBHOOK_SECRET")):
            self.world.secrets.inspect(provider, name, "whsec-4fJk29dkQpZ7vT1x")
        for tenant in TENANTS:
            self.world.ledger.tenants.add(tenant)
        for days in range(4):
            noon = NOON - days * 1440 * MINUTE
            begin = noon - 300 * MINUTE
            self.arrive(accepted(begin, noon) if days or not refused_before else genuine(begin, noon, refused_before))
            self.arrive(accepted(noon, noon + 90 * MINUTE) if days else [])

    def arrive(self, events) -> None:
        """Calls that the access log tells of; refusals are what check_secrets counts by provider too."""
        events = list(events)
        self.world.triage.receive(POLICY, events)
        for provider in ("mockpsp", "stripe"):
            own = [event for event in events if event.provider == provider and event.event_time >= NOON]
            refused = [event for event in own if event.status == 401]
            if own:
                code = "WEBHOOK_SIGNATURE_INVALID" if refused else ""
                first = min(event.event_time for event in refused or own)
                self.world.triage.fail(FailureGroup(provider, code, len(refused), len(own), first))

    def open(self, *, scope: Scope = Scope.WIDESPREAD, tenants=TENANTS, windows: int = 2) -> Incident:
        """The incident that the trouble led to, over so many windows from noon on."""
        incident = Incident(
            incident_id=INCIDENT_ID,
            trigger=T2,
            status=IncidentStatus.OPEN,
            severity=Severity.SEVERE,
            scope=scope,
            tenants=tenants,
            opened_at=NOON + 6 * MINUTE,
            first_window_start=NOON,
            last_alarm_window_start=NOON + (windows - 1) * 5 * MINUTE,
            summary="refused webhooks at fifty times the baseline",
        )
        with self.world.state.transaction() as state:
            state.incidents.add(incident)
        return incident

    def case(self, run_id: str = "remediation__1") -> Case:
        """Taken up by the guard."""
        return open_case(self.world.deps, {"incident_id": INCIDENT_ID}, "ledger_guard", run_id)
