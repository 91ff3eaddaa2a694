"""What was written is read back: where a trigger changes amounts, force and undo refuse and the batch is taken back."""

from __future__ import annotations

import psycopg
import pytest
from backfill_worlds import ACTOR, TENANT, World

from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.plans import ForceOutcome, Plan, UndoOutcome
from ledger_guard.use_cases.backfill.dry_run import dry_run

pytestmark = pytest.mark.postgres

#: when it fires → what it does; both leave another amount than was written
TRIGGERS = {
    "before": "new.balance_real_available := new.balance_real_available + 1; return new;",
    "after": (
        "if pg_trigger_depth() = 1 then update walletbalance set balance_real_pending = balance_real_pending + 1"
        " where (tenant_id, player_id, currency) = (new.tenant_id, new.player_id, new.currency); end if; return null;"
    ),
}
EACH_TRIGGER = pytest.mark.parametrize("fires", TRIGGERS)
FORCED = [20.0, 20.0, 5.0, 20.0]


def planned(world: World) -> Plan:
    """Three wallets to change and one to make, so that each batch of two holds what the trigger touches."""
    for player_id in ("p0", "p1", "p3"):
        world.stale(player_id, 20.0, 10.0)
    world.platform.set_player(TENANT, "p2", 5.0)
    return dry_run(world.deps, TENANT, "force", ACTOR)


def add_trigger(world: World, fires: str) -> None:
    assert world.uris is not None
    with psycopg.connect(world.uris[0]) as connection:
        connection.execute(f"create function fail() returns trigger language plpgsql as $$ begin {TRIGGERS[fires]} end $$")
        connection.execute(f"create trigger fail {fires} insert or update on walletbalance for each row execute function fail()")


def drop_trigger(world: World) -> None:
    assert world.uris is not None
    with psycopg.connect(world.uris[0]) as connection:
        connection.execute("drop trigger fail on walletbalance")


def wallets(world: World) -> list[tuple[float, float] | None]:
    found = [world.platform.wallet(TENANT, f"p{number}") for number in range(4)]
    return [wallet and wallet[:2] for wallet in found]


@EACH_TRIGGER
def test_force_refuses_and_goes_on_once_the_trigger_is_gone(postgres_world, fires):
    world = postgres_world
    plan = planned(world)
    add_trigger(world, fires)
    with pytest.raises(SafetyRefusal, match="2 wallets did not hold what was written to them: a trigger or rule"):
        world.deps.backfill.force(plan.plan_id, ACTOR, 2)
    assert wallets(world) == [(10.0, 0.0), (10.0, 0.0), None, (10.0, 0.0)]
    drop_trigger(world)
    assert world.deps.backfill.force(plan.plan_id, ACTOR, 2) == ForceOutcome(applied=4, drifted=0, already_applied=0)
    assert wallets(world) == [(amount, 0.0) for amount in FORCED]


@EACH_TRIGGER
def test_a_wallet_that_force_makes_is_read_back_too(postgres_world, fires):
    world = postgres_world
    world.platform.set_player(TENANT, "p2", 5.0)
    plan = dry_run(world.deps, TENANT, "force", ACTOR)
    add_trigger(world, fires)
    with pytest.raises(SafetyRefusal, match="1 wallets did not hold"):
        world.deps.backfill.force(plan.plan_id, ACTOR, 2)
    assert world.platform.wallet(TENANT, "p2") is None


@EACH_TRIGGER
def test_undo_refuses_and_goes_on_once_the_trigger_is_gone(postgres_world, fires):
    world = postgres_world
    plan = planned(world)
    world.deps.backfill.force(plan.plan_id, ACTOR, 2)
    add_trigger(world, fires)
    with pytest.raises(SafetyRefusal, match="2 wallets did not hold what was written to them: a trigger or rule"):
        world.deps.backfill.undo(plan.plan_id, ACTOR, 2)
    assert wallets(world) == [(amount, 0.0) for amount in FORCED]
    drop_trigger(world)
    assert world.deps.backfill.undo(plan.plan_id, ACTOR, 2) == UndoOutcome(restored=4, kept=0)
    assert wallets(world) == [(10.0, 0.0), (10.0, 0.0), None, (10.0, 0.0)]
