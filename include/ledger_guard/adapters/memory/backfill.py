"""The writer of wallets, in memory: the same judgements as on Postgres, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ledger_guard.adapters.memory.state import InMemoryGuardState
from ledger_guard.domain.attestations import is_unkeyed, plan_attested, require_attested
from ledger_guard.domain.attested_images import Images, images_of, require_images
from ledger_guard.domain.errors import ConcurrentWriterError, SafetyRefusal, SourceUnavailable
from ledger_guard.domain.facts.backfill import BatchWritten, PlanAdvanced, PlanFact, WriteRefused, about_plan
from ledger_guard.domain.pacing import Wanted
from ledger_guard.domain.plans import (
    ForceOutcome,
    Plan,
    PlanStatus,
    RowState,
    UndoOutcome,
    require_forceable,
    require_undoable,
)
from ledger_guard.domain.stops import require_running
from ledger_guard.domain.wallet_writes import BatchDecision, WalletWrite, judge_force, judge_undo
from ledger_guard.domain.writability import WriteObstacle
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.ports.platform import Clock

if TYPE_CHECKING:
    from ledger_guard.adapters.memory.ledger import InMemoryLedger


class InMemoryBackfillRunner:
    """BackfillRunner over an InMemoryLedger and an InMemoryGuardState."""

    def __init__(self, ledger: InMemoryLedger, state: InMemoryGuardState, wall_clock: Clock) -> None:
        self._ledger = ledger
        self._state = state
        self._clock = wall_clock
        #: tenants with an active writer
        self.writing: set[str] = set()
        #: what is in the way of writing
        self.in_the_way: list[WriteObstacle] = []
        #: (plan, operation, player) → the write, with the before-values
        self.before_images: dict[tuple[str, str, str], WalletWrite] = {}
        #: (plan, operation) → the last player of its newest batch
        self._through: dict[tuple[str, str], str] = {}

    def obstacles(self) -> list[WriteObstacle]:
        """See BackfillRunner."""
        return list(self.in_the_way)

    def force(
        self,
        plan_id: str,
        actor: str,
        batch_rows: int,
        still_permitted: Callable[[], None] | None = None,
        admit: Callable[[UnitOfWork], None] | None = None,
    ) -> ForceOutcome:
        """See BackfillRunner."""
        with self._as_only_writer(plan_id) as plan:
            require_forceable(plan)
            already_applied = sum(row.state is RowState.APPLIED for row in plan.rows)
            if plan.status is PlanStatus.FORCED:
                return ForceOutcome(0, 0, already_applied)
            if still_permitted is not None:
                still_permitted()
            self._require_attested(plan)
            self._set_status(plan, PlanStatus.FORCING, "force", actor, admit)
            waiting = [row.player_id for row in plan.rows if row.state is RowState.PLANNED and row.cause.is_writable]
            applied, drifted = self._in_batches(plan, "force", actor, waiting, batch_rows)
            self._set_status(plan, PlanStatus.FORCED, "force", actor)
            return ForceOutcome(applied, drifted, already_applied)

    def undo(self, plan_id: str, actor: str, batch_rows: int) -> UndoOutcome:
        """See BackfillRunner."""
        with self._as_only_writer(plan_id) as plan:
            require_undoable(plan)
            if plan.status is PlanStatus.UNDONE:
                return UndoOutcome(0, 0)
            self._require_attested(plan)
            self._require_images(plan, actor)
            self._set_status(plan, PlanStatus.UNDOING, "undo", actor)
            waiting = [row.player_id for row in plan.rows if row.state is RowState.APPLIED]
            restored, kept = self._in_batches(plan, "undo", actor, waiting, batch_rows)
            self._set_status(plan, PlanStatus.UNDONE, "undo", actor)
            return UndoOutcome(restored, kept)

    @contextmanager
    def _as_only_writer(self, plan_id: str) -> Iterator[Plan]:
        with self._state.transaction() as state:
            plan = state.plans.get(plan_id)
            stored = state.plans.content(plan_id)
        if plan.tenant_id in self.writing:
            raise ConcurrentWriterError(f"tenant {plan.tenant_id}: another backfill is writing; wait for it to end")
        plan.check_hash(stored)
        self.writing.add(plan.tenant_id)
        try:
            yield plan
        finally:
            self.writing.discard(plan.tenant_id)

    def _require_attested(self, plan: Plan) -> None:
        with self._state.transaction() as state:
            require_attested(state.audit, plan_attested(plan))

    def _require_images(self, plan: Plan, actor: str) -> None:
        with self._state.transaction() as state:
            try:
                every = self._images_in(plan, "force", "", None).rows
                require_images(state.audit, plan.plan_id, lambda *span: self._images_in(plan, "force", *span), every)
            except SafetyRefusal as error:
                refusal = error
                self._record(state, plan, "undo", actor, WriteRefused(refused=str(error)))
            else:
                return
        raise refusal

    def _images_in(self, plan: Plan, operation: str, after: str, through: str | None) -> Images:
        mine = {
            player: each
            for (plan_id, what, player), each in self.before_images.items()
            if (plan_id, what) == (plan.plan_id, operation)
        }
        return images_of(each for player, each in mine.items() if player > after and (through is None or player <= through))

    def _in_batches(self, plan: Plan, operation: str, actor: str, player_ids: Sequence[str], batch_rows: int) -> tuple[int, int]:
        done = left = 0
        for start in range(0, len(player_ids), batch_rows):
            self._require_no_order_against(plan, operation)
            batch = player_ids[start : start + batch_rows]
            judged = self._judge(plan, operation, batch)
            after = self._through.get((plan.plan_id, operation), "")
            self._apply(plan, operation, actor, judged, (after, batch[-1]))
            self._through[plan.plan_id, operation] = batch[-1]
            done, left = done + len(judged.writes), left + len(judged.left)
        return done, left

    def _require_no_order_against(self, plan: Plan, operation: str) -> None:
        with self._state.transaction() as state:
            require_running(state.audit, f"plan {plan.plan_id}: {operation}")
            order = state.backfill_orders.newest(plan.plan_id)
        if order is not None and order.wanted is Wanted.CANCEL:
            raise SafetyRefusal(f"plan {plan.plan_id}: cancelled by {order.asked_by} ({order.reason})")
        if order is not None and order.wanted is Wanted.PAUSE:
            # Nobody could say `run` while this waits: it is the only one that works on these tables.
            raise SourceUnavailable(f"plan {plan.plan_id}: paused by {order.asked_by} ({order.reason})")

    def _judge(self, plan: Plan, operation: str, batch: Sequence[str]) -> BatchDecision:
        found = self._ledger.read(plan.tenant_id, plan.currency, batch)
        if operation == "undo":
            return judge_undo([self.before_images[plan.plan_id, "force", player_id] for player_id in batch], found)
        return judge_force([row for row in plan.rows if row.player_id in set(batch)], found)

    def _apply(self, plan: Plan, operation: str, actor: str, judged: BatchDecision, span: tuple[str, str]) -> None:
        done, left = (RowState.RESTORED, RowState.KEPT) if operation == "undo" else (RowState.APPLIED, RowState.DRIFTED)
        states = {(each.player_id, plan.currency): done for each in judged.writes}
        states.update({(player_id, plan.currency): left for player_id in judged.left})
        with self._state.transaction() as state:
            state.plans.set_row_states(plan.plan_id, states)
            if operation == "force":
                written = [(each.player_id, plan.currency) for each in judged.writes]
                state.plans.record_forced(plan.plan_id, written, self._clock.now())
            moved = sum(each.moved for each in judged.writes)
            if judged.writes:
                state.plans.record_written(plan.tenant_id, len(judged.writes), moved, self._clock.now())
            counts: dict[str, Any] = {done.value: len(judged.writes), left.value: len(judged.left)}
            images = images_of(judged.writes).digest
            batch = BatchWritten(**counts, after_player_id=span[0], last_player_id=span[1], images=images)
            self._record(state, plan, operation, actor, batch)
            self._ledger.write(plan.tenant_id, plan.currency, judged.writes)
            self.before_images.update({(plan.plan_id, operation, each.player_id): each for each in judged.writes})

    def _set_status(
        self,
        plan: Plan,
        status: PlanStatus,
        operation: str,
        actor: str,
        admit: Callable[[UnitOfWork], None] | None = None,
    ) -> None:
        with self._state.transaction() as state:
            if admit is not None:
                admit(state)
            if state.plans.get(plan.plan_id, with_rows=False).status is not status:
                state.plans.set_status(plan.plan_id, status)
                self._record(state, plan, operation, actor, PlanAdvanced(status=status, unkeyed=is_unkeyed(state.audit)))

    def _record(self, state: UnitOfWork, plan: Plan, operation: str, actor: str, fact: PlanFact) -> None:
        state.audit.append(about_plan(plan, fact, actor=actor, at=self._clock.now(), verb=operation))
