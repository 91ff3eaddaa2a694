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
from ledger_guard.domain.writer_leases import NO_RUN, Turn, WriterClaim, WriterLease, as_lease_holder, new_lease, superseded
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.ports.lease_book import LeasesOfState
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
        #: called before each batch, for tests of what happens meanwhile
        self.before_a_batch: Callable[[], None] = lambda: None
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
        claim: WriterClaim = NO_RUN,
    ) -> ForceOutcome:
        """See BackfillRunner."""
        with self._writing(plan_id, "force", claim) as (plan, lease):
            require_forceable(plan)
            already_applied = sum(row.state is RowState.APPLIED for row in plan.rows)
            if plan.status is PlanStatus.FORCED:
                return ForceOutcome(0, 0, already_applied)
            if still_permitted is not None:
                still_permitted()
            self._require_attested(plan)
            self._set_status(plan, PlanStatus.FORCING, lease, actor, admit)
            waiting = [row.player_id for row in plan.rows if row.state is RowState.PLANNED and row.cause.is_writable]
            applied, drifted = self._in_batches(plan, lease, actor, waiting, batch_rows)
            self._set_status(plan, PlanStatus.FORCED, lease, actor)
            return ForceOutcome(applied, drifted, already_applied)

    def undo(self, plan_id: str, actor: str, batch_rows: int, claim: WriterClaim = NO_RUN) -> UndoOutcome:
        """See BackfillRunner."""
        with self._writing(plan_id, "undo", claim) as (plan, lease):
            require_undoable(plan)
            if plan.status is PlanStatus.UNDONE:
                return UndoOutcome(0, 0)
            self._require_attested(plan)
            self._require_images(plan, actor)
            self._set_status(plan, PlanStatus.UNDOING, lease, actor)
            waiting = [row.player_id for row in plan.rows if row.state is RowState.APPLIED]
            restored, kept = self._in_batches(plan, lease, actor, waiting, batch_rows)
            self._set_status(plan, PlanStatus.UNDONE, lease, actor)
            return UndoOutcome(restored, kept)

    @contextmanager
    def _writing(self, plan_id: str, operation: str, claim: WriterClaim) -> Iterator[tuple[Plan, WriterLease]]:
        with self._state.transaction() as state:
            seen = state.plans.get(plan_id)
        lease = new_lease(seen.tenant_id, plan_id, operation, claim, self._clock.now())
        # a second writer would wait for one that works in this very thread
        turn = Turn(lambda: self._locked(seen.tenant_id), None, _give_up)
        with as_lease_holder(LeasesOfState(self._state, self._clock), lease, turn):
            with self._state.transaction() as state:
                plan = state.plans.get(plan_id)
                plan.check_hash(state.plans.content(plan_id))
            yield plan, lease

    @contextmanager
    def _locked(self, tenant_id: str) -> Iterator[None]:
        if tenant_id in self.writing:
            raise ConcurrentWriterError(f"tenant {tenant_id}: another backfill is writing; wait for it to end")
        self.writing.add(tenant_id)
        try:
            yield
        finally:
            self.writing.discard(tenant_id)

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

    def _in_batches(
        self, plan: Plan, lease: WriterLease, actor: str, player_ids: Sequence[str], batch_rows: int
    ) -> tuple[int, int]:
        done, left, operation = 0, 0, lease.operation
        for start in range(0, len(player_ids), batch_rows):
            self._require_no_order_against(plan, operation)
            self.before_a_batch()
            batch = player_ids[start : start + batch_rows]
            judged = self._judge(plan, operation, batch)
            after = self._through.get((plan.plan_id, operation), "")
            self._apply(plan, lease, actor, judged, (after, batch[-1]))
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

    def _apply(self, plan: Plan, lease: WriterLease, actor: str, judged: BatchDecision, span: tuple[str, str]) -> None:
        operation = lease.operation
        done, left = (RowState.RESTORED, RowState.KEPT) if operation == "undo" else (RowState.APPLIED, RowState.DRIFTED)
        states = {(each.player_id, plan.currency): done for each in judged.writes}
        states.update({(player_id, plan.currency): left for player_id in judged.left})
        with self._state.transaction() as state:
            self._keep_turn(state, lease)
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
        lease: WriterLease,
        actor: str,
        admit: Callable[[UnitOfWork], None] | None = None,
    ) -> None:
        with self._state.transaction() as state:
            self._keep_turn(state, lease)
            if admit is not None:
                admit(state)
            if state.plans.get(plan.plan_id, with_rows=False).status is not status:
                state.plans.set_status(plan.plan_id, status)
                self._record(state, plan, lease.operation, actor, PlanAdvanced(status=status, unkeyed=is_unkeyed(state.audit)))

    def _keep_turn(self, state: UnitOfWork, lease: WriterLease) -> None:
        if not state.writer_leases.keep(lease, self._clock.now()):
            raise superseded(lease, state.writer_leases.of_tenant(lease.tenant_id))

    def _record(self, state: UnitOfWork, plan: Plan, operation: str, actor: str, fact: PlanFact) -> None:
        state.audit.append(about_plan(plan, fact, actor=actor, at=self._clock.now(), verb=operation))


def _give_up(_seconds: float) -> None:
    raise SourceUnavailable("the writer before has not ended; its work is taken over: start again once it has")
