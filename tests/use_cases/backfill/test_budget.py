"""What the guard may write without a human over time: over all tenants, runs and workers, from the journal of writes."""

from __future__ import annotations

import threading
from datetime import timedelta

import psycopg
import pytest
from backfill_worlds import ACTOR, World, approve

from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.facts.backfill import PlanAdvanced, about_plan
from ledger_guard.domain.plans import BackfillMode, ForceOutcome, Plan, PlanStatus
from ledger_guard.policy.budget import Budget, BudgetOfPeriod
from ledger_guard.use_cases.approvals.autonomy import reasons_to_ask
from ledger_guard.use_cases.approvals.budget import budget_used
from ledger_guard.use_cases.backfill.dry_run import dry_run
from ledger_guard.use_cases.backfill.force import force, undo
from ledger_guard.use_cases.backfill.review import review

ROWS = 4


def bounded(world: World, rows: int = 10, cents: int = 1_000_000, tenants: int = 100) -> World:
    """Ten rows an hour, if nothing else is said; the day has room."""
    hour = BudgetOfPeriod(rows=rows, cents=cents, tenants=tenants)
    day = BudgetOfPeriod(rows=10_000, cents=100_000_000, tenants=10_000)
    policy = world.deps.policy.model_copy(update={"budget": Budget(per_hour=hour, per_day=day)})
    return world.with_policy(policy)


def planned(world: World, tenant_id: str, rows: int = ROWS) -> Plan:
    """A tenant of whom each wallet is 10.00 short, and a plan that would write them all."""
    world.platform.add_tenant(tenant_id)
    for number in range(rows):
        world.stale(f"{tenant_id}_{number}", 20.0, 10.0, tenant_id)
    return dry_run(world.deps, tenant_id, BackfillMode.FORCE, ACTOR)


def refused_over_budget(world: World, plan: Plan):
    """What force asks inside the transaction that begins a plan."""

    def admit(state) -> None:
        over = reasons_to_ask(world.deps, state, plan, state.plans.content(plan.plan_id).totals)
        if over:
            raise SafetyRefusal(over[0])

    return admit


def used(world: World) -> tuple[int, int, int]:
    """Rows, cents and tenants of the hour."""
    with world.deps.state.snapshot() as state:
        hour = budget_used(world.deps, state)[0]
    return hour.rows, hour.cents, len(hour.tenants)


def test_plans_go_by_themselves_up_to_the_budget_and_then_wait_for_a_human(world):
    world = bounded(world)
    plans = [planned(world, f"t{number}") for number in range(3)]
    for plan in plans[:2]:
        assert not review(world.deps, plan.plan_id).needs_approval
        assert force(world.deps, plan.plan_id, ACTOR) == ForceOutcome(ROWS, 0, 0)
    found = review(world.deps, plans[2].plan_id)
    assert (found.needs_approval, found.why) == (
        True,
        ("hourly budget: 8 of 10 rows are used and this plan has 4; frees at 2026-03-01T13:01:00Z",),
    )
    with pytest.raises(SafetyRefusal, match=r"force needs an approval \(hourly budget: 8 of 10 rows are used"):
        force(world.deps, plans[2].plan_id, ACTOR)
    assert (used(world), world.stored(plans[2].plan_id).status) == ((8, 8_000, 2), PlanStatus.PLANNED)


def test_an_approved_plan_counts_and_is_never_held(world):
    world = bounded(world)
    for number in range(2):
        force(world.deps, planned(world, f"t{number}").plan_id, ACTOR)
    plan = planned(world, "t2")
    approve(world.deps.state, ApprovalKind.BACKFILL_FORCE, plan)
    assert force(world.deps, plan.plan_id, ACTOR) == ForceOutcome(ROWS, 0, 0)
    assert used(world) == (12, 12_000, 3)


def test_an_undo_counts_and_is_never_held(world):
    world = bounded(world, rows=5)
    plan = planned(world, "t0")
    force(world.deps, plan.plan_id, ACTOR)
    approve(world.deps.state, ApprovalKind.BACKFILL_UNDO, plan)
    assert undo(world.deps, plan.plan_id, ACTOR).restored == ROWS
    assert used(world) == (8, 8_000, 1)
    assert review(world.deps, planned(world, "t1", 1).plan_id).needs_approval


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        ({"cents": 7_999}, "40.00 USD of 79.99 USD is used and this plan moves 40.00 USD"),
        ({"tenants": 1}, "1 of 1 tenants were written and this is another"),
        ({"rows": 7}, "4 of 7 rows are used and this plan has 4"),
    ],
    ids=["money", "tenants", "rows"],
)
def test_each_bound_holds(world, limits, why):
    world = bounded(world, **limits)
    force(world.deps, planned(world, "t0").plan_id, ACTOR)
    (said,) = review(world.deps, planned(world, "t1").plan_id).why
    assert said == f"hourly budget: {why}; frees at 2026-03-01T13:01:00Z"


