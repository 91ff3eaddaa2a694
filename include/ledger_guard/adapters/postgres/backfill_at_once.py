"""One batch of a backfill as one transaction, set-based: for guard state that shares the platform's database."""

from __future__ import annotations

from typing import Any

from ledger_guard.adapters.postgres.backfill_journal import BackfillJournal, Batch, Settled, require_unaltered
from ledger_guard.adapters.postgres.connection import Connection, compose
from ledger_guard.adapters.postgres.platform_names import platform_names
from ledger_guard.adapters.postgres.wallet_rows import WalletRows
from ledger_guard.domain.findings import DifferenceCounts
from ledger_guard.domain.plans import Plan
from ledger_guard.policy.platform import Platform
from ledger_guard.ports.platform import Clock
from ledger_guard.sql import statement


def _writes(operation: str, found: DifferenceCounts) -> tuple[str, ...]:
    """The statements that an operation needs for a plan with so many rows: each costs a round trip a batch."""
    changes = found.stale_wallet + found.lost_update + found.disputed > 0
    if operation == "undo":
        # Before targets were kept, unexplained rows were written with an approval.
        changes = changes or found.unexplained > 0
    makes = found.missing + found.lost_update > 0
    changed, made = ("force_differing", "force_missing") if operation == "force" else ("undo_changed", "undo_created")
    return tuple(f"backfill/{name}" for name, is_needed in ((changed, changes), (made, makes)) if is_needed)


class AtOnceBatches:
    """Locks, judges, writes and journals in the database itself; no row comes to this program.

    The rules are those of domain/wallet_writes.py, which the other placement of guard state goes by; both are held to the
    same tests.
    """

    def __init__(
        self,
        operation: str,
        plan: Plan,
        journal: BackfillJournal,
        connection: Connection,
        wallets: WalletRows,
        platform: Platform,
        actor: str,
        clock: Clock,
    ) -> None:
        self._operation, self._journal, self._connection, self._clock = operation, journal, connection, clock
        self._wallets = wallets
        self._names = platform_names(platform)
        self._writes = _writes(operation, plan.counts)
        self._plan: dict[str, Any] = {
            "plan_id": plan.plan_id,
            "tenant_id": plan.tenant_id,
            "currency": plan.currency,
            "actor": actor,
            "fill_bonus": platform.fill_bonus_from_player,
        }

    def settle_announced(self, *, may_write: bool) -> Settled | None:  # noqa: ARG002
        """Nothing is ever announced: a batch is whole or not at all.

        Raises:
            LedgerInvariantError: there are before-images of rows that progress says are not written. Find out who did that.
        """
        if self._journal.announced() is not None:
            raise self._journal.edited()
        return None

    def write(self, batch: Batch) -> int:
        """Write one batch; returns how many rows were written, the others are left alone."""
        with self._connection.transaction():
            self._wallets.require_only_writer()
            at = self._clock.now()
            self._journal.keep_turn(at)
            self._connection.execute(statement("backfill/prefer_keys"))
            parameters = self._plan | {"after": batch.after, "through": batch.through, "at": at}
            with self._journal.never_twice():
                written = sum(self._write(name, parameters) for name in self._writes)
            self._connection.execute(statement("backfill/fire_deferred"))
            require_unaltered(self._plan["tenant_id"], self._journal.altered(batch, self._names))
            at = self._clock.now()
            if written < batch.rows:
                self._journal.leave_rest(batch, at)
            self._journal.settle(batch, written, batch.rows - written, at)
        return written

    def _write(self, name: str, parameters: dict[str, Any]) -> int:
        row = self._connection.execute(compose(statement(name), **self._names), parameters).fetchone()
        return 0 if row is None else int(row["written"])
