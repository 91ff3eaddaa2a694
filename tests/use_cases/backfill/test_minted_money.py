"""A player row that was raised by hand, without a ledger row: attacked in rounds, as somebody with an update right would."""

from __future__ import annotations

import pytest
from backfill_worlds import ACTOR, NOW, TENANT, World

from ledger_guard.domain.findings import RowCause, RowReason
from ledger_guard.domain.ledger_rows import LedgerRow
from ledger_guard.domain.plans import ForceOutcome
from ledger_guard.use_cases.backfill.dry_run import dry_run
from ledger_guard.use_cases.backfill.force import force
from ledger_guard.use_cases.backfill.verify import verify

ROSE = (RowCause.UNEXPLAINED, RowReason.PLAYER_ROSE)


def webhook(world: World, player_id: str, player: float, wallet: float, amount: float) -> None:
    """A player whose wallet was made by a webhook."""
    world.platform.set_player(TENANT, player_id, player)
    world.platform.set_wallet(TENANT, player_id, wallet)
    world.platform.book(TENANT, player_id, LedgerRow("deposit", "credit", amount, NOW, status="deposit_captured"))


def found(world: World, player_id: str, mode: str = "force") -> tuple[RowCause, RowReason | None] | None:
    """What a dry-run says of the player now; None: the wallet is right."""
    plan = dry_run(world.deps, TENANT, mode, ACTOR)
    force(world.deps, plan.plan_id, ACTOR)
    return next(((row.cause, row.reason) for row in world.stored(plan.plan_id).rows if row.player_id == player_id), None)


def test_three_rounds_of_raising_a_player_row_pay_nothing_out(world):
    webhook(world, "mallory", 0.0, 499.90, 499.90)
    assert found(world, "mallory") is None
    for raised in (499.90, 999.80, 1499.70):
        world.platform.set_player(TENANT, "mallory", raised)
        assert found(world, "mallory") == ROSE
        assert world.platform.wallet(TENANT, "mallory")[:2] == (499.90, 0.0)


def test_three_players_raised_one_after_the_other_are_each_a_humans(world):
    for number in range(3):
        webhook(world, f"m{number}", 0.0, 10.0, 10.0)
    assert found(world, "m0") is None
    for number in range(3):
        world.platform.set_player(TENANT, f"m{number}", 499.90)
        assert found(world, f"m{number}") == ROSE


def test_after_our_own_repair_a_raised_player_row_is_a_humans(world):
    webhook(world, "legacy", 100.0, 25.0, 25.0)
    assert found(world, "legacy") == (RowCause.STALE_WALLET, RowReason.ACCOUNTED), "born from 0: repaired without a human"
    assert world.platform.wallet(TENANT, "legacy")[:2] == (125.0, 0.0)
    # by the very amount of the webhook: else it would look like a deposit that never arrived
    world.platform.set_player(TENANT, "legacy", 125.0)
    assert found(world, "legacy") == ROSE
    assert world.platform.wallet(TENANT, "legacy")[:2] == (125.0, 0.0)


def test_a_missing_wallet_is_made_for_legacy_money_and_not_for_what_was_raised_since(world):
    world.platform.set_player(TENANT, "legacy", 100.0)
    world.platform.set_player(TENANT, "mallory", 100.0)
    assert verify(world.deps, TENANT).counts.missing == 2, "a verify sees as a dry-run does"
    world.platform.set_player(TENANT, "mallory", 100.01)
    plan = dry_run(world.deps, TENANT, "create-missing", ACTOR)
    assert (plan.counts.missing, plan.counts.unexplained) == (1, 1)
    assert force(world.deps, plan.plan_id, ACTOR) == ForceOutcome(1, 0, 0)
    assert world.platform.wallet(TENANT, "mallory") is None
    assert world.platform.wallet(TENANT, "legacy")[:2] == (100.0, 0.0)


def test_what_was_seen_first_stays_however_often_a_raised_row_is_looked_at(world):
    webhook(world, "mallory", 0.0, 10.0, 10.0)
    verify(world.deps, TENANT)
    world.platform.set_player(TENANT, "mallory", 50.0)
    for _ in range(3):
        assert verify(world.deps, TENANT).counts.unexplained == 1
        assert found(world, "mallory") == ROSE


def test_the_raise_booked_in_the_ledger_settles_it(world):
    webhook(world, "p1", 0.0, 10.0, 10.0)
    verify(world.deps, TENANT)
    world.platform.set_player(TENANT, "p1", 50.0)
    assert found(world, "p1") == ROSE
    world.platform.book(TENANT, "p1", LedgerRow("poker_win", "credit", 50.0, NOW, status="success"))
    assert found(world, "p1") == (RowCause.STALE_WALLET, RowReason.ACCOUNTED)
    assert world.platform.wallet(TENANT, "p1")[:2] == (60.0, 0.0)


def test_other_ledger_words_begin_anew(memory):
    """By them another opening follows from the same rows: nothing was seen by them yet."""
    webhook(memory, "p1", 0.0, 10.0, 10.0)
    verify(memory.deps, TENANT)
    memory.platform.set_player(TENANT, "p1", 50.0)
    platform = memory.deps.policy.platform
    ledger = platform.ledger.model_copy(update={"void_statuses": ("gone",)})
    other = memory.deps.policy.model_copy(update={"platform": platform.model_copy(update={"ledger": ledger})})
    assert found(memory.with_policy(other), "p1") != ROSE
    assert found(memory, "p1") is None, "what was paid out then is right by its own words"


@pytest.mark.postgres
def test_what_was_seen_cannot_be_changed(postgres_world):
    import psycopg

    webhook(postgres_world, "p1", 0.0, 10.0, 10.0)
    verify(postgres_world.deps, TENANT)
    with psycopg.connect(postgres_world.uris[1]) as deps, pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        deps.execute("update ledger_guard.seen_opening set available = 1e6")
