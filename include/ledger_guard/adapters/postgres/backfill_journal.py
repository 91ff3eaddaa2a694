"""A plan's journal in guard state: how far an operation has come, before-images, rows left alone, audit entries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from ledger_guard.adapters.postgres.connection import Connection, Row, compose
from ledger_guard.adapters.postgres.rows import Store
from ledger_guard.adapters.postgres.state import GuardRepositories
from ledger_guard.domain.attestations import is_unkeyed
from ledger_guard.domain.attested_images import Images, images_of, require_announced, require_images
from ledger_guard.domain.audit_keys import NO_KEYS, AuditKeys
from ledger_guard.domain.errors import LedgerInvariantError, SafetyRefusal
from ledger_guard.domain.facts.backfill import BatchAnnounced, BatchWritten, PlanAdvanced, PlanFact, WriteRefused, about_plan
from ledger_guard.domain.plans import Plan, PlanRow, PlanStatus, RowState
from ledger_guard.domain.stops import require_running
from ledger_guard.domain.wallet_writes import Pair, WalletWrite
from ledger_guard.domain.writer_leases import WriterLease, superseded
from ledger_guard.ports.platform import Clock
from ledger_guard.sql import statement

#: what becomes of a row that an operation writes, and of one that it leaves alone
OUTCOMES = {"force": (RowState.APPLIED, RowState.DRIFTED), "undo": (RowState.RESTORED, RowState.KEPT)}


@dataclass(frozen=True)
class Batch:
    """The waiting rows of a plan behind player id `after`, up to and with `through`, in the database's order of text."""

    after: str
    through: str
    rows: int


@dataclass(frozen=True)
class Progress:
    """How far an operation of a plan has come: every row up to `through_player_id` is settled."""

    through_player_id: str
    batches: int
    done: int
    left_alone: int


@dataclass(frozen=True)
class Settled:
    """What became of writes that a killed run had announced, all rows up to `through_player_id` with them."""

    through_player_id: str
    #: writes that the killed run had made, and those made now
    stood: int
    written: int
    left: int


NOT_BEGUN = Progress("", 0, 0, 0)


