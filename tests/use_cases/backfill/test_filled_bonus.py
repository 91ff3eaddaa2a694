"""A policy that fills created wallets' bonus from the player row; without it a created wallet begins with none."""

from __future__ import annotations

import pytest
from backfill_worlds import ACTOR, TENANT, World

from ledger_guard.domain.plans import Plan, UndoOutcome
from ledger_guard.policy.loader import load_policy
from ledger_guard.policy.schema import Policy
from ledger_guard.use_cases.backfill.dry_run import dry_run


@pytest.fixture(scope="module")
def policy() -> Policy:
    """The shipped policy, told to fill the bonus."""
    shipped = load_policy()
    return shipped.model_copy(update={"platform": shipped.platform.model_copy(update={"fill_bonus_from_player": True})})


def created(world: World) -> Plan:
    """A forced plan that made the wallet of a player with a bonus of 7, and changed one that has a wallet."""
    world.platform.set_player(TENANT, "new", 5.0)
    world.stale("old", 20.0, 10.0)
    plan = dry_run(world.deps, TENANT, "force", ACTOR)
    world.deps.backfill.force(plan.plan_id, ACTOR, 2)
    return plan


def test_a_created_wallet_gets_the_players_bonus_and_a_changed_one_keeps_its_own(world):
    created(world)
    assert world.platform.wallet(TENANT, "new") == (5.0, 0.0, 7.0, 0.0)
    assert world.platform.wallet(TENANT, "old") == (20.0, 0.0, 0.0, 0.0)


def test_nobody_loses_a_bonus_then(world):
    plan = created(world)
    assert (plan.counts.missing_with_bonus, plan.cents.bonus_lost) == (1, 0)


def test_an_undo_takes_a_created_wallet_with_its_bonus_back(world):
    plan = created(world)
    assert world.deps.backfill.undo(plan.plan_id, ACTOR, 2) == UndoOutcome(restored=2, kept=0)
    assert world.platform.wallet(TENANT, "new") is None
    assert world.platform.wallet(TENANT, "old") == (10.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("bonus", [0.0, 6.99, 7.01])
def test_an_undo_keeps_a_created_wallet_whose_bonus_moved(world, bonus):
    plan = created(world)
    world.platform.set_wallet(TENANT, "new", 5.0, bonus=bonus)
    assert world.deps.backfill.undo(plan.plan_id, ACTOR, 2) == UndoOutcome(restored=1, kept=1)
    assert world.platform.wallet(TENANT, "new") == (5.0, 0.0, bonus, 0.0)
