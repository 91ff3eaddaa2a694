"""A day of requests, delivered shuffled, twice, late and between kills: readings and verdicts are those of the clean delivery."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from health_worlds import LENGTH, NOON, POLICY, window

from ledger_guard.adapters.memory.access_events import InMemoryAccessEventStore
from ledger_guard.adapters.memory.dependencies import MemoryWorld, memory_world
from ledger_guard.adapters.postgres.access_events import PostgresAccessEventStore
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.state import PostgresGuardState
from ledger_guard.domain.access_events import AccessEvent, RejectedLine
from ledger_guard.domain.signals import Reading, Trigger
from ledger_guard.domain.verdicts import Verdict
from ledger_guard.ports.platform import AccessEventStore
from ledger_guard.use_cases.health_check.classify import classify
from ledger_guard.use_cases.health_check.sense import is_ready, sense
from ledger_guard.use_cases.ingest.ingest_access_log import ingest_access_log
from ledger_guard.wiring import signal_sources

T1 = Trigger("T1")
TENANTS = ("a", "b", "c")
DAY = 288
#: what comes within this of its window's end is in the readings in the end: lateness, less a check that may be missed
LATEST = timedelta(minutes=50)


@dataclass(frozen=True)
class Log:
    """A file of lines, as it comes in."""

    entries_: list[AccessEvent | RejectedLine]
    name: str = "a.log"
    mapping: str = "ingress_json"
    not_knowable: tuple[str, ...] = ()

    def entries(self) -> Iterator[AccessEvent | RejectedLine]:
        return iter(self.entries_)

    def sha256(self) -> str:
        return "0" * 64


@dataclass(frozen=True)
class Guard:
    """A guard, and the store that its access log comes into."""

    world: MemoryWorld
    store: AccessEventStore

    def take_in(self, events: list[AccessEvent]) -> None:
        if events:
            ingest_access_log(self.world.deps, self.store, [Log(events)], actor="ops")
        if isinstance(self.store, InMemoryAccessEventStore):
            self.world.signals.receive(POLICY, events)
            if self.store.complete_through:
                self.world.signals.complete(T1, self.store.complete_through)

    def check(self, now: datetime, killed_after: int | None = None) -> None:
        """One health check; killed after so many transactions, if it comes to that."""
        self.world.clock.advance(now - self.world.clock.now())
        deps = self.world.deps
        if killed_after is not None:
            deps = replace(deps, state=Killing(deps.state, killed_after))
        try:
            if is_ready(deps, T1):
                sense(deps, T1)
                classify(deps, T1)
        except Killed:
            return

    def found(self) -> tuple[dict[object, Reading], dict[object, Verdict]]:
        with self.world.deps.state.transaction() as state:
            span = (T1, NOON, NOON + timedelta(days=2))
            readings = {(each.window.start, each.tenant_id): each for each in state.readings.readings(*span)}
            return readings, {(each.window.start, each.tenant_id): each for each in state.verdicts.between(*span)}


class Killed(Exception):
    """As a task that is killed."""


class Killing:
    """Guard state whose user is killed before a transaction commits."""

    def __init__(self, state: object, left: int) -> None:
        self._state, self._left = state, left

    @contextmanager
    def transaction(self) -> Iterator[object]:
        with self._state.transaction() as transaction:  # type: ignore[attr-defined]
            yield transaction
            self._left -= 1
            if self._left < 0:
                raise Killed


def day_of_requests(chance: random.Random, windows: int) -> list[AccessEvent]:
    """Three tenants' withdraws, with a spike of refusals in one of them."""
    events = []
    for number in range(windows):
        for tenant in TENANTS:
            rate = 0.6 if tenant == "b" and windows * 0.7 <= number < windows * 0.7 + 4 else 0.03
            for place in range(chance.randint(3, 9)):
                is_refused = chance.random() < rate
                events.append(
                    AccessEvent(
                        event_key=f"{number}-{tenant}-{place}",
                        event_time=window(number).start + chance.random() * LENGTH,
                        tenant_id=tenant,
                        subject_id=f"p{place}",
                        method="POST",
                        path="/api/v1/player/wallet/withdraw",
                        provider=None,
                        status=400 if is_refused else 200,
                        error_code="INSUFFICIENT_FUNDS" if is_refused else None,
                        amount_cents=100 * place if is_refused else None,
                    )
                )
    return events


