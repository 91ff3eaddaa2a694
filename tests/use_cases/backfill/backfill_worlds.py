"""One platform and guard state to drive backfills in: in memory, in one Postgres database, or in two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Protocol

import psycopg
from tests.triggers import T3

from ledger_guard.adapters.memory.clock import SettableClock
from ledger_guard.domain.approvals import Answer, ApprovalAnswer, ApprovalKind, ApprovalRequest
from ledger_guard.domain.audit_keys import NO_KEYS, AuditKeys
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.ledger_rows import LedgerRow, TransactionRow
from ledger_guard.domain.plans import Plan, PlanRow
from ledger_guard.domain.windows import Window
from ledger_guard.policy.schema import Policy
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import GuardState

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)
TENANT = "casino_7"
ACTOR = "oncall"


class Killed(BaseException):
    """Stands for a process that ends at some moment: nothing in product code may catch it."""


class FallibleClock(SettableClock):
    """A clock that can end the process at its n-th reading from now."""

    def __init__(self, now: datetime) -> None:
        super().__init__(now)
        self.kill_at_reading: int | None = None

    def now(self) -> datetime:
        if self.kill_at_reading is not None:
            self.kill_at_reading -= 1
            if self.kill_at_reading <= 0:
                self.kill_at_reading = None
                raise Killed
        return super().now()


class Platform(Protocol):
    """What tests do to the platform."""

    def add_tenant(self, tenant_id: str) -> None: ...
    def set_player(self, tenant_id: str, player_id: str, available: float, held: float = 0.0) -> None: ...
    def remove_player(self, tenant_id: str, player_id: str) -> None: ...
    def set_wallet(
        self, tenant_id: str, player_id: str, available: float, pending: float = 0.0, currency: str = "USD", bonus: float = 0.0
    ) -> None: ...
    def remove_wallet(self, tenant_id: str, player_id: str) -> None: ...
    def book(self, tenant_id: str, player_id: str, movement: LedgerRow) -> None: ...
    def note(self, tenant_id: str, player_id: str, transaction: TransactionRow) -> None: ...
    def wallet(self, tenant_id: str, player_id: str, currency: str = "USD") -> tuple[float, float, float, float] | None: ...


@dataclass
class World:
    """A guard whose runner and ledger work on `platform`."""

    deps: Dependencies
    platform: Platform
    clock: FallibleClock
    #: (available, pending) before and after, by player, of one operation
    images: Callable[[str, str], dict[str, tuple[tuple[float, float] | None, tuple[float, float] | None]]]
    #: change a stored plan row behind the guard's back
    edit_row: Callable[[Plan, PlanRow], None]
    #: (platform, guard) database URIs, None in memory
    uris: tuple[str, str] | None = None

    def with_policy(self, policy: Policy) -> World:
        """The same world under another policy (for use cases; adapters keep theirs)."""
        return replace(self, deps=replace(self.deps, policy=policy))

    def stored(self, plan_id: str) -> Plan:
        with self.deps.state.transaction() as state:
            return state.plans.get(plan_id)

    def states(self, plan_id: str) -> dict[str, str]:
        return {row.player_id: row.state.value for row in self.stored(plan_id).rows}

    def audited(self, verb: str) -> list[dict[str, object]]:
        with self.deps.state.transaction() as state:
            return [dict(entry.event.detail) for entry in state.audit.entries() if entry.event.verb == verb]

    def stale(self, player_id: str, player: float, wallet: float, tenant_id: str = TENANT) -> None:
        """A player whose wallet never got a hand of poker, won or lost."""
        self.platform.set_player(tenant_id, player_id, player)
        self.platform.set_wallet(tenant_id, player_id, wallet)
        kind, direction = ("poker_win", "credit") if wallet <= player else ("poker_bet", "debit")
        row = LedgerRow(kind, direction, round(abs(wallet - player), 2), NOW, status="success")
        self.platform.book(tenant_id, player_id, row)

    def born_from_0(self, player_id: str, tenant_id: str = TENANT) -> None:
        """Book what makes a wallet from 0 and leaves nothing in it: a webhook's deposit that was charged back."""
        self.platform.book(tenant_id, player_id, LedgerRow("deposit", "credit", 1.0, NOW, status="deposit_captured"))
        self.platform.book(tenant_id, player_id, LedgerRow("chargeback", "debit", 1.0, NOW))

    def credited(self, player_id: str, player: float, deposit: float, tenant_id: str = TENANT) -> None:
        """A player whose wallet alone got a deposit, and holds it."""
        self.platform.set_player(tenant_id, player_id, player)
        self.platform.set_wallet(tenant_id, player_id, player + deposit)
        self.platform.book(tenant_id, player_id, LedgerRow("deposit", "credit", deposit, NOW, status="deposit_captured"))

    def doubtful(self, player_id: str, player: float, wallet: float, tenant_id: str = TENANT) -> None:
        """A player of whom the ledger holds nothing, and whose wallet differs: a human's."""
        self.platform.set_player(tenant_id, player_id, player)
        self.platform.set_wallet(tenant_id, player_id, wallet)

    def disputed(self, player_id: str, player: float, wallet: float, tenant_id: str = TENANT) -> None:
        """A wallet that differs in a way that the ledger does not account for: written only after approval."""
        self.doubtful(player_id, player, wallet, tenant_id)
        self.platform.book(tenant_id, player_id, LedgerRow("wallet", "credit", 0.01, NOW, status="manual_credit"))


