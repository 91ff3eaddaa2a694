"""Keeps a backfill out of the platform's way, and under people's orders, between its batches."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from ledger_guard.adapters.postgres.connection import Connection
from ledger_guard.adapters.postgres.guard_state.backfill_orders import PostgresBackfillOrderStore
from ledger_guard.domain.errors import SafetyRefusal, SourceUnavailable
from ledger_guard.domain.pacing import DatabaseHealth, HealthLimits, Wanted, next_batch_rows
from ledger_guard.policy.pace import BackfillPace
from ledger_guard.sql import statement

_log = logging.getLogger(__name__)
#: progress is logged at most this often
_TELL_SECONDS = 5.0


class Pacer:
    """Decides before each batch how large it is, and whether it may start yet."""

    def __init__(
        self,
        plan_id: str,
        operation: str,
        platform: Connection,
        guard: Connection,
        pace: BackfillPace,
        most_rows: int,
        *,
        may_still: Callable[[], None] = lambda: None,
        keep_turn: Callable[[], None] = lambda: None,
        sleep: Callable[[float], None] = time.sleep,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """`most_rows` bounds a batch; the first one is small. `seconds` tells elapsed time.

        `may_still` raises when the operation may no longer go on; it is asked after each wait, which may have been long.
        `keep_turn` is called each time it looks again, and raises when another writer has taken over.
        """
        self._what, self._plan_id = f"plan {plan_id}: {operation}", plan_id
        self._platform, self._orders = platform, PostgresBackfillOrderStore(guard)
        self._pace, self._most, self._sleep, self._seconds = pace, most_rows, sleep, seconds
        self._least = min(pace.least_batch_rows, most_rows)
        self._may_still, self._keep_turn = may_still, keep_turn
        self._limits = HealthLimits(pace.most_waiting_sessions, pace.longest_transaction_seconds, pace.most_replica_lag_seconds)
        self._looked_at = self._told_at = -1e9
        self.batch_rows = self._least

    def wait_for_turn(self) -> None:
        """Return when the next batch may start: not paused, and the database healthy.

        Raises:
            SafetyRefusal: it may not continue, or was cancelled. To continue a cancelled one, `backfill resume`.
            SourceUnavailable: it waited for as long as the policy allows. Start again to go on.
        """
        began: float | None = None
        while (why := self._obstacle()) is not None:
            now = self._seconds()
            if began is None:
                began = now
                _log.warning("%s waits: %s", self._what, why)
            if now - began >= 60.0 * self._pace.give_up_after_minutes:
                raise SourceUnavailable(
                    f"{self._what}: waited {self._pace.give_up_after_minutes} minutes: {why}; what was written is journaled; "
                    "start it again to continue"
                )
            self._sleep(self._pace.look_again_seconds)
            self._keep_turn()
        if began is not None:
            self._may_still()
            _log.warning("%s goes on", self._what)

    def took(self, rows: int, held_seconds: float) -> None:
        """Learn from a batch of `rows` that held its locks for so long, and tell how far it is now and then."""
        target = self._pace.target_lock_milliseconds / 1000.0
        if rows >= self.batch_rows or held_seconds > target:
            self.batch_rows = next_batch_rows(
                max(rows, 1), held_seconds, target_seconds=target, least=self._least, most=self._most
            )
        if self._seconds() - self._told_at >= _TELL_SECONDS:
            self._told_at = self._seconds()
            for progress in self._orders.progress(self._plan_id)[:1]:
                _log.info("%s, batches of %s rows", progress.sentence(), f"{self.batch_rows:,}")

    def _obstacle(self) -> str | None:
        order = self._orders.newest(self._plan_id)
        if order is not None and order.wanted is Wanted.CANCEL:
            raise SafetyRefusal(
                f"{self._what}: cancelled by {order.asked_by} ({order.reason}); what was written is in the journal and can be "
                "undone; to continue, `backfill resume` first"
            )
        if order is not None and order.wanted is Wanted.PAUSE:
            return f"paused by {order.asked_by} ({order.reason})"
        if self._seconds() - self._looked_at < self._pace.look_again_seconds:
            return None
        exceeded = self._limits.exceeded_by(self._health())
        if exceeded:
            return "; ".join(exceeded)
        self._looked_at = self._seconds()
        return None

    def _health(self) -> DatabaseHealth:
        row = self._platform.execute(statement("backfill/read_health")).fetchone()
        return DatabaseHealth(**(row or {}))