def test_what_was_written_frees_after_the_hour(world):
    world = bounded(world, rows=4)
    force(world.deps, planned(world, "t0").plan_id, ACTOR)
    plan = planned(world, "t1")
    world.clock.advance(timedelta(minutes=60))
    with pytest.raises(SafetyRefusal, match="hourly budget"):
        force(world.deps, plan.plan_id, ACTOR)
    world.clock.advance(timedelta(minutes=1))
    assert force(world.deps, plan.plan_id, ACTOR) == ForceOutcome(ROWS, 0, 0)


def test_a_refusal_is_on_record(world):
    world = bounded(world, rows=3)
    plan = planned(world, "t0")
    with pytest.raises(SafetyRefusal):
        force(world.deps, plan.plan_id, ACTOR)
    assert "it never fits by itself" in str(world.audited("force")[-1]["refused"])


@pytest.mark.postgres
def test_eight_writers_at_the_edge_of_a_budget_never_write_past_it(postgres_world):
    """Each fits when it looks, and only as many begin as fit together."""
    world = bounded(postgres_world, rows=10)
    plans = [planned(world, f"t{number}") for number in range(8)]
    begin, done, refused = threading.Barrier(len(plans)), [], []

    def write(plan: Plan) -> None:
        begin.wait()
        try:
            done.append(force(world.deps, plan.plan_id, ACTOR))
        except SafetyRefusal as refusal:
            refused.append(str(refusal))

    writers = [threading.Thread(target=write, args=(plan,)) for plan in plans]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    assert [each.applied for each in done] == [ROWS, ROWS]
    assert len(refused) == 6
    assert all("hourly budget" in why for why in refused)
    with psycopg.connect(world.uris[0]) as connection:
        repaired = connection.execute("select count(*) from walletbalance where balance_real_available = 20").fetchone()
    assert (repaired, used(world)) == ((2 * ROWS,), (2 * ROWS, 2 * ROWS * 1_000, 2))


def begun(world: World, plan: Plan) -> None:
    """Leave the plan as a force that was killed before its first batch does."""
    fact = about_plan(plan, PlanAdvanced(status=PlanStatus.FORCING), actor=ACTOR, at=world.clock.now(), verb="force")
    with world.deps.state.transaction() as state:
        state.plans.set_status(plan.plan_id, PlanStatus.FORCING)
        state.audit.append(fact)


def test_a_plan_that_was_killed_half_way_keeps_its_place_and_is_not_asked_again(world):
    world = bounded(world, rows=10)
    plan = planned(world, "t0", 8)
    begun(world, plan)
    assert used(world) == (8, 8_000, 1)
    assert review(world.deps, planned(world, "t1").plan_id).needs_approval
    assert force(world.deps, plan.plan_id, ACTOR) == ForceOutcome(8, 0, 0)
    assert used(world) == (8, 8_000, 1)


def test_a_plan_whose_status_was_edited_to_begun_is_asked_all_the_same(world):
    """Who can write guard state and lacks the key sets `forcing`, so that the plan would seem to have its place."""
    world = bounded(world, rows=10)
    for number in range(2):
        force(world.deps, planned(world, f"t{number}").plan_id, ACTOR)
    plan = planned(world, "t2")
    with world.deps.state.transaction() as state:
        state.plans.set_status(plan.plan_id, PlanStatus.FORCING)
    with pytest.raises(SafetyRefusal, match="hourly budget"):
        force(world.deps, plan.plan_id, ACTOR)
    with pytest.raises(SafetyRefusal, match="hourly budget"):
        world.deps.backfill.force(plan.plan_id, ACTOR, 2, admit=refused_over_budget(world, plan))
    assert {world.platform.wallet("t2", f"t2_{number}")[0] for number in range(ROWS)} == {10.0}


def test_a_begun_plan_that_expired_and_wrote_nothing_since_an_hour_gives_its_place_back(world):
    world = bounded(world, rows=10)
    plan = planned(world, "t0", 8)
    begun(world, plan)
    world.clock.advance(plan.expires_at - plan.created_at)
    assert used(world)[0] == 8
    world.clock.advance(timedelta(seconds=1))
    assert used(world)[0] == 0
