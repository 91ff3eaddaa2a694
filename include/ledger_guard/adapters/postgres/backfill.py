"""The only writer of wallets: carries out exactly a stored plan, or takes it back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from ledger_guard.adapters.postgres.backfill_at_once import AtOnceBatches
from ledger_guard.adapters.postgres.backfill_batches import FORCE, UNDO, BackfillBatches, BatchWriter, Operation
from ledger_guard.adapters.postgres.backfill_by_intent import ByIntentBatches
from ledger_guard.adapters.postgres.backfill_journal import OUTCOMES, BackfillJournal
from ledger_guard.adapters.postgres.connection import Connection, ConnectionSettings, translated_errors
from ledger_guard.adapters.postgres.pacer import Pacer
from ledger_guard.adapters.postgres.schema_revision import open_guard_state
from ledger_guard.adapters.postgres.state import GuardRepositories
from ledger_guard.adapters.postgres.wallet_rows import WalletRows
from ledger_guard.adapters.postgres.write_obstacles import find_write_obstacles
from ledger_guard.adapters.postgres.writer_turn import ConnectedLeases
from ledger_guard.domain.attestations import plan_attested, require_attested
from ledger_guard.domain.audit_keys import NO_KEYS, AuditKeys
from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.plans import ForceOutcome, Plan, PlanStatus, UndoOutcome, require_forceable, require_undoable
from ledger_guard.domain.windows import iso
from ledger_guard.domain.writability import WriteObstacle
from ledger_guard.domain.writer_leases import NO_RUN, Turn, WriterClaim, WriterLease, as_lease_holder, new_lease
from ledger_guard.policy.schema import Policy
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.ports.platform import Clock


@dataclass(frozen=True)
class _Writer:
    """A session that holds a tenant's writer lock and lease, with the plan as it is under that lock."""

    plan: Plan
    lease: WriterLease
    platform: Connection
    guard: Connection
    wallets: WalletRows


