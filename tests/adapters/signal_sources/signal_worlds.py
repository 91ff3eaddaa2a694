"""Rows, events and sources for the signal tests."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import psycopg
from tests.triggers import T1, T2

from ledger_guard.adapters.memory.clock import SettableClock
from ledger_guard.adapters.memory.signals import InMemorySignalSource
from ledger_guard.adapters.postgres.access_events import PostgresAccessEventStore
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.domain.access_events import AccessEvent, RejectedLine
from ledger_guard.policy.schema import Policy
from ledger_guard.ports.platform import SignalSource
from ledger_guard.wiring import signal_sources

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
_keys = itertools.count(1)


@dataclass(frozen=True)
class Source:
    """A source, and how it is fed."""

    signals: SignalSource
    arrive: Callable[[list[AccessEvent]], None]
    complete: Callable[[datetime], None]
    #: lines that could not be read
    fail_to_read: Callable[[list[RejectedLine]], None]


def memory_source(policy: Policy) -> Source:
    signals = InMemorySignalSource(policy)

    def complete(through: datetime) -> None:
        for trigger in (T1, T2):
            signals.complete(trigger, through)

    return Source(signals, lambda events: signals.receive(policy, events), complete, signals.fail_to_read)


def postgres_source(uri: str, policy: Policy) -> Source:
    settings = ConnectionSettings.parse(uri, "ledger_db")
    store = PostgresAccessEventStore(settings)

    def arrive(events: list[AccessEvent]) -> None:
        with store.delivery() as delivery:
            delivery.add(events)

    def complete(through: datetime) -> None:
        with store.delivery() as delivery:
            delivery.advance(through, through)

    def fail_to_read(lines: list[RejectedLine]) -> None:
        with store.delivery() as delivery:
            delivery.keep_hiding(lines)

    return Source(signal_sources(settings, settings, policy, SettableClock(NOON)), arrive, complete, fail_to_read)


def request_event(tenant: str, status: int, code: str | None = None, **fields: object) -> AccessEvent:
    """A withdraw request at noon, unless told otherwise."""
    found: dict[str, object] = {
        "event_key": f"e{next(_keys)}",
        "event_time": NOON,
        "tenant_id": tenant,
        "subject_id": "p-1",
        "method": "POST",
        "path": "/api/v1/player/wallet/withdraw",
        "provider": None,
        "status": status,
        "error_code": code,
    }
    return AccessEvent(**{**found, **fields})  # type: ignore[arg-type]


def webhook_event(tenant: str, status: int, code: str | None = None, provider: str = "mockpsp", **fields: object) -> AccessEvent:
    """A webhook call at noon, unless told otherwise."""
    path = f"/api/v1/payments/webhook/{provider}"
    return request_event(tenant, status, code, **{"path": path, "provider": provider, "subject_id": "wh-1", **fields})


def unreadable(number: int, path: str = "/api/v1/player/wallet/withdraw", near: datetime = NOON) -> RejectedLine:
    """A line that can't be read and names such requests, at noon unless told otherwise."""
    return RejectedLine(number, "is not JSON", "{…", line_key=f"line:{number}", hides_request_to=path, near=near)


@dataclass(frozen=True)
class PlatformRows:
    """Writes rows of the platform's tables."""

    uri: str

    def tenant(self, tenant_id: str) -> None:
        self._run("insert into tenant (id, name) values (%s, %s) on conflict do nothing", tenant_id, tenant_id)

    def player(self, tenant_id: str, player_id: str, available: float, held: float = 0.0) -> None:
        self.tenant(tenant_id)
        self._run(
            "insert into player (id, tenant_id, username, email, balance_real, balance_bonus,"
            " balance_real_available, balance_real_held)"
            " values (%s, %s, 'u', 'e', %s, 0, %s, %s)",
            player_id,
            tenant_id,
            available + held,
            available,
            held,
        )

    def wallet(self, tenant_id: str, player_id: str, available: float, pending: float = 0.0, currency: str = "USD") -> None:
        self._run(
            "insert into walletbalance values (%s, %s, %s, %s, %s, 0, 0)", tenant_id, player_id, currency, available, pending
        )

    def movement(self, tenant_id: str, player_id: str, direction: str, amount: float, **fields: object) -> None:
        """A provider's deposit, which only the wallet gets, unless told otherwise."""
        given = {"type": "deposit", "currency": "USD", "status": "deposit_captured", "at": NOON - timedelta(days=1)}
        found = {**given, "tx_id": f"tx{next(_keys)}", **fields}
        self._run(
            "insert into ledgertransaction (id, tx_id, tenant_id, player_id, type, direction, amount, currency, status,"
            " created_at) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            f"l{next(_keys)}",
            found["tx_id"],
            tenant_id,
            player_id,
            found["type"],
            direction,
            amount,
            found["currency"],
            found["status"],
            found["at"],
        )

    def run(self, statement: str) -> None:
        self._run(statement)

    def _run(self, statement: str, *parameters: object) -> None:
        with psycopg.connect(self.uri) as connection:
            connection.execute(statement, parameters or None)
