"""Writing wallets: the same promises in memory, in one database and across two."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from backfill_worlds import ACTOR, NOW, TENANT, Killed, World

from ledger_guard.domain.audit import first_fault
from ledger_guard.domain.errors import BadInputError, LedgerInvariantError, SafetyRefusal
from ledger_guard.domain.findings import RowCause
from ledger_guard.domain.ledger_rows import LedgerRow
from ledger_guard.domain.plans import BackfillMode, ForceOutcome, Plan, PlanStatus, RowState, UndoOutcome
from ledger_guard.use_cases.backfill.dry_run import dry_run

LATER = NOW + timedelta(minutes=1)


def planned(world: World, mode: BackfillMode = BackfillMode.FORCE) -> Plan:
    return dry_run(world.deps, TENANT, mode, ACTOR)


def forced(world: World, plan: Plan) -> ForceOutcome:
    return world.deps.backfill.force(plan.plan_id, ACTOR, 2)


def undone(world: World, plan: Plan) -> UndoOutcome:
    return world.deps.backfill.undo(plan.plan_id, ACTOR, 2)


def five_stale(world: World) -> Plan:
    for number in range(5):
        world.stale(f"p{number}", 20.0 + number, 10.0)
    return planned(world)


def balances(world: World, count: int = 5) -> list[float]:
    found = [world.platform.wallet(TENANT, f"p{number}") for number in range(count)]
    return [wallet[0] for wallet in found if wallet]


def test_force_writes_available_to_available_and_held_to_pending(world):
    world.platform.set_player(TENANT, "p1", 20.0, 5.0)
    world.platform.set_wallet(TENANT, "p1", 10.0, 1.0, bonus=3.0)  # born from 0, then moved by both sides
    world.born_from_0("p1")
    world.platform.book(TENANT, "p1", LedgerRow("wallet", "credit", 11.0, NOW, status="manual_credit"))
    world.platform.book(TENANT, "p1", LedgerRow("wallet", "credit", 2.0, LATER, status="withdraw_requested"))
    plan = planned(world)
    assert forced(world, plan) == ForceOutcome(applied=1, drifted=0, already_applied=0)
    assert world.platform.wallet(TENANT, "p1") == (20.0, 5.0, 3.0, 0.0)
    assert world.stored(plan.plan_id).status is PlanStatus.FORCED


def test_force_writes_whole_cents_and_not_the_players_float_noise(world):
    world.platform.set_player(TENANT, "p1", 0.1 + 0.2)
    plan = planned(world)
    forced(world, plan)
    assert world.platform.wallet(TENANT, "p1") == (0.3, 0.0, 0.0, 0.0)


def test_force_writes_what_the_evidence_gives_and_not_what_the_player_row_holds(world):
    world.platform.set_player(TENANT, "p1", 100.0)
    world.platform.set_wallet(TENANT, "p1", 25.0)  # born from 0 by this deposit, which only the wallet got
    world.platform.book(TENANT, "p1", LedgerRow("deposit", "credit", 25.0, NOW, status="deposit_captured"))
    plan = planned(world)
    forced(world, plan)
    assert world.platform.wallet(TENANT, "p1") == (125.0, 0.0, 0.0, 0.0)
    assert planned(world).counts.findings == 0


def test_a_missing_wallet_is_made_without_bonus(world):
    world.platform.set_player(TENANT, "p1", 20.0, 5.0)
    forced(world, planned(world))
    assert world.platform.wallet(TENANT, "p1") == (20.0, 5.0, 0.0, 0.0)


def test_create_missing_leaves_differing_wallets_alone(world):
    world.platform.set_player(TENANT, "new", 7.0)
    world.stale("old", 20.0, 10.0)
    assert forced(world, planned(world, BackfillMode.CREATE_MISSING)).applied == 1
    assert world.platform.wallet(TENANT, "new") == (7.0, 0.0, 0.0, 0.0)
    assert world.platform.wallet(TENANT, "old") == (10.0, 0.0, 0.0, 0.0)


def test_a_wallet_that_is_right_or_that_is_a_humans_never_changes(world):
    world.credited("rich", 20.0, 50.0)
    world.doubtful("doubtful", 20.0, 33.0)
    world.stale("stale", 20.0, 10.0)
    plan = planned(world)
    assert forced(world, plan) == ForceOutcome(1, 0, 0)
    assert world.platform.wallet(TENANT, "rich") == (70.0, 0.0, 0.0, 0.0)
    assert world.platform.wallet(TENANT, "doubtful") == (33.0, 0.0, 0.0, 0.0)
    assert world.states(plan.plan_id) == {"doubtful": "set_aside", "stale": "applied"}


def test_a_humans_wallet_never_changes_although_someone_marks_its_row_as_planned(world):
    world.doubtful("doubtful", 20.0, 33.0)
    plan = planned(world)
    world.edit_row(plan, replace(world.stored(plan.plan_id).rows[0], state=RowState.PLANNED))
    assert forced(world, plan) == ForceOutcome(0, 0, 0)
    assert world.platform.wallet(TENANT, "doubtful") == (33.0, 0.0, 0.0, 0.0)


def test_a_humans_row_that_someone_makes_writable_stops_the_writer(world):
    world.doubtful("doubtful", 20.0, 33.0)
    plan = planned(world)
    world.edit_row(plan, replace(world.stored(plan.plan_id).rows[0], cause=RowCause.STALE_WALLET, state=RowState.PLANNED))
    with pytest.raises(LedgerInvariantError, match="changed after the dry-run"):
        forced(world, plan)
    assert world.platform.wallet(TENANT, "doubtful") == (33.0, 0.0, 0.0, 0.0)


def test_other_currencies_orphans_and_other_tenants_are_left_alone(world):
    world.stale("p1", 20.0, 10.0)
    world.platform.set_wallet(TENANT, "p1", 1.0, currency="EUR")
    world.platform.set_wallet(TENANT, "nobody", 2.0)
    world.stale("p2", 20.0, 10.0, tenant_id="other_casino")
    forced(world, planned(world))
    assert world.platform.wallet(TENANT, "p1", "EUR") == (1.0, 0.0, 0.0, 0.0)
    assert world.platform.wallet(TENANT, "nobody") == (2.0, 0.0, 0.0, 0.0)
    assert world.platform.wallet("other_casino", "p2") == (10.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("change", "left"),
    [
        pytest.param(lambda world: world.platform.set_player(TENANT, "p0", 21.0), (10.0, 0.0, 0.0, 0.0), id="player moved"),
        pytest.param(
            lambda world: world.platform.set_player(TENANT, "p0", 20.0, 1.0), (10.0, 0.0, 0.0, 0.0), id="player's held moved"
        ),
        pytest.param(lambda world: world.platform.set_wallet(TENANT, "p0", 11.0), (11.0, 0.0, 0.0, 0.0), id="wallet moved"),
        pytest.param(
            lambda world: world.platform.set_wallet(TENANT, "p0", 10.0, 1.0), (10.0, 1.0, 0.0, 0.0), id="wallet's pending moved"
        ),
        pytest.param(lambda world: world.platform.remove_wallet(TENANT, "p0"), None, id="wallet vanished"),
        pytest.param(lambda world: world.platform.remove_player(TENANT, "p0"), (10.0, 0.0, 0.0, 0.0), id="player vanished"),
        pytest.param(lambda world: world.platform.set_wallet(TENANT, "p0", float("nan")), "nan", id="wallet became unreadable"),
    ],
)
def test_a_row_that_changed_between_dry_run_and_force_is_drifted_and_left(world, change, left):
    plan = five_stale(world)
    change(world)
    assert forced(world, plan) == ForceOutcome(applied=4, drifted=1, already_applied=0)
    found = world.platform.wallet(TENANT, "p0")
    assert (str(found[0]) if left == "nan" else found) == left
    assert world.states(plan.plan_id)["p0"] == "drifted"
    assert "p0" not in world.images(plan.plan_id, "force")


def test_a_wallet_that_was_missing_and_appeared_is_drifted(world):
    world.platform.set_player(TENANT, "p1", 20.0)
    plan = planned(world)
    world.platform.set_wallet(TENANT, "p1", 1.0)
    assert forced(world, plan) == ForceOutcome(0, 1, 0)
    assert world.platform.wallet(TENANT, "p1") == (1.0, 0.0, 0.0, 0.0)


def test_float_noise_since_the_dry_run_is_no_drift(world):
    world.stale("p1", 0.3, 0.1)
    plan = planned(world)
    world.platform.set_player(TENANT, "p1", 0.1 + 0.2)
    assert forced(world, plan) == ForceOutcome(1, 0, 0)
    assert world.platform.wallet(TENANT, "p1") == (0.3, 0.0, 0.0, 0.0)


def test_before_images_hold_what_stood_there_and_what_was_written(world):
    world.stale("old", 20.0, 10.0)
    world.platform.set_player(TENANT, "new", 0.1 + 0.2, 1.0)
    plan = planned(world)
    forced(world, plan)
    assert world.images(plan.plan_id, "force") == {"old": ((10.0, 0.0), (20.0, 0.0)), "new": (None, (0.3, 1.0))}


def test_a_plan_is_applied_once(world):
    plan = five_stale(world)
    forced(world, plan)
    world.platform.set_wallet(TENANT, "p0", 10.0)
    audited = len(world.audited("force"))
    assert forced(world, plan) == ForceOutcome(0, 0, 5)
    assert balances(world)[0] == 10.0
    assert len(world.audited("force")) == audited


@pytest.mark.parametrize("reading", [3, 4, 5, 6, 7, 8, 9], ids=lambda number: f"at clock reading {number}")
def test_a_killed_run_resumes_where_it_stopped_and_applies_nothing_twice(world, reading):
    plan = five_stale(world)
    world.clock.kill_at_reading = reading
    try:
        killed_run = forced(world, plan)
    except Killed:
        killed_run = None
    world.clock.kill_at_reading = None
    resumed = forced(world, plan)
    if killed_run is None:
        assert resumed.applied + resumed.already_applied == 5
    assert resumed.drifted == 0
    assert balances(world) == [20.0, 21.0, 22.0, 23.0, 24.0]
    assert world.states(plan.plan_id) == dict.fromkeys((f"p{number}" for number in range(5)), "applied")
    assert world.stored(plan.plan_id).status is PlanStatus.FORCED
    assert len(world.images(plan.plan_id, "force")) == 5
    assert sum(detail.get("applied", 0) for detail in world.audited("force") if "last_player_id" in detail) == 5


def test_each_batch_is_on_the_audit_log_and_the_chain_holds(world):
    plan = five_stale(world)
    forced(world, plan)
    batches = [detail for detail in world.audited("force") if "last_player_id" in detail]
    assert [detail["applied"] for detail in batches] == [2, 2, 1]
    assert all(detail["plan_hash"] == plan.plan_hash for detail in world.audited("force"))
    with world.deps.state.transaction() as state:
        assert first_fault(state.audit.entries(), *state.audit.head()) is None


def test_an_edited_row_stops_the_writer(world):
    plan = five_stale(world)
    world.edit_row(plan, replace(world.stored(plan.plan_id).rows[0], wallet_available=999))
    with pytest.raises(LedgerInvariantError, match="changed after the dry-run"):
        forced(world, plan)
    assert balances(world) == [10.0] * 5


def test_undo_gives_back_exactly_what_stood_there(world):
    world.platform.set_player(TENANT, "noisy", 7.0)
    world.platform.set_wallet(TENANT, "noisy", 0.1 + 0.2, bonus=4.0)
    world.platform.book(TENANT, "noisy", LedgerRow("poker_win", "credit", 6.7, NOW, status="success"))
    world.platform.set_player(TENANT, "new", 5.0)
    plan = planned(world)
    forced(world, plan)
    assert undone(world, plan) == UndoOutcome(restored=2, kept=0)
    assert world.platform.wallet(TENANT, "noisy") == (0.1 + 0.2, 0.0, 4.0, 0.0)
    assert world.platform.wallet(TENANT, "new") is None
    assert world.images(plan.plan_id, "undo") == {"noisy": ((7.0, 0.0), (0.1 + 0.2, 0.0)), "new": ((5.0, 0.0), None)}
    assert world.stored(plan.plan_id).status is PlanStatus.UNDONE


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        pytest.param(lambda world: world.platform.set_wallet(TENANT, "p0", 19.5), (19.5, 0.0, 0.0, 0.0), id="wallet moved"),
        pytest.param(lambda world: world.platform.set_wallet(TENANT, "p0", 20.0, 2.0), (20.0, 2.0, 0.0, 0.0), id="pending moved"),
        pytest.param(
            lambda world: world.platform.set_wallet(TENANT, "p0", 20.000001),
            (20.000001, 0.0, 0.0, 0.0),
            id="less than a cent moved",
        ),
        pytest.param(lambda world: world.platform.remove_wallet(TENANT, "p0"), None, id="wallet vanished"),
    ],
)
def test_undo_keeps_a_wallet_that_changed_since(world, change, kept):
    plan = five_stale(world)
    forced(world, plan)
    change(world)
    assert undone(world, plan) == UndoOutcome(restored=4, kept=1)
    assert world.platform.wallet(TENANT, "p0") == kept
    assert world.states(plan.plan_id)["p0"] == "kept"


def test_undo_keeps_a_made_wallet_whose_bonus_was_used(world):
    world.platform.set_player(TENANT, "p1", 5.0)
    plan = planned(world)
    forced(world, plan)
    world.platform.set_wallet(TENANT, "p1", 5.0, bonus=1.0)
    assert undone(world, plan) == UndoOutcome(0, 1)
    assert world.platform.wallet(TENANT, "p1") == (5.0, 0.0, 1.0, 0.0)


def test_undo_keeps_no_grudge_against_drifted_rows(world):
    plan = five_stale(world)
    world.platform.set_wallet(TENANT, "p0", 11.0)
    forced(world, plan)
    assert undone(world, plan) == UndoOutcome(4, 0)
    assert world.states(plan.plan_id)["p0"] == "drifted"
    assert balances(world) == [11.0, 10.0, 10.0, 10.0, 10.0]


def test_a_killed_force_can_be_undone(world):
    plan = five_stale(world)
    world.clock.kill_at_reading = 6
    with pytest.raises(Killed):
        forced(world, plan)
    undone(world, plan)
    assert balances(world) == [10.0] * 5
    with pytest.raises(SafetyRefusal, match="undone"):
        forced(world, plan)


@pytest.mark.parametrize("reading", [2, 3, 4, 5, 6, 7], ids=lambda number: f"at clock reading {number}")
def test_a_killed_undo_resumes_where_it_stopped(world, reading):
    plan = five_stale(world)
    forced(world, plan)
    world.clock.kill_at_reading = reading
    try:
        undone(world, plan)
    except Killed:
        undone(world, plan)
    world.clock.kill_at_reading = None
    assert balances(world) == [10.0] * 5
    assert set(world.states(plan.plan_id).values()) == {"restored"}
    assert undone(world, plan) == UndoOutcome(0, 0)


def test_a_plan_that_was_never_forced_cannot_be_undone(world):
    plan = five_stale(world)
    with pytest.raises(BadInputError, match="never forced"):
        undone(world, plan)


def test_an_undone_plan_is_not_forced_again(world):
    plan = five_stale(world)
    forced(world, plan)
    undone(world, plan)
    with pytest.raises(SafetyRefusal, match="make a new dry-run"):
        forced(world, plan)
    assert balances(world) == [10.0] * 5