def _stored(moment: datetime | None) -> datetime | str:
    """As the platform stores it, without a zone; no date at all is an infinity there."""
    return "infinity" if moment is None else moment.replace(tzinfo=None)


def approve(
    state: GuardState,
    kind: ApprovalKind,
    plan: Plan,
    *,
    subject_hash: str | None = None,
    answered_by: str = "payments-lead",
    requested_by: str = "ledger_guard",
    answer: Answer = Answer.APPROVED,
    at: datetime = NOW,
) -> None:
    """Record a question about a plan with its answer, as a gate would."""
    request = ApprovalRequest(
        approval_id=new_id(),
        kind=kind,
        subject_id=plan.plan_id,
        subject_hash=subject_hash or plan.plan_hash,
        incident_id=None,
        requested_by=requested_by,
        approvers=("payments-lead", "ops-lead", "oncall"),
        minimum_reason_characters=10,
        requested_at=at,
        expires_at=at + timedelta(hours=1),
        dag_id="tenant_backfill",
        run_id=new_id(),
        task_id="request_approval",
    )
    with state.transaction() as transaction:
        transaction.approvals.request(request)
        person = None if answer is Answer.TIMED_OUT else answered_by
        transaction.approvals.answer(ApprovalAnswer(request.approval_id, answer, person, at, "checked the plan by hand"))


