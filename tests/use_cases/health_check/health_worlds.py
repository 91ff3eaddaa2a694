"""A guard in memory with readings delivered window by window."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from tests.triggers import T1

from ledger_guard.adapters.memory.dependencies import MemoryWorld, memory_world
from ledger_guard.domain.incidents import Incident, IncidentStatus
from ledger_guard.domain.signals import Reading, Trigger
from ledger_guard.domain.verdicts import Scope, Severity, Verdict
from ledger_guard.domain.windows import Window
from ledger_guard.policy.loader import load_policy

LENGTH = timedelta(minutes=5)
NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
POLICY = load_policy()
#: ids as guard state knows them
INCIDENT_ID = "0b6f3f0e-0000-4000-8000-000000000001"


def window(number: int, length: timedelta = LENGTH) -> Window:
    """The window that begins so many windows after noon."""
    return Window(NOON + number * length, length)


def world_at(now: datetime = NOON) -> MemoryWorld:
    """An empty world with the shipped policy."""
    return memory_world(POLICY, now)


def reading(trigger: Trigger, tenant: str, number: int, events: int, exposure: int) -> Reading:
    return Reading(trigger, tenant, window(number), events, exposure, min(events, exposure))


def deliver(world: MemoryWorld, trigger: Trigger, numbers: range, rates: dict[str, tuple[int, int]]) -> None:
    """Deliver the same (events, exposure) a tenant for each of these windows, and call them complete."""
    world.signals.deliver(reading(trigger, tenant, n, *rate) for n in numbers for tenant, rate in rates.items())
    world.signals.complete(trigger, window(numbers[-1]).end)


def verdict(tenant: str, severity: Severity, number: int = 0, scope: Scope = Scope.ISOLATED, trigger: Trigger = T1) -> Verdict:
    return Verdict(trigger, tenant, window(number), severity, scope, f"{tenant} is {severity.value}")


def incident(**fields: object) -> Incident:
    """A severe incident of T1 in tenant a, opened by the window at noon."""
    found: dict[str, object] = {
        "incident_id": INCIDENT_ID,
        "trigger": T1,
        "status": IncidentStatus.OPEN,
        "severity": Severity.SEVERE,
        "scope": Scope.ISOLATED,
        "tenants": ("a",),
        "opened_at": window(0).end,
        "first_window_start": NOON,
        "last_alarm_window_start": NOON,
        "summary": "a is severe",
    }
    return Incident(**{**found, **fields})  # type: ignore[arg-type]


def audited(world: MemoryWorld) -> list[tuple[str, str]]:
    """Verb and subject of every audit entry."""
    with world.deps.state.transaction() as state:
        return [(entry.event.verb, entry.event.subject) for entry in state.audit.entries()]
