"""People's orders about a running backfill, and a database that is unwell."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import psycopg
import pytest
from backfill_worlds import ACTOR, NOW, TENANT, FallibleClock, World

from ledger_guard.domain.errors import BadInputError, SafetyRefusal, SourceUnavailable
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.pacing import Wanted
from ledger_guard.domain.plans import BackfillMode, ForceOutcome, Plan
from ledger_guard.use_cases.backfill.backfill_control import control_backfill
from ledger_guard.use_cases.backfill.dry_run import dry_run


def five_stale(world: World) -> Plan:
    for number in range(5):
        world.stale(f"p{number}", 20.0 + number, 10.0)
    return dry_run(world.deps, TENANT, BackfillMode.FORCE, ACTOR)


def order(world: World, plan: Plan, wanted: Wanted, reason: str = "checkout is slow") -> None:
    control_backfill(world.deps, plan.plan_id, wanted, "oncall", reason)


def runner_that_sleeps_by(world: World, sleep, seconds=time.monotonic, **pace):
    from ledger_guard.adapters.postgres.backfill import PostgresBackfillRunner
    from ledger_guard.adapters.postgres.connection import ConnectionSettings

    policy = world.deps.policy
    policy = policy.model_copy(update={"backfill_pace": policy.backfill_pace.model_copy(update=pace)})
    settings = [ConnectionSettings.parse(uri, "test") for uri in world.uris]
    return PostgresBackfillRunner(*settings, policy, FallibleClock(NOW), sleep=sleep, seconds=seconds)


def test_a_cancelled_backfill_writes_nothing_more_until_it_is_resumed(world):
    plan = five_stale(world)
    order(world, plan, Wanted.CANCEL, "wrong tenant")
    with pytest.raises(SafetyRefusal, match=r"cancelled by oncall \(wrong tenant\)"):
        world.deps.backfill.force(plan.plan_id, ACTOR, 2)
    assert world.platform.wallet(TENANT, "p0")[0] == 10.0
    order(world, plan, Wanted.RUN)
    assert world.deps.backfill.force(plan.plan_id, ACTOR, 2) == ForceOutcome(5, 0, 0)


def test_an_order_is_on_the_audit_log_with_its_reason(world):
    plan = five_stale(world)
    order(world, plan, Wanted.PAUSE)
    assert {"wanted": "pause", "reason": "checkout is slow", "plan_hash": plan.plan_hash} in world.audited("steer")


@pytest.mark.parametrize("wanted", [Wanted.PAUSE, Wanted.CANCEL])
@pytest.mark.parametrize("reason", ["", "  "])
def test_to_stop_a_backfill_needs_a_reason(world, wanted, reason):
    plan = five_stale(world)
    with pytest.raises(BadInputError, match="needs a reason"):
        order(world, plan, wanted, reason)
    with world.deps.state.transaction() as state:
        assert state.backfill_orders.newest(plan.plan_id) is None


def test_an_order_for_an_unknown_plan_is_bad_input(world):
    with pytest.raises(BadInputError, match="does not exist"):
        control_backfill(world.deps, new_id(), Wanted.PAUSE, "oncall", "checkout is slow")


def test_the_newest_order_counts(world):
    plan = five_stale(world)
    for wanted in (Wanted.PAUSE, Wanted.CANCEL, Wanted.RUN):
        order(world, plan, wanted)
    with world.deps.state.transaction() as state:
        assert state.backfill_orders.newest(plan.plan_id).wanted is Wanted.RUN


@pytest.mark.postgres
def test_a_paused_backfill_goes_on_where_it_stopped_once_it_is_resumed(postgres_world):
    world = postgres_world
    plan = five_stale(world)
    order(world, plan, Wanted.PAUSE)
    looks = []

    def sleep(seconds: float) -> None:
        looks.append(world.platform.wallet(TENANT, "p0")[0])
        if len(looks) == 3:
            order(world, plan, Wanted.RUN)

    assert runner_that_sleeps_by(world, sleep).force(plan.plan_id, ACTOR, 2) == ForceOutcome(5, 0, 0)
    assert looks == [10.0] * 3


@pytest.mark.postgres
def test_a_plan_that_expires_while_its_force_is_paused_is_not_forced_any_more(postgres_world):
    world = postgres_world
    plan = five_stale(world)
    order(world, plan, Wanted.PAUSE)
    runner = runner_that_sleeps_by(world, lambda _: order(world, plan, Wanted.RUN))
    runner._clock.advance(plan.expires_at - NOW + timedelta(seconds=1))
    with pytest.raises(SafetyRefusal, match=r"expired at .* while its force waited"):
        runner.force(plan.plan_id, ACTOR, 2)
    assert world.platform.wallet(TENANT, "p0")[0] == 10.0


@pytest.mark.postgres
def test_a_plan_at_the_moment_it_expires_is_still_forced_after_a_pause(postgres_world):
    world = postgres_world
    plan = five_stale(world)
    order(world, plan, Wanted.PAUSE)
    runner = runner_that_sleeps_by(world, lambda _: order(world, plan, Wanted.RUN))
    runner._clock.advance(plan.expires_at - NOW)
    assert runner.force(plan.plan_id, ACTOR, 2) == ForceOutcome(5, 0, 0)


@pytest.mark.postgres
def test_a_backfill_that_is_cancelled_on_its_way_keeps_what_it_did_and_undo_takes_it_back(postgres_world):
    world = postgres_world
    plan = five_stale(world)

    class CancelledAfterTwoBatches(FallibleClock):
        readings = 0

        def now(self):
            self.readings += 1
            if self.readings == 5:
                order(world, plan, Wanted.CANCEL)
            return super().now()

    runner = runner_that_sleeps_by(world, pytest.fail)
    runner._clock = CancelledAfterTwoBatches(NOW)
    with pytest.raises(SafetyRefusal, match="cancelled"):
        runner.force(plan.plan_id, ACTOR, 2)
    written = [number for number in range(5) if world.platform.wallet(TENANT, f"p{number}")[0] != 10.0]
    assert 0 < len(written) < 5
    assert len(world.images(plan.plan_id, "force")) == len(written)
    order(world, plan, Wanted.RUN)
    world.deps.backfill.undo(plan.plan_id, ACTOR, 2)
    assert [world.platform.wallet(TENANT, f"p{number}")[0] for number in range(5)] == [10.0] * 5


@pytest.mark.postgres
def test_a_pause_without_end_ends_the_run_and_what_was_done_stays(postgres_world):
    world = postgres_world
    plan = five_stale(world)
    order(world, plan, Wanted.PAUSE)
    moments = iter(range(0, 10_000, 30))
    runner = runner_that_sleeps_by(world, lambda _: None, lambda: next(moments), give_up_after_minutes=1)
    with pytest.raises(SourceUnavailable, match="waited 1 minutes: paused by oncall"):
        runner.force(plan.plan_id, ACTOR, 2)
    assert world.platform.wallet(TENANT, "p0")[0] == 10.0


@pytest.mark.postgres
def test_no_batch_starts_while_others_wait_for_locks(postgres_world, caplog):
    world = postgres_world
    plan = five_stale(world)
    looks = []
    with psycopg.connect(world.uris[0]) as holder:
        holder.execute("select pg_advisory_xact_lock(42)")
        waiter = threading.Thread(target=_take_lock, args=[world.uris[0]])
        waiter.start()

        def sleep(seconds: float) -> None:
            looks.append(seconds)
            holder.rollback()
            waiter.join()

        while not _somebody_waits(world.uris[0]):
            assert waiter.is_alive()
        runner = runner_that_sleeps_by(world, sleep, most_waiting_sessions=0)
        assert runner.force(plan.plan_id, ACTOR, 2) == ForceOutcome(5, 0, 0)
    assert len(looks) == 1
    assert "1 sessions wait for locks (allowed: 0)" in caplog.text


def _take_lock(uri: str) -> None:
    with psycopg.connect(uri) as connection:
        connection.execute("select pg_advisory_xact_lock(42)")


def _somebody_waits(uri: str) -> bool:
    with psycopg.connect(uri, autocommit=True) as observer:
        return observer.execute("select 1 from pg_locks where not granted").fetchone() is not None


@pytest.mark.postgres
def test_progress_is_told_by_operation_the_newest_first(postgres_world):
    world = postgres_world
    plan = five_stale(world)
    world.deps.backfill.force(plan.plan_id, ACTOR, 2)
    world.clock.advance(timedelta(minutes=1))
    world.deps.backfill.undo(plan.plan_id, ACTOR, 2)
    with world.deps.state.transaction() as state:
        undo, force = state.backfill_orders.progress(plan.plan_id)
    assert (force.operation, force.rows, force.settled) == ("force", 5, 5)
    assert (undo.operation, undo.rows, undo.settled) == ("undo", 5, 5)