def delivered_cleanly(guard: Guard, events: list[AccessEvent], windows: int) -> None:
    by_window = defaultdict(list)
    for event in events:
        by_window[(event.event_time - NOON) // LENGTH].append(event)
    for number in range(windows):
        guard.take_in(sorted(by_window[number], key=lambda event: event.event_time))
        state_complete(guard, window(number).end)
        guard.check(window(number).end + timedelta(seconds=5))


def delivered_in_disorder(guard: Guard, events: list[AccessEvent], windows: int, chance: random.Random) -> None:
    """Nine in ten come at once, the others up to `LATEST` later; one in five comes again; checks are left out, or killed."""
    arriving = defaultdict(list)
    for event in events:
        own = (event.event_time - NOON) // LENGTH
        for _ in range(2 if chance.random() < 0.2 else 1):
            delay = chance.random() * LATEST if chance.random() < 0.1 else timedelta(0)
            arriving[own + delay // LENGTH].append(event)
    for number in range(windows + LATEST // LENGTH + 2):
        batch = arriving[number]
        chance.shuffle(batch)
        guard.take_in(batch)
        state_complete(guard, window(number).end)
        now = window(number).end + timedelta(seconds=5)
        if number and chance.random() < 0.1:
            continue
        guard.check(now, chance.randint(0, 6) if chance.random() < 0.2 else None)
    guard.check(window(windows + LATEST // LENGTH + 2).end + timedelta(hours=1, seconds=5))


def state_complete(guard: Guard, through: datetime) -> None:
    """Who delivers says that nothing of before is left, as far as they know."""
    guard.world.clock.advance(through - guard.world.clock.now())
    with guard.store.delivery() as delivery:
        delivery.advance(through, through)
    if isinstance(guard.store, InMemoryAccessEventStore):
        guard.world.signals.complete(T1, through)


def in_memory() -> Guard:
    world = memory_world(POLICY, NOON)
    return Guard(world, InMemoryAccessEventStore(world.state))


def same(guard: Guard, clean: Guard, windows: int) -> None:
    """Of the day: windows after it are the disorder's own."""
    end = window(windows).start
    for found, expected in zip(guard.found(), clean.found(), strict=True):
        assert {key: each for key, each in found.items() if key[0] < end} == expected


@pytest.mark.parametrize("seed", range(2))
def test_a_day_in_disorder_ends_as_the_clean_one(seed):
    events = day_of_requests(random.Random(seed), DAY)
    clean, guard = in_memory(), in_memory()
    delivered_cleanly(clean, events, DAY)
    delivered_in_disorder(guard, events, DAY, random.Random(100 + seed))
    same(guard, clean, DAY)
    _, verdicts = clean.found()
    assert any(each.severity.is_alarm for each in verdicts.values())


@pytest.mark.postgres
def test_hours_in_disorder_end_as_the_clean_ones_in_postgres(database_uri):
    windows = 40
    events = day_of_requests(random.Random(7), windows)
    settings = ConnectionSettings.parse(database_uri, "ledger_guard_db")
    world = memory_world(POLICY, NOON)
    sources = signal_sources(settings, settings, POLICY, world.clock)
    deps = replace(world.deps, state=PostgresGuardState(settings), signals=sources)
    guard, clean = Guard(replace(world, deps=deps), PostgresAccessEventStore(settings)), in_memory()
    delivered_cleanly(clean, events, windows)
    delivered_in_disorder(guard, events, windows, random.Random(107))
    same(guard, clean, windows)
