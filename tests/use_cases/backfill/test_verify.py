"""verify: what counts against a tenant and what is only named."""

from __future__ import annotations

import math

import pytest
from backfill_worlds import ACTOR, TENANT

from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.findings import RowCause
from ledger_guard.domain.plans import RowState
from ledger_guard.use_cases.backfill.dry_run import dry_run
from ledger_guard.use_cases.backfill.force import force
from ledger_guard.use_cases.backfill.verify import RemainingRows, verify


def test_a_forced_tenant_is_clean_and_what_was_set_aside_is_named(world):
    world.stale("stale", 20.0, 10.0)
    world.credited("rich", 20.0, 50.0)
    world.platform.set_wallet(TENANT, "nobody", 1.0)
    world.platform.set_wallet(TENANT, "stale", 1.0, currency="EUR")
    plan = dry_run(world.deps, TENANT, "force", ACTOR)
    force(world.deps, plan.plan_id, ACTOR)
    found = verify(world.deps, TENANT, plan.plan_id)
    assert found.is_clean
    assert (found.counts.stale_wallet, found.counts.protected, found.counts.orphan, found.counts.other_currency) == (0, 1, 1, 1)
    assert [sentence.split(" ", 1)[0] for sentence in found.remaining] == ["1", "1", "1"]
    assert world.audited("verify")[0]["is_clean"] is True


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda world: world.platform.set_player(TENANT, "p1", 20.0), id="missing"),
        pytest.param(lambda world: world.stale("p1", 20.0, 10.0), id="stale"),
        pytest.param(lambda world: world.disputed("p1", 20.0, 33.0), id="disputed"),
        pytest.param(lambda world: world.doubtful("p1", 20.0, 33.0), id="unexplained"),
        pytest.param(lambda world: world.doubtful("p1", 20.0, math.nan), id="unreadable"),
    ],
)
def test_a_tenant_with_any_finding_is_not_clean(world, spoil):
    spoil(world)
    found = verify(world.deps, TENANT)
    assert (found.is_clean, found.is_plan_done) == (False, False)
    assert len(found.remaining) == 1


def test_a_plan_that_creates_missing_rows_is_held_to_that(memory):
    memory.platform.set_player(TENANT, "missing", 20.0)
    memory.stale("stale", 20.0, 10.0)
    plan = dry_run(memory.deps, TENANT, "create-missing", ACTOR)
    assert not verify(memory.deps, TENANT, plan.plan_id).is_plan_done
    force(memory.deps, plan.plan_id, ACTOR)
    found = verify(memory.deps, TENANT, plan.plan_id)
    assert (found.is_plan_done, found.is_clean) == (True, False)
    assert "1 wallets do not hold what the evidence gives" in found.remaining
    assert not verify(memory.deps, TENANT).is_plan_done


def test_a_tenant_that_lost_its_players_proves_nothing(memory):
    memory.stale("p1", 20.0, 10.0)
    plan = dry_run(memory.deps, TENANT, "force", ACTOR)
    memory.platform.remove_player(TENANT, "p1")
    found = verify(memory.deps, TENANT, plan.plan_id)
    assert (found.is_clean, found.is_plan_done) == (False, False)


def test_drifted_rows_of_the_plan_are_named(memory):
    memory.stale("p1", 20.0, 10.0)
    plan = dry_run(memory.deps, TENANT, "force", ACTOR)
    memory.platform.set_wallet(TENANT, "p1", 20.0)
    force(memory.deps, plan.plan_id, ACTOR)
    found = verify(memory.deps, TENANT, plan.plan_id)
    assert found.is_clean
    assert any("had changed since the dry-run" in sentence for sentence in found.remaining)


def test_each_row_of_the_plan_that_differs_now_is_named_by_its_cause_and_its_past(world):
    for player_id in ("good", "gone", "again", "moved"):
        world.stale(player_id, 20.0, 10.0)
    world.credited("rich", 20.0, 50.0)
    world.doubtful("doubtful", 20.0, 33.0)
    plan = dry_run(world.deps, TENANT, "force", ACTOR)
    world.platform.set_wallet(TENANT, "moved", 33.0)
    force(world.deps, plan.plan_id, ACTOR)
    world.platform.set_wallet(TENANT, "again", 31.0)
    world.platform.set_wallet(TENANT, "gone", 10.0)
    world.stale("new", 20.0, 10.0)
    found = verify(world.deps, TENANT, plan.plan_id)
    assert not found.is_clean
    assert set(found.planned_rows) == {
        RemainingRows(RowState.APPLIED, RowCause.DISPUTED, 1),
        RemainingRows(RowState.APPLIED, RowCause.STALE_WALLET, 1),
        RemainingRows(RowState.DRIFTED, RowCause.DISPUTED, 1),
    }
    assert "1 rows of the plan are disputed now: changed again after they were written" in found.remaining
    assert any(sentence.startswith("1 wallets are unexplained") for sentence in found.remaining)


def test_a_row_that_the_plan_set_aside_and_that_is_writable_now_is_named(memory):
    memory.doubtful("p1", 20.0, 33.0)
    plan = dry_run(memory.deps, TENANT, "force", ACTOR)
    memory.disputed("p1", 20.0, 33.0)
    found = verify(memory.deps, TENANT, plan.plan_id)
    assert found.planned_rows == (RemainingRows(RowState.SET_ASIDE, RowCause.DISPUTED, 1),)


def test_rows_of_a_plan_that_are_in_line_are_not_named(world):
    world.stale("stale", 20.0, 10.0)
    world.credited("rich", 20.0, 50.0)
    plan = dry_run(world.deps, TENANT, "force", ACTOR)
    before = verify(world.deps, TENANT, plan.plan_id)
    assert before.planned_rows == (RemainingRows(RowState.PLANNED, RowCause.STALE_WALLET, 1),)
    force(world.deps, plan.plan_id, ACTOR)
    assert verify(world.deps, TENANT, plan.plan_id).planned_rows == ()
    assert verify(world.deps, TENANT).planned_rows == ()


@pytest.mark.parametrize("tenant_id", ["", "%", "nobody"])
def test_a_tenant_that_does_not_exist_is_bad_input(memory, tenant_id):
    with pytest.raises(BadInputError, match="tenant"):
        verify(memory.deps, tenant_id)


def test_a_plan_of_another_tenant_is_bad_input(memory):
    memory.stale("q1", 20.0, 10.0, tenant_id="other_casino")
    plan = dry_run(memory.deps, "other_casino", "force", ACTOR)
    with pytest.raises(BadInputError, match="belongs to tenant other_casino"):
        verify(memory.deps, TENANT, plan.plan_id)
