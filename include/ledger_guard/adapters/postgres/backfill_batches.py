"""One operation over a plan's rows, batch by batch, each batch whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psycopg

from ledger_guard.adapters.postgres.backfill_journal import BackfillJournal
from ledger_guard.adapters.postgres.connection import Connection
from ledger_guard.adapters.postgres.wallet_rows import WalletRows
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.plans import Plan, PlanStatus, RowState
from ledger_guard.domain.wallet_writes import Judged, LockedRows, WalletWrite, judge_force, judge_intents, judge_undo, may_write
from ledger_guard.ports import Clock

Step = Callable[[int], bool]

#: how often one batch is tried while somebody else holds a row that it needs; each try waits for lock_timeout at most
LOCK_ATTEMPTS = 6


@dataclass(frozen=True)
class Operation:
    """What force and undo have in common: the states a row goes through."""

    name: str
    waiting: RowState
    done: RowState
    left: RowState
    doing: PlanStatus
    finished: PlanStatus


FORCE = Operation("force", RowState.PLANNED, RowState.APPLIED, RowState.DRIFTED, PlanStatus.FORCING, PlanStatus.FORCED)
UNDO = Operation("undo", RowState.APPLIED, RowState.RESTORED, RowState.KEPT, PlanStatus.UNDOING, PlanStatus.UNDONE)


class BackfillBatches:
    """Carries a plan's waiting rows through one operation; the caller holds the tenant's writer lock.

    Where guard state shares the platform's connection, a batch is one transaction. Otherwise the before-images are
    committed as intents while the rows are locked, then the wallets, then the marks; what a kill leaves as `intended` is
    settled by the values found.
    """

    def __init__(
        self,
        operation: Operation,
        plan: Plan,
        wallets: WalletRows,
        journal: BackfillJournal,
        platform: Connection,
        guard: Connection,
        clock: Clock,
    ) -> None:
        self._operation = operation
        self._rows = {row.player_id: row for row in plan.rows}
        self._plan_id = plan.plan_id
        self._wallets = wallets
        self._journal = journal
        self._platform = platform
        self._guard = guard
        self._clock = clock
        self.done = 0
        self.left = 0
        #: writes of an earlier, killed run that only had to be marked
        self.done_before = 0

    def run(self, batch_rows: int) -> None:
        """Work until no row waits.

        Raises:
            SourceUnavailable: rows stayed locked by others. What was done is journaled: start again to go on.
        """
        while self._with_retries(self._step, batch_rows):
            pass

    def settle_all(self, batch_rows: int) -> None:
        """Say what became of announced writes, without writing: those that did not happen are left alone."""
        while self._with_retries(self._settle_without_writing, batch_rows):
            pass

    def _with_retries(self, step: Step, batch_rows: int) -> bool:
        limit = batch_rows
        for _ in range(LOCK_ATTEMPTS):
            try:
                return step(limit)
            except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
                # A smaller batch waits for fewer rows, and keeps fewer waiting meanwhile.
                limit = max(1, limit // 4)
        raise SourceUnavailable(
            f"plan {self._plan_id}: rows of its next batch stayed locked by others through {LOCK_ATTEMPTS} attempts; "
            f"what was done is journaled, so start {self._operation.name} again to go on"
        )

    def _step(self, limit: int) -> bool:
        if intended := self._journal.next_ids(RowState.INTENDED, limit):
            self._settle(intended, may_rewrite=True)
            return True
        if waiting := self._journal.next_ids(self._operation.waiting, limit):
            if self._platform is self._guard:
                self._apply_at_once(waiting)
            else:
                self._apply_by_intent(waiting)
            return True
        return False

    def _settle_without_writing(self, limit: int) -> bool:
        if intended := self._journal.next_ids(RowState.INTENDED, limit):
            self._settle(intended, may_rewrite=False)
            return True
        return False

    def _apply_at_once(self, player_ids: Sequence[str]) -> None:
        with self._platform.transaction():
            writes = self._judge(player_ids).writes
            written = self._wallets.write(writes)
            self._journal.record_images([each for each in writes if each.player_id in written], self._clock.now())
            self._close(player_ids, written)
        self._count(player_ids, written)

    def _apply_by_intent(self, player_ids: Sequence[str]) -> None:
        with self._platform.transaction():
            writes = self._judge(player_ids).writes
            with self._guard.transaction():
                self._journal.record_images(writes, self._clock.now())
                self._journal.mark([each.player_id for each in writes], [self._operation.waiting], RowState.INTENDED)
            written = self._wallets.write(writes)
        with self._guard.transaction():
            self._close(player_ids, written)
        self._count(player_ids, written)

    def _settle(self, player_ids: Sequence[str], *, may_rewrite: bool) -> None:
        intents = self._journal.images(self._operation.name, player_ids)
        with self._platform.transaction():
            found = self._wallets.lock(player_ids)
            writable = {each.player_id: may_rewrite and self._may_rewrite(each, found) for each in intents}
            judged = judge_intents(intents, found, writable)
            written = self._wallets.write(judged.writes)
        with self._guard.transaction():
            self._close(player_ids, written.union(judged.done))
        self.done_before += len(judged.done)
        self._count([each for each in player_ids if each not in set(judged.done)], written)

    def _judge(self, player_ids: Sequence[str]) -> Judged:
        found = self._wallets.lock(player_ids)
        if self._operation is FORCE:
            return judge_force([self._rows[player_id] for player_id in player_ids], found)
        return judge_undo(self._journal.images(FORCE.name, player_ids), found)

    def _may_rewrite(self, write: WalletWrite, found: LockedRows) -> bool:
        if self._operation is not FORCE:
            return True
        return may_write(self._rows[write.player_id], found) and found.players[write.player_id] == write.after

    def _close(self, player_ids: Sequence[str], done: set[str]) -> None:
        operation = self._operation
        open_states = [operation.waiting, RowState.INTENDED]
        left = [player_id for player_id in player_ids if player_id not in done]
        self._journal.mark(sorted(done), open_states, operation.done)
        self._journal.mark(left, open_states, operation.left)
        self._journal.audit(
            {
                operation.done.value: len(done),
                operation.left.value: len(left),
                "first_player_id": player_ids[0],
                "last_player_id": player_ids[-1],
            },
            self._clock.now(),
        )

    def _count(self, player_ids: Sequence[str], written: set[str]) -> None:
        self.done += len(written)
        self.left += len(player_ids) - len(written)
