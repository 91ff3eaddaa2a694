"""A repair that is split over modes and plans to stay below the guardrails: what the tenant was written before counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from backfill_worlds import ACTOR, NOW, TENANT, World, approve

from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.audit import AuditEvent
from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.plans import NOTHING_WRITTEN, ForceOutcome, WriteTotals
from ledger_guard.use_cases.backfill.backfill_run import backfill_question
from ledger_guard.use_cases.backfill.dry_run import dry_run
from ledger_guard.use_cases.backfill.force import force, undo
from ledger_guard.use_cases.backfill.review import review

HOURS = 24


def bounded(world: World, **limits: float) -> World:
    """The world under guardrails that are wide but for these."""
    wide = {"max_rows": 10**6, "max_total_delta_cents": 10**9, "max_single_delta_cents": 10**9, "max_share_of_players": 1.0}
    rails = world.deps.policy.guardrails.model_copy(update={**wide, "counted_within_hours": HOURS, **limits})
    return world.with_policy(world.deps.policy.model_copy(update={"guardrails": rails}))


def two_missing_and_two_stale(world: World) -> None:
    """Of four players; the missing are 5.00 each, the stale lack 10.00 each."""
    for number in range(2):
        world.platform.set_player(TENANT, f"none{number}", 5.0)
        world.stale(f"stale{number}", 20.0, 10.0)


def planned_and_forced(world: World, mode: str = "force", tenant_id: str = TENANT) -> ForceOutcome:
    return force(world.deps, dry_run(world.deps, tenant_id, mode, ACTOR).plan_id, ACTOR)


@pytest.mark.parametrize(
    ("limits", "refused"),
    [
        pytest.param({"max_rows": 3}, r"rows 4 \(2 of it written within 24 h before\) > max_rows 3", id="rows above"),
        pytest.param({"max_rows": 4}, None, id="rows at the limit"),
        pytest.param({"max_rows": 5}, None, id="rows below"),
        pytest.param(
            {"max_total_delta_cents": 2999, "max_single_delta_cents": 2999},
            r"total_delta_cents 3000 \(1000 of it",
            id="cents above",
        ),
        pytest.param({"max_total_delta_cents": 3000}, None, id="cents at the limit"),
        pytest.param({"max_share_of_players": 0.99}, r"share_of_players 1.0 \(0.5 of it", id="share above"),
        pytest.param({"max_share_of_players": 1.0}, None, id="share at the limit"),
    ],
)
def test_create_missing_first_and_force_then_get_no_more_than_one_plan(world, limits, refused):
    world = bounded(world, **limits)
    two_missing_and_two_stale(world)
    assert planned_and_forced(world, "create-missing").applied == 2
    plan = dry_run(world.deps, TENANT, "force", ACTOR)
    assert plan.within_guardrails is (refused is None)
    assert review(world.deps, plan.plan_id).needs_approval is (refused is not None)
    if refused is None:
        assert force(world.deps, plan.plan_id, ACTOR).applied == 2
        return
    with pytest.raises(SafetyRefusal, match=refused):
        force(world.deps, plan.plan_id, ACTOR)
    assert world.platform.wallet(TENANT, "stale0")[0] == 10.0
    approve(world.deps.state, ApprovalKind.BACKFILL_FORCE, plan)
    assert force(world.deps, plan.plan_id, ACTOR).applied == 2


@pytest.mark.parametrize(("limit", "passes"), [(1999, False), (2000, True)])
def test_one_wallet_moved_by_two_plans_is_one_movement(world, limit, passes):
    world = bounded(world, max_single_delta_cents=limit)
    world.stale("p1", 20.0, 10.0)
    world.credited("p2", 20.0, 5.0)
    planned_and_forced(world)
    world.platform.set_wallet(TENANT, "p1", 10.0)  # copied over from somewhere once more
    plan = dry_run(world.deps, TENANT, "force", ACTOR)
    assert plan.guardrails_exceeded == (
        () if passes else ("single_delta_cents 2000 (1000 of it written within 24 h before) > max_single_delta_cents 1999",)
    )


def test_a_plan_made_before_another_one_wrote_does_not_pass(world):
    world = bounded(world, max_rows=3)
    two_missing_and_two_stale(world)
    first, second = (dry_run(world.deps, TENANT, mode, ACTOR) for mode in ("create-missing", "create-missing"))
    everything = dry_run(bounded(world, max_rows=4).deps, TENANT, "force", ACTOR)
    assert everything.within_guardrails
    assert force(world.deps, first.plan_id, ACTOR).applied == 2
    with pytest.raises(SafetyRefusal, match=r"rows 4 \(2 of it written within 24 h before\) > max_rows 3"):
        force(world.deps, second.plan_id, ACTOR)
    assert [detail for detail in world.audited("force") if "refused" in detail]


class Overtaken:
    """A runner that lets another plan be written between what was asked before it and its own writer lock."""

    def __init__(self, world: World, other: str) -> None:
        self._world, self._other = world, other

    def __getattr__(self, name: str) -> object:
        return getattr(self._world.deps.backfill, name)

    def force(self, *arguments: object) -> ForceOutcome:
        force(self._world.deps, self._other, ACTOR)
        return self._world.deps.backfill.force(*arguments)


def test_a_plan_overtaken_while_it_began_is_asked_again_under_the_writer_lock(world):
    world = bounded(world, max_rows=3)
    two_missing_and_two_stale(world)
    other, plan = (dry_run(world.deps, TENANT, "create-missing", ACTOR) for _ in range(2))
    overtaken = replace(world, deps=replace(world.deps, backfill=Overtaken(world, other.plan_id)))
    with pytest.raises(SafetyRefusal, match=r"rows 4 \(2 of it written within 24 h before\) > max_rows 3"):
        force(overtaken.deps, plan.plan_id, ACTOR)
    assert world.images(plan.plan_id, "force") == {}
    assert world.stored(plan.plan_id).status is plan.status


@pytest.mark.parametrize(("passed", "rows"), [(timedelta(hours=HOURS, seconds=-1), 2), (timedelta(hours=HOURS), 0)])
def test_writes_count_for_the_policys_hours(world, passed, rows):
    two_missing_and_two_stale(world)
    planned_and_forced(world, "create-missing")
    world.clock.advance(passed)
    plan = dry_run(bounded(world, max_rows=3).deps, TENANT, "force", ACTOR)
    assert plan.within_guardrails is (rows == 0)


def test_undone_and_approved_writes_count_and_the_plans_own_do_not(world):
    two_missing_and_two_stale(world)
    plan = dry_run(world.deps, TENANT, "create-missing", ACTOR)
    force(world.deps, plan.plan_id, ACTOR)
    approve(world.deps.state, ApprovalKind.BACKFILL_UNDO, plan)
    assert undo(world.deps, plan.plan_id, ACTOR).restored == 2
    other = dry_run(world.deps, TENANT, "force", ACTOR)
    since = NOW - timedelta(hours=1)
    with world.deps.state.transaction() as state:
        # 5.00 now and 5.00 then
        assert state.plans.written_before(other.plan_id, TENANT, since) == WriteTotals(2, 0, 1000, 1000)
        assert state.plans.written_before(plan.plan_id, TENANT, since) == NOTHING_WRITTEN


def belongs_to(world: World, plan_id: str, tenant_id: str) -> None:
    """Say behind the guard's back that a plan is another tenant's."""
    if world.uris is None:
        plans = world.deps.state.tables.plans
        plans[plan_id] = replace(plans[plan_id], tenant_id=tenant_id)
        return
    with psycopg.connect(world.uris[1]) as connection:
        edited = connection.execute("update ledger_guard.plan set tenant_id = %s where plan_id = %s", [tenant_id, plan_id])
        assert edited.rowcount == 1


def test_an_earlier_plan_that_was_edited_to_be_another_tenants_still_counts(world):
    """Attack: who writes guard state without the audit key hides what a tenant was written, and has it written again."""
    world = bounded(world, max_rows=3)
    two_missing_and_two_stale(world)
    earlier = dry_run(world.deps, TENANT, "create-missing", ACTOR)
    made_before = dry_run(world.deps, TENANT, "create-missing", ACTOR)
    assert force(world.deps, earlier.plan_id, ACTOR).applied == 2
    belongs_to(world, earlier.plan_id, "other_casino")
    plan = dry_run(world.deps, TENANT, "force", ACTOR)
    assert not plan.within_guardrails
    assert review(world.deps, plan.plan_id).needs_approval
    for each in (plan, made_before):
        with pytest.raises(SafetyRefusal, match=r"rows 4 \(2 of it written within 24 h before\) > max_rows 3"):
            force(world.deps, each.plan_id, ACTOR)
    assert world.platform.wallet(TENANT, "stale0")[0] == 10.0


def test_an_entry_of_force_that_names_no_plan_counts_for_nothing_and_fails_nothing(world):
    """Attack: an inserted entry is to keep every later dry-run from working."""
    two_missing_and_two_stale(world)
    with world.deps.state.transaction() as state:
        for subject in ("plan:nobody's", "plan:", "tenant:x", f"plan:{'-' * 36}"):
            state.audit.append(AuditEvent("force", "mallory", subject, {}, world.clock.now(), tenant_id=TENANT))
    assert planned_and_forced(world).applied == 4


def test_another_tenants_writes_do_not_count(world):
    world.stale("q1", 20.0, 10.0, tenant_id="other_casino")
    planned_and_forced(world, tenant_id="other_casino")
    two_missing_and_two_stale(world)
    assert planned_and_forced(bounded(world, max_rows=4)).applied == 4


def test_a_tenant_at_its_bound_may_still_be_looked_at(world):
    world = bounded(world, max_rows=4)
    two_missing_and_two_stale(world)
    planned_and_forced(world)
    assert dry_run(world.deps, TENANT, "force", ACTOR).within_guardrails, "nothing to write exceeds nothing"


def test_the_question_says_how_much_was_used_up_before(world):
    world = bounded(world, max_rows=3, max_total_delta_cents=500_000)
    two_missing_and_two_stale(world)
    planned_and_forced(world, "create-missing")
    plan = dry_run(world.deps, TENANT, "force", ACTOR)
    question = backfill_question(world.deps, {"operation": "backfill", "tenant_id": TENANT}, ACTOR, plan.plan_id)
    said = "Written to this tenant within 24 h before: 2 rows of 3, 10.00 USD of 5,000.00 USD that need no approval."
    assert said in question["proposal"]
