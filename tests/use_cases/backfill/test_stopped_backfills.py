"""A stopped guard writes no wallet: nothing begins, and what runs ends after its batch and is resumed after the release."""

from __future__ import annotations

import random
import threading

import psycopg
import pytest
from backfill_worlds import ACTOR, NOW, TENANT, FallibleClock, World, approve

from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.audit import AuditEvent
from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.plans import BackfillMode, ForceOutcome, Plan, PlanStatus
from ledger_guard.use_cases.approvals.stop import release, stop
from ledger_guard.use_cases.backfill.dry_run import dry_run
from ledger_guard.use_cases.backfill.force import force, undo

WHY = "two tenants were paid twice"
REFUSED = rf'the guard is stopped since 2026-03-01T12:00:00Z by anna \(stated, not proved\), who wrote "{WHY}"'
ROWS, STOPS = 300, 50


def stale(world: World, rows: int = 5) -> Plan:
    for number in range(rows):
        world.stale(f"p{number:03}", 20.0 + number, 10.0)
    return dry_run(world.deps, TENANT, BackfillMode.FORCE, ACTOR)


def stopped(world: World) -> None:
    stop(world.deps, WHY, "anna", is_proved=False)


def released(world: World) -> None:
    release(world.deps, "it was a test payment", "boris", is_proved=False)


def repaired(world: World, rows: int) -> int:
    """Wallets that no longer hold what the platform left in them."""
    if world.uris is None:
        found = (world.platform.wallet(TENANT, f"p{number:03}") for number in range(rows))
        return sum(wallet is not None and wallet[0] != 10.0 for wallet in found)
    with psycopg.connect(world.uris[0]) as connection:
        row = connection.execute("select count(*) from walletbalance where balance_real_available <> 10").fetchone()
    return int(row[0])


def test_a_force_does_not_begin_while_the_guard_is_stopped_and_does_after_the_release(world):
    plan = stale(world)
    stopped(world)
    with pytest.raises(SafetyRefusal, match=REFUSED):
        force(world.deps, plan.plan_id, ACTOR)
    assert (repaired(world, 5), world.stored(plan.plan_id).status) == (0, PlanStatus.PLANNED)
    assert [each for each in world.audited("force") if "refused" in each]
    released(world)
    assert force(world.deps, plan.plan_id, ACTOR) == ForceOutcome(5, 0, 0)


def test_the_writer_itself_refuses_whoever_calls_it(world):
    plan = stale(world)
    stopped(world)
    with pytest.raises(SafetyRefusal, match=REFUSED):
        world.deps.backfill.force(plan.plan_id, ACTOR, 2)
    assert repaired(world, 5) == 0


def test_an_undo_is_held_as_well(world):
    plan = stale(world)
    force(world.deps, plan.plan_id, ACTOR)
    approve(world.deps.state, ApprovalKind.BACKFILL_UNDO, plan)
    stopped(world)
    with pytest.raises(SafetyRefusal, match=REFUSED):
        undo(world.deps, plan.plan_id, ACTOR)
    assert repaired(world, 5) == 5
    released(world)
    assert undo(world.deps, plan.plan_id, ACTOR).restored == 5


def test_a_dry_run_goes_on_as_ever(world):
    stopped(world)
    assert stale(world).counts.stale_wallet == 5


def test_a_row_that_somebody_writes_into_guard_state_releases_nothing(world):
    """A release by whoever stopped, however it came into the log, does not count."""
    plan = stale(world)
    stopped(world)
    with world.deps.state.transaction() as state:
        detail = {"reason": "never mind, it is over", "is_proved": True, "stopped_by": "anna"}
        state.audit.append(AuditEvent("release", "Anna", "guard", detail, NOW))
    with pytest.raises(SafetyRefusal, match=REFUSED):
        force(world.deps, plan.plan_id, ACTOR)


class StopsAtReading(FallibleClock):
    """A clock that has the guard stopped at one of its readings: a moment somewhere within a running force."""

    def __init__(self, world: World, reading: int) -> None:
        super().__init__(NOW)
        self._world, self._reading = world, reading

    def now(self):
        self._reading -= 1
        if self._reading == 0:
            # another session: as from the command line, while the force has its own transaction open
            order = threading.Thread(target=stopped, args=(self._world,))
            order.start()
            order.join(0.05)
            self.order = order
        return super().now()


@pytest.mark.postgres
def test_a_force_that_is_stopped_at_fifty_moments_writes_each_row_once_and_none_while_it_is_stopped(postgres_world):
    from ledger_guard.adapters.postgres.backfill import PostgresBackfillRunner
    from ledger_guard.adapters.postgres.connection import ConnectionSettings

    world, batch, dice = postgres_world, 2, random.Random(20261128)
    plan = stale(world, ROWS)
    settings = [ConnectionSettings.parse(uri, "test") for uri in world.uris]
    written = 0
    for number in range(STOPS):
        clock = StopsAtReading(world, dice.randrange(1, 5))
        runner = PostgresBackfillRunner(*settings, world.deps.policy, clock)
        with pytest.raises(SafetyRefusal, match="the guard is stopped"):
            runner.force(plan.plan_id, ACTOR, batch)
        clock.order.join()
        before, written = written, repaired(world, ROWS)
        assert written == list(world.states(plan.plan_id).values()).count("applied")
        assert before <= written <= before + 3 * batch
        if number % 10 == 0:
            with pytest.raises(SafetyRefusal, match=REFUSED):
                runner.force(plan.plan_id, ACTOR, batch)
            assert repaired(world, ROWS) == written
        released(world)
    assert 0 < written < ROWS
    assert world.deps.backfill.force(plan.plan_id, ACTOR, batch) == ForceOutcome(ROWS - written, 0, written)
    assert (repaired(world, ROWS), len(world.images(plan.plan_id, "force"))) == (ROWS, ROWS)