class PostgresBackfillRunner:
    """BackfillRunner over the platform's database and guard state.

    The writer lock belongs to the platform's session: each batch sees, in its own transaction, that it runs in that session.

    Every method raises SourceUnavailable when a database does not answer or a row stays locked; what was done is
    journaled, so the caller starts again to go on.
    """

    def __init__(
        self,
        platform: ConnectionSettings,
        guard: ConnectionSettings,
        policy: Policy,
        wall_clock: Clock,
        audit_keys: AuditKeys = NO_KEYS,
        *,
        sleep: Callable[[float], None] = time.sleep,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """`sleep` and `seconds` are how it waits, and for how long, while it is paused or the database is unwell."""
        self._platform_settings = platform
        self._guard_settings = guard
        self._platform = policy.platform
        self._pace = policy.backfill_pace
        self._sleep, self._seconds = sleep, seconds
        self._clock, self._audit_keys = wall_clock, audit_keys

    def obstacles(self) -> list[WriteObstacle]:
        """See BackfillRunner."""
        with translated_errors("the platform's database"), self._open(self._platform_settings) as connection:
            return find_write_obstacles(connection, self._platform)

    def force(
        self,
        plan_id: str,
        actor: str,
        batch_rows: int,
        still_permitted: Callable[[], None] | None = None,
        admit: Callable[[UnitOfWork], None] | None = None,
        claim: WriterClaim = NO_RUN,
    ) -> ForceOutcome:
        """See BackfillRunner."""
        with self._writing(plan_id, FORCE, claim) as writer:
            require_forceable(writer.plan)
            journal = self._journal(writer, FORCE, actor)
            already_applied = journal.progress().done
            if writer.plan.status is PlanStatus.FORCED:
                return ForceOutcome(0, 0, already_applied)
            if still_permitted is not None:
                still_permitted()
            self._require_attested(writer)
            batches = self._carried_out(FORCE, writer, journal, actor, batch_rows, admit)
            return ForceOutcome(batches.done, batches.left, already_applied + batches.done_before)

    def undo(self, plan_id: str, actor: str, batch_rows: int, claim: WriterClaim = NO_RUN) -> UndoOutcome:
        """See BackfillRunner. Counts this run; a plan that is undone already gives zeros."""
        with self._writing(plan_id, UNDO, claim) as writer:
            require_undoable(writer.plan)
            if writer.plan.status is PlanStatus.UNDONE:
                return UndoOutcome(0, 0)
            self._require_attested(writer)
            if writer.plan.status is PlanStatus.FORCING:
                forced = self._journal(writer, FORCE, actor)
                self._batches(FORCE, writer, forced, actor).settle_announced(may_write=False)
            journal = self._journal(writer, UNDO, actor)
            journal.require_images(self._clock)
            batches = self._carried_out(UNDO, writer, journal, actor, batch_rows)
            return UndoOutcome(batches.done + batches.done_before, batches.left)

    def _carried_out(
        self,
        operation: Operation,
        writer: _Writer,
        journal: BackfillJournal,
        actor: str,
        batch_rows: int,
        admit: Callable[[UnitOfWork], None] | None = None,
    ) -> BackfillBatches:
        with writer.guard.transaction():
            at = self._clock.now()
            journal.keep_turn(at)
            if admit is not None:
                admit(GuardRepositories(writer.guard, self._audit_keys))
            if writer.plan.status is not operation.doing:
                journal.set_status(operation.doing, {}, at)
        batches = self._batches(operation, writer, journal, actor)
        batches.run(
            Pacer(
                writer.plan.plan_id,
                operation.name,
                writer.platform,
                writer.guard,
                self._pace,
                batch_rows,
                may_still=lambda: self._require_unexpired(operation, writer.plan),
                keep_turn=lambda: journal.keep_turn(self._clock.now()),
                sleep=self._sleep,
                seconds=self._seconds,
            )
        )
        with writer.guard.transaction():
            at = self._clock.now()
            journal.keep_turn(at)
            progress = journal.progress()
            done, left = OUTCOMES[operation.name]
            totals = {done.value: progress.done, left.value: progress.left_alone}
            journal.set_status(operation.finished, totals, at)
        return batches

    def _require_attested(self, writer: _Writer) -> None:
        """Raise SafetyRefusal unless a marked audit entry attests the plan as it was read under the writer lock."""
        require_attested(GuardRepositories(writer.guard, self._audit_keys).audit, plan_attested(writer.plan))

    def _require_unexpired(self, operation: Operation, plan: Plan) -> None:
        if operation is FORCE and self._clock.now() > plan.expires_at:
            raise SafetyRefusal(
                f"plan {plan.plan_id}: expired at {iso(plan.expires_at)} while its force waited. What was written is journaled; "
                "make a new dry-run for the rest"
            )

    def _journal(self, writer: _Writer, operation: Operation, actor: str) -> BackfillJournal:
        return BackfillJournal(writer.guard, writer.plan, operation.name, actor, writer.lease, self._audit_keys)

    def _batches(self, operation: Operation, writer: _Writer, journal: BackfillJournal, actor: str) -> BackfillBatches:
        batch_writer: BatchWriter
        if writer.platform is writer.guard:
            batch_writer = AtOnceBatches(
                operation.name, writer.plan, journal, writer.platform, writer.wallets, self._platform, actor, self._clock
            )
        else:
            batch_writer = ByIntentBatches(operation.name, journal, writer.wallets, writer.platform, writer.guard, self._clock)
        return BackfillBatches(operation, writer.plan, journal, batch_writer)

    @contextmanager
    def _writing(self, plan_id: str, operation: Operation, claim: WriterClaim) -> Iterator[_Writer]:
        with ExitStack() as stack:
            stack.enter_context(translated_errors(f"backfill of plan {plan_id}"))
            guard = stack.enter_context(self._open(self._guard_settings, open_guard_state))
            is_shared = self._platform_settings == self._guard_settings
            platform = guard if is_shared else stack.enter_context(self._open(self._platform_settings))
            plans = GuardRepositories(guard).plans
            seen = plans.get(plan_id, with_rows=False)
            wallets = WalletRows(platform, self._platform, seen.tenant_id, seen.currency)
            lease = new_lease(seen.tenant_id, seen.plan_id, operation.name, claim, self._clock.now())
            turn = Turn(wallets.as_only_writer, wallets.end_other_writer, self._sleep)
            stack.enter_context(as_lease_holder(ConnectedLeases(guard, self._clock), lease, turn))
            # Read again: whoever held the lock before may have moved the plan on.
            with guard.transaction():
                plan = plans.get(plan_id, with_rows=False)
                plan.check_hash(plans.content(plan_id))
            yield _Writer(plan, lease, platform, guard, wallets)

    def _open(self, settings: ConnectionSettings, opened: Callable[..., Connection] = ConnectionSettings.open) -> Connection:
        connection = opened(
            settings,
            "backfill",
            statement_timeout_seconds=self._platform.statement_timeout_seconds,
            lock_timeout_milliseconds=self._platform.lock_timeout_milliseconds,
            # A run that hangs keeps players locked for no longer than a statement could.
            idle_in_transaction_seconds=self._platform.statement_timeout_seconds,
            schema=self._platform.schema_name,
        )
        connection.autocommit = True
        return connection
