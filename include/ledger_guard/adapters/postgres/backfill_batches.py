"""One operation over a plan's rows, batch by batch in order of player id, each batch whole or not at all."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import psycopg

from ledger_guard.adapters.postgres.backfill_journal import BackfillJournal, Batch, Settled
from ledger_guard.adapters.postgres.pacer import Pacer
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.plans import Plan, PlanStatus

Step = Callable[[int], bool]

#: how often one batch is tried while somebody else holds a row that it needs; each try waits for lock_timeout at most
LOCK_ATTEMPTS = 6
#: somebody else's transaction was in the way: this one is rolled back whole, and may be tried again
_CONFLICTS = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
)


@dataclass(frozen=True)
class Operation:
    """What force and undo have in common: the plan's status while they work and after."""

    name: str
    doing: PlanStatus
    finished: PlanStatus


FORCE = Operation("force", PlanStatus.FORCING, PlanStatus.FORCED)
UNDO = Operation("undo", PlanStatus.UNDOING, PlanStatus.UNDONE)


class BatchWriter(Protocol):
    """Carries single batches out; how depends on where guard state is."""

    def settle_announced(self, *, may_write: bool) -> Settled | None:
        """Settle the writes that a killed run announced; None for nothing. Without `may_write` none is made now."""

    def write(self, batch: Batch) -> int:
        """Write one batch and journal it; returns how many rows were written, the others are left alone."""


class BackfillBatches:
    """Carries a plan's waiting rows through one operation; the caller holds the tenant's writer lock."""

    def __init__(self, operation: Operation, plan: Plan, journal: BackfillJournal, batch_writer: BatchWriter) -> None:
        self._operation, self._plan_id, self._journal, self._batch_writer = operation, plan.plan_id, journal, batch_writer
        self._after = journal.progress().through_player_id
        self.done = 0
        self.left = 0
        #: writes of an earlier, killed run that stand
        self.done_before = 0

    def run(self, pacer: Pacer) -> None:
        """Work until no row waits, at the pacer's pace.

        Raises:
            SafetyRefusal: somebody cancelled it, or stopped the guard.
            SourceUnavailable: rows stayed locked by others, or it waited too long for its turn. What was done is journaled:
                start again to go on.
        """
        self.settle_announced(may_write=True)
        is_going_on = True
        while is_going_on:
            pacer.wait_for_turn()
            settled, began = self.done + self.left, time.monotonic()
            is_going_on = self._with_retries(self._step, pacer.batch_rows, before_another=self._settle_own)
            pacer.took(self.done + self.left - settled, time.monotonic() - began)

    def settle_announced(self, *, may_write: bool) -> None:
        """Say what became of writes that a killed run announced; without `may_write`, those that did not happen stay undone."""
        self._with_retries(lambda _: self._settle(may_write=may_write), 1)

    def _with_retries(self, step: Step, batch_rows: int, before_another: Callable[[], object] = lambda: None) -> bool:
        limit = batch_rows
        for attempt in range(LOCK_ATTEMPTS):
            try:
                if attempt:
                    before_another()
                return step(limit)
            except _CONFLICTS:
                # A smaller batch waits for fewer rows, and keeps fewer waiting meanwhile.
                limit = max(1, limit // 4)
        raise SourceUnavailable(
            f"plan {self._plan_id}: rows of its next batch stayed locked by others through {LOCK_ATTEMPTS} attempts; "
            f"what was done is journaled, so start {self._operation.name} again to go on"
        )

    def _step(self, limit: int) -> bool:
        self._journal.require_running()
        batch = self._journal.next_batch(self._after, limit)
        if batch is None:
            return False
        written = self._batch_writer.write(batch)
        self._after = batch.through
        self.done += written
        self.left += batch.rows - written
        return True

    def _settle_own(self) -> None:
        """A batch whose write was in somebody's way may be announced already: it is settled before anything is tried again."""
        self._settle(may_write=True)

    def _settle(self, *, may_write: bool) -> bool:
        if may_write:
            self._journal.require_running()
        settled = self._batch_writer.settle_announced(may_write=may_write)
        if settled is not None:
            self._after = settled.through_player_id
            self.done_before += settled.stood
            self.done += settled.written
            self.left += settled.left
        return settled is not None