class BackfillJournal(Store):
    """Writes within the transaction that the caller has open on `connection`."""

    def __init__(
        self,
        connection: Connection,
        plan: Plan,
        operation: str,
        actor: str,
        lease: WriterLease,
        audit_keys: AuditKeys = NO_KEYS,
    ) -> None:
        super().__init__(connection)
        self._state = GuardRepositories(connection, audit_keys)
        self._plan = plan
        self._operation = operation
        self._actor = actor
        self._lease = lease
        self._key = {"plan_id": plan.plan_id, "operation": operation}

    def set_status(self, status: PlanStatus, rows: Mapping[str, Any], at: datetime) -> None:
        """Record how far the plan is, with an audit entry; `rows` counts them by state at the end."""
        self._state.plans.set_status(self._plan.plan_id, status)
        self._record(PlanAdvanced(status=status, unkeyed=is_unkeyed(self._state.audit), **rows), at)

    def require_running(self) -> None:
        """Raise SafetyRefusal while the guard is stopped: asked before each batch."""
        require_running(self._state.audit, f"plan {self._plan.plan_id}: {self._operation}")

    def keep_turn(self, at: datetime) -> None:
        """Renew the writer's lease; nobody takes it before the open transaction ends. First in each that writes.

        Raises WriterSuperseded when another writer has it.
        """
        if not self._state.writer_leases.keep(self._lease, at):
            raise superseded(self._lease, self._state.writer_leases.of_tenant(self._lease.tenant_id))

    def progress(self) -> Progress:
        """How far the operation has come; all zero before its first batch."""
        return self._one(Progress, "backfill/select_progress", **self._key) or NOT_BEGUN

    def next_batch(self, after: str, limit: int) -> Batch | None:
        """The next rows that wait behind player id `after`, at most `limit`; None when there are none."""
        row = self._row(f"backfill/next_{self._operation}_batch", **self._key, after=after, limit=limit)
        return None if row is None or row["through"] is None else Batch(after, row["through"], row["rows"])

    def announced(self) -> tuple[Batch, list[WalletWrite], str | None] | None:
        """What a killed run announced and never settled.

        Its batch (whose rows are not counted), the writes, and the platform's transaction that was to make them.

        Raises:
            LedgerInvariantError: before-images and progress don't agree: guard state was edited. Stop and find out who did.
        """
        progress = self.progress()
        found = self._row("backfill/count_images", **self._key)
        if found is None or found["last_player_id"] is None:
            return None
        batch = Batch(progress.through_player_id, found["last_player_id"], 0)
        writes = self.images(self._operation, batch)
        if found["images"] != progress.done + len(writes):
            raise self.edited()
        return (batch, writes, found["last_transaction"]) if writes else None

    def rows(self, batch: Batch) -> list[PlanRow]:
        """The plan's writable rows of a batch, by player id."""
        return self._all(PlanRow, "backfill/list_force_batch", **self._range(batch))

    def images(self, operation: str, batch: Batch) -> list[WalletWrite]:
        """What an operation wrote or announced in a batch, by player id, as the writes they were made for."""
        rows = self._execute("backfill/list_images", **self._range(batch) | {"operation": operation})
        return [WalletWrite(row["player_id"], _pair(row, "before"), _pair(row, "after")) for row in rows]

    def announce(self, batch: Batch, writes: Sequence[WalletWrite], platform_transaction: str, at: datetime) -> None:
        """Keep what stood before and what stands after each write of a transaction of the platform's, with an audit entry.

        Raises:
            LedgerInvariantError: this operation has written one of the rows before. Nothing is ever applied twice.
        """
        if not writes:
            return
        parameters = self._key | {
            "tenant_id": self._plan.tenant_id,
            "currency": self._plan.currency,
            "actor": self._actor,
            "written_at": at,
            "platform_transaction": platform_transaction,
            "player_ids": [each.player_id for each in writes],
            "before_available": [each.before[0] if each.before else None for each in writes],
            "before_pending": [each.before[1] if each.before else None for each in writes],
            "after_available": [each.after[0] if each.after else None for each in writes],
            "after_pending": [each.after[1] if each.after else None for each in writes],
        }
        with self.never_twice():
            self._execute("backfill/insert_before_images", **parameters)
        images = self._digested(self._operation, batch.after, batch.through)
        self._record(BatchAnnounced(announced=images.rows, images=images.digest, transaction=platform_transaction), at)

    def require_announced(self, batch: Batch, platform_transaction: str | None, clock: Clock) -> None:
        """Raise SafetyRefusal, which goes on record, unless a marked entry announces what is announced in this batch."""
        images = self._digested(self._operation, batch.after, batch.through)
        with self._refusing(clock):
            require_announced(self._state.audit, self._plan.plan_id, self._operation, images, platform_transaction)

    def require_images(self, clock: Clock) -> None:
        """Raise SafetyRefusal, which goes on record, unless marked entries tell of each before-image of the plan's force."""
        row = self._row("backfill/count_images", **self._key | {"operation": "force"})
        every = int(row["images"]) if row else 0
        with self._refusing(clock):
            require_images(self._state.audit, self._plan.plan_id, lambda *span: self._digested("force", *span), every)

    @contextmanager
    def _refusing(self, clock: Clock) -> Iterator[None]:
        try:
            yield
        except SafetyRefusal as refusal:
            with self._connection.transaction():
                self._record(WriteRefused(refused=str(refusal)), clock.now())
            raise

    def _digested(self, operation: str, after: str, through: str) -> Images:
        span = {"after": after, "through": through}
        images = self._one(Images, "backfill/digest_images", **self._key | {"operation": operation}, **span)
        return images_of(()) if images is None else images

    @contextmanager
    def never_twice(self) -> Iterator[None]:
        """Say what it means when a row that is to be written has a before-image of this operation already."""
        try:
            yield
        except psycopg.errors.UniqueViolation as error:
            raise self.edited() from error

    def leave(self, player_ids: Sequence[str], at: datetime) -> None:
        """Record rows that were left alone."""
        if player_ids:
            left = {"currency": self._plan.currency, "player_ids": list(player_ids), "at": at}
            self._execute("backfill/leave_rows", **self._key, **left)

    def leave_rest(self, batch: Batch, at: datetime) -> None:
        """Record every row of a batch that this operation has not written as left alone."""
        self._execute(f"backfill/leave_rest_of_{self._operation}", **self._range(batch), at=at)

    def altered(self, batch: Batch, wallet_names: Mapping[str, str]) -> int:
        """How many wallets of a batch don't hold what was written; where guard state shares the platform's database."""
        parameters = self._range(batch) | {"tenant_id": self._plan.tenant_id, "currency": self._plan.currency}
        row = self._connection.execute(compose(statement("backfill/count_altered"), **wallet_names), parameters).fetchone()
        return 0 if row is None else int(row["altered"])

    def settle(self, batch: Batch, done: int, left: int, at: datetime) -> None:
        """Record that a batch is settled, with an audit entry: the operation goes on behind it."""
        through = batch.through
        self._execute("backfill/advance_progress", **self._key, through_player_id=through, done=done, left_alone=left, at=at)
        done_state, left_state = OUTCOMES[self._operation]
        rows: dict[str, Any] = {done_state.value: done, left_state.value: left}
        digest = self._digested(self._operation, batch.after, batch.through).digest
        self._record(BatchWritten(**rows, after_player_id=batch.after, last_player_id=batch.through, images=digest), at)

    def edited(self) -> LedgerInvariantError:
        """What to raise when progress and before-images don't agree."""
        return LedgerInvariantError(
            f"plan {self._plan.plan_id}: {self._operation} has already written rows beyond its recorded progress: "
            "guard state was edited; stop and find out who"
        )

    def _range(self, batch: Batch) -> dict[str, Any]:
        return self._key | {"after": batch.after, "through": batch.through}

    def _record(self, fact: PlanFact, at: datetime) -> None:
        self._state.audit.append(about_plan(self._plan, fact, actor=self._actor, at=at, verb=self._operation))


def require_unaltered(tenant_id: str, altered: int) -> None:
    """Raise SafetyRefusal when wallets don't hold what was written to them; the caller's transaction takes the batch back."""
    if altered:
        raise SafetyRefusal(
            f"tenant {tenant_id}: {altered} wallets differ from what was just written: a trigger or rule on the wallet table "
            "changes amounts. The batch was rolled back. Switch the trigger off for the guard's login, then start again"
        )


def _pair(row: Row, which: str) -> Pair | None:
    available, pending = row[f"{which}_available"], row[f"{which}_pending"]
    return None if available is None else (available, pending)