class PostgresPlatform:
    """The platform's tables, changed as its own code would, each change committed."""

    def __init__(self, uri: str) -> None:
        self._uri = uri

    def _run(self, query: str, *values: object) -> list[tuple[object, ...]]:
        with psycopg.connect(self._uri) as connection:
            cursor = connection.execute(query.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def add_tenant(self, tenant_id: str) -> None:
        self._run("insert into tenant (id, name) values (%s, %s) on conflict do nothing", tenant_id, tenant_id)

    def set_player(self, tenant_id: str, player_id: str, available: float, held: float = 0.0) -> None:
        self.add_tenant(tenant_id)
        self._run(
            "insert into player (id, tenant_id, username, email, balance_real, balance_bonus, balance_real_available,"
            " balance_real_held)"
            " values (%s, %s, 'u', 'e', %s, 7, %s, %s) on conflict (id) do update set"
            " balance_real_available = excluded.balance_real_available, balance_real_held = excluded.balance_real_held",
            *(player_id, tenant_id, available + held, available, held),
        )

    def remove_player(self, tenant_id: str, player_id: str) -> None:
        self._run("delete from player where tenant_id = %s and id = %s", tenant_id, player_id)

    def set_wallet(
        self, tenant_id: str, player_id: str, available: float, pending: float = 0.0, currency: str = "USD", bonus: float = 0.0
    ) -> None:
        self.add_tenant(tenant_id)
        self._run(
            "insert into walletbalance values (%s, %s, %s, %s, %s, %s, 0, '2020-01-01')"
            " on conflict (tenant_id, player_id, currency) do update set"
            " balance_real_available = excluded.balance_real_available, balance_real_pending = excluded.balance_real_pending,"
            " balance_bonus_available = excluded.balance_bonus_available",
            *(tenant_id, player_id, currency, available, pending, bonus),
        )

    def remove_wallet(self, tenant_id: str, player_id: str) -> None:
        self._run("delete from walletbalance where currency = 'USD' and tenant_id = %s and player_id = %s", tenant_id, player_id)

    def book(self, tenant_id: str, player_id: str, movement: LedgerRow) -> None:
        self._run(
            "insert into ledgertransaction (id, tx_id, tenant_id, player_id, type, direction, amount, currency, status,"
            " idempotency_key, provider_ref, created_at) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            *(new_id(), movement.tx_id and f"{player_id}/{movement.tx_id}", tenant_id, player_id, movement.type),
            *(movement.direction, movement.amount),
            *(movement.currency, movement.status, new_id(), movement.provider_ref, _stored(movement.created_at)),
        )

    def note(self, tenant_id: str, player_id: str, transaction: TransactionRow) -> None:
        row = transaction
        self._run(
            "insert into transaction (id, tenant_id, player_id, type, amount, currency, status, state, provider, balance_after,"
            " created_at) values (%s, %s, %s, %s, %s, %s, 'completed', 'completed', %s, %s, %s)",
            *(f"{player_id}/{row.id}", tenant_id, player_id, row.type, row.amount, row.currency, row.provider),
            *(row.balance_after, _stored(row.created_at)),
        )

    def wallet(self, tenant_id: str, player_id: str, currency: str = "USD") -> tuple[float, float, float, float] | None:
        rows = self._run(
            "select balance_real_available, balance_real_pending, balance_bonus_available, balance_bonus_pending"
            " from walletbalance"
            " where tenant_id = %s and player_id = %s and currency = %s",
            *(tenant_id, player_id, currency),
        )
        return tuple(rows[0]) if rows else None  # type: ignore[return-value]


class MemoryPlatform:
    """The in-memory ledger under the same verbs."""

    def __init__(self, ledger) -> None:
        self._ledger = ledger

    def add_tenant(self, tenant_id: str) -> None:
        self._ledger.tenants.add(tenant_id)

    def set_player(self, tenant_id: str, player_id: str, available: float, held: float = 0.0) -> None:
        self._ledger.add_player(tenant_id, player_id, available, held)
        self._ledger.bonus[tenant_id, player_id] = 7.0

    def remove_player(self, tenant_id: str, player_id: str) -> None:
        del self._ledger.players[tenant_id, player_id]

    def set_wallet(
        self, tenant_id: str, player_id: str, available: float, pending: float = 0.0, currency: str = "USD", bonus: float = 0.0
    ) -> None:
        self._ledger.tenants.add(tenant_id)
        self._ledger.set_wallet(tenant_id, player_id, available, pending, currency, (bonus, 0.0))

    def remove_wallet(self, tenant_id: str, player_id: str) -> None:
        del self._ledger.wallets[tenant_id, player_id, "USD"]

    def book(self, tenant_id: str, player_id: str, movement: LedgerRow) -> None:
        self._ledger.add_movement(tenant_id, player_id, movement)

    def note(self, tenant_id: str, player_id: str, transaction: TransactionRow) -> None:
        self._ledger.add_transaction(tenant_id, player_id, transaction)

    def wallet(self, tenant_id: str, player_id: str, currency: str = "USD") -> tuple[float, float, float, float] | None:
        row = self._ledger.wallets.get((tenant_id, player_id, currency))
        return (*row.balance, *row.bonus) if row else None


def memory_backfill_world(policy: Policy, audit_keys: AuditKeys = NO_KEYS) -> World:
    from ledger_guard.adapters.memory.backfill import InMemoryBackfillRunner
    from ledger_guard.adapters.memory.flags import InMemoryFlagStore
    from ledger_guard.adapters.memory.ledger import InMemoryLedger
    from ledger_guard.adapters.memory.state import InMemoryGuardState

    clock, state, ledger = FallibleClock(NOW), InMemoryGuardState(audit_keys), InMemoryLedger(policy)
    runner = InMemoryBackfillRunner(ledger, state, clock)

    def images(plan_id: str, operation: str):
        found = runner.before_images.items()
        return {
            player: (write.before, write.after) for (plan, what, player), write in found if (plan, what) == (plan_id, operation)
        }

    def edit_row(plan: Plan, row: PlanRow) -> None:
        rows = tuple(row if each.player_id == row.player_id else each for each in state.tables.plans[plan.plan_id].rows)
        state.tables.plans[plan.plan_id] = replace(state.tables.plans[plan.plan_id], rows=rows)

    return World(
        _deps(policy, state, ledger, runner, InMemoryFlagStore(), clock), MemoryPlatform(ledger), clock, images, edit_row
    )


def postgres_backfill_world(policy: Policy, platform_uri: str, guard_uri: str, audit_keys: AuditKeys = NO_KEYS) -> World:
    from ledger_guard.adapters.memory.flags import InMemoryFlagStore
    from ledger_guard.adapters.postgres.backfill import PostgresBackfillRunner
    from ledger_guard.adapters.postgres.connection import ConnectionSettings
    from ledger_guard.adapters.postgres.ledger import PostgresLedgerStore
    from ledger_guard.adapters.postgres.state import PostgresGuardState

    clock = FallibleClock(NOW)
    platform, deps = ConnectionSettings.parse(platform_uri, "ledger_db"), ConnectionSettings.parse(guard_uri, "ledger_guard_db")
    runner = PostgresBackfillRunner(platform, deps, policy, clock, audit_keys)

    def images(plan_id: str, operation: str):
        with psycopg.connect(guard_uri) as connection:
            rows = connection.execute(
                "select player_id, before_available, before_pending, after_available, after_pending"
                " from ledger_guard.before_image where plan_id = %s and operation = %s",
                [plan_id, operation],
            ).fetchall()
        return {
            row[0]: (None if row[1] is None else (row[1], row[2]), None if row[3] is None else (row[3], row[4])) for row in rows
        }

    def edit_row(plan: Plan, row: PlanRow) -> None:
        with psycopg.connect(guard_uri) as connection:
            # Rows are append-only; who owns the database can still get around that.
            connection.execute("set session_replication_role = replica")
            connection.execute(
                "update ledger_guard.plan_row set cause = %s, player_available = %s, wallet_available = %s, target_available = %s"
                " where plan_id = %s and player_id = %s",
                [row.cause.value, row.player_available, row.wallet_available, row.target_available, plan.plan_id, row.player_id],
            )

    ledger, state = PostgresLedgerStore(platform, policy), PostgresGuardState(deps, audit_keys)
    guard_ports = _deps(policy, state, ledger, runner, InMemoryFlagStore(), clock)
    return World(guard_ports, PostgresPlatform(platform_uri), clock, images, edit_row, (platform_uri, guard_uri))


def mismatches(world: World, policy: Policy):
    """What T3 reads of the tenant now; on Postgres only."""
    from ledger_guard.adapters.postgres.connection import ConnectionSettings
    from ledger_guard.wiring import signal_sources

    assert world.uris is not None
    settings = ConnectionSettings.parse(world.uris[0], "ledger_db")
    source = signal_sources(settings, settings, policy, world.clock)
    window = Window.containing(NOW, 5)
    return next(each for each in source.readings(T3, window, window) if each.tenant_id == TENANT)


def _deps(policy, state, ledger, runner, flags, clock) -> Dependencies:
    from ledger_guard.adapters.memory.notifier import InMemoryNotifier
    from ledger_guard.adapters.memory.secrets import InMemorySecretSource
    from ledger_guard.adapters.memory.signals import InMemorySignalSource, InMemoryTriageSource

    return Dependencies(
        policy=policy,
        state=state,
        signals=InMemorySignalSource(policy),
        triage=InMemoryTriageSource(),
        secrets=InMemorySecretSource(),
        ledger=ledger,
        backfill=runner,
        flags=flags,
        notifier=InMemoryNotifier(),
        clock=clock,
        wall_clock=clock,
    )
