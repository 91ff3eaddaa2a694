"""One batch of a backfill over two databases: announced in guard state, written on the platform, then settled."""

from __future__ import annotations

from collections.abc import Sequence

from ledger_guard.adapters.postgres.backfill_journal import BackfillJournal, Batch, Settled, require_unaltered
from ledger_guard.adapters.postgres.connection import Connection
from ledger_guard.adapters.postgres.wallet_rows import WalletRows
from ledger_guard.domain.plans import PlanRow
from ledger_guard.domain.wallet_writes import (
    LockedRows,
    WalletWrite,
    judge_force,
    judge_intents,
    judge_undo,
    may_write,
    target_of,
)
from ledger_guard.ports.platform import Clock
from ledger_guard.sql import statement


class ByIntentBatches:
    """Commits the before-images as intents while the rows are locked, then the wallets, then what became of the batch.

    What a kill leaves announced is settled by what the platform says of that transaction, or by the values found where it no
    longer knows.
    """

    def __init__(
        self, operation: str, journal: BackfillJournal, wallets: WalletRows, platform: Connection, guard: Connection, clock: Clock
    ) -> None:
        self._operation, self._journal, self._wallets = operation, journal, wallets
        self._platform, self._guard, self._clock = platform, guard, clock

    def settle_announced(self, *, may_write: bool) -> Settled | None:
        """Settle the batch that a killed run announced; None when nothing is announced.

        Without `may_write` a write that did not happen is left alone. Raises SafetyRefusal, and nothing is written, when the
        guard did not announce it so.
        """
        announced = self._journal.announced()
        if announced is None:
            return None
        batch, intents, transaction_id = announced
        self._journal.require_announced(batch, transaction_id, self._clock)
        rows = {row.player_id: row for row in self._journal.rows(batch)}
        with self._platform.transaction():
            self._wallets.require_only_writer()
            self._journal.keep_turn(self._clock.now())
            found = self._wallets.lock([each.player_id for each in intents])
            writable = {
                each.player_id: may_write and self._may_rewrite(rows.get(each.player_id), each, found) for each in intents
            }
            judged = judge_intents(intents, found, writable, is_committed=self._wallets.is_committed(transaction_id))
            written = self._written(judged.writes)
        left = self._settle(batch, self._waiting(batch), written | set(judged.done))
        return Settled(batch.through, stood=len(judged.done), written=len(written), left=left)

    def write(self, batch: Batch) -> int:
        """Write one batch; returns how many rows were written, the others are left alone."""
        with self._platform.transaction():
            self._wallets.require_only_writer()
            waiting, writes = self._judge(batch)
            with self._guard.transaction():
                at = self._clock.now()
                self._journal.keep_turn(at)
                self._journal.announce(batch, writes, self._wallets.transaction_id(), at)
            written = self._written(writes)
        self._settle(batch, waiting, written)
        return len(written)

    def _written(self, writes: Sequence[WalletWrite]) -> set[str]:
        """Write, and read back what was written."""
        written = self._wallets.write(writes)
        self._platform.execute(statement("backfill/fire_deferred"))
        stands = self._wallets.lock(sorted(written))
        after = {each.player_id: each.after for each in writes if each.player_id in written}
        altered = sum(stands.balance(player_id) != pair for player_id, pair in after.items())
        require_unaltered(self._wallets.tenant_id, altered)
        return written

    def _judge(self, batch: Batch) -> tuple[list[str], list[WalletWrite]]:
        if self._operation == "force":
            rows = self._journal.rows(batch)
            waiting = [row.player_id for row in rows]
            return waiting, judge_force(rows, self._wallets.lock(waiting)).writes
        forced = self._journal.images("force", batch)
        waiting = [each.player_id for each in forced]
        return waiting, judge_undo(forced, self._wallets.lock(waiting)).writes

    def _waiting(self, batch: Batch) -> list[str]:
        if self._operation == "force":
            return [row.player_id for row in self._journal.rows(batch)]
        return [each.player_id for each in self._journal.images("force", batch)]

    def _may_rewrite(self, row: PlanRow | None, write: WalletWrite, found: LockedRows) -> bool:
        if self._operation != "force":
            return write.player_id in found.players
        return row is not None and may_write(row, found) and target_of(row) == write.after

    def _settle(self, batch: Batch, waiting: list[str], done: set[str]) -> int:
        at = self._clock.now()
        left = [player_id for player_id in waiting if player_id not in done]
        with self._guard.transaction():
            self._journal.keep_turn(at)
            self._journal.leave(left, at)
            self._journal.settle(batch, len(done), len(left), at)
        return len(left)
