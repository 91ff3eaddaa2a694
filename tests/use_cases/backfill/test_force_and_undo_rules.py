"""The safety rules of force and undo, each attacked: nothing is written, and the refusal is on the audit log."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from backfill_worlds import ACTOR, NOW, TENANT, World, approve

from ledger_guard.domain.approvals import Answer, ApprovalKind
from ledger_guard.domain.errors import BadInputError, LedgerInvariantError, SafetyRefusal
from ledger_guard.domain.plans import ForceOutcome, Plan, UndoOutcome
from ledger_guard.use_cases.backfill.dry_run import dry_run
from ledger_guard.use_cases.backfill.force import force, undo

FORCE, UNDO = ApprovalKind.BACKFILL_FORCE, ApprovalKind.BACKFILL_UNDO


def small(world: World) -> Plan:
    """Within the guardrails."""
    world.stale("p1", 20.0, 10.0)
    return dry_run(world.deps, TENANT, "force", ACTOR)


def large(world: World) -> Plan:
    """Beyond the guardrails: the ledger does not account for what this wallet holds."""
    world.disputed("p1", 20.0, 33.0)
    return dry_run(world.deps, TENANT, "force", ACTOR)


def assert_refused(world: World, plan: Plan, match: str, error: type[Exception] = SafetyRefusal) -> None:
    before = world.platform.wallet(TENANT, "p1")
    with pytest.raises(error, match=match):
        force(world.deps, plan.plan_id, ACTOR)
    assert world.platform.wallet(TENANT, "p1") == before
    assert world.images(plan.plan_id, "force") == {}
    assert world.stored(plan.plan_id).status is plan.status
    assert [detail for detail in world.audited("force") if "refused" in detail]


def test_a_plan_within_the_guardrails_is_forced_without_a_human(world):
    plan = small(world)
    assert force(world.deps, plan.plan_id, ACTOR) == ForceOutcome(1, 0, 0)
    assert world.platform.wallet(TENANT, "p1") == (20.0, 0.0, 0.0, 0.0)


def test_forcing_again_writes_nothing_even_after_the_plan_expired(world):
    plan = small(world)
    force(world.deps, plan.plan_id, ACTOR)
    world.clock.advance(timedelta(days=1))
    assert force(world.deps, plan.plan_id, ACTOR) == ForceOutcome(0, 0, 1)


def test_a_plan_may_be_forced_until_the_moment_it_expires(memory):
    plan = small(memory)
    memory.clock.advance(plan.expires_at - NOW)
    assert force(memory.deps, plan.plan_id, ACTOR).applied == 1


def test_an_expired_plan_is_refused(world):
    plan = small(world)
    world.clock.advance(plan.expires_at - NOW + timedelta(seconds=1))
    assert_refused(world, plan, "expired at")


def test_an_edited_row_is_refused(world):
    plan = small(world)
    world.edit_row(plan, replace(world.stored(plan.plan_id).rows[0], player_available=999_900))
    assert_refused(world, plan, "changed after the dry-run", LedgerInvariantError)


@pytest.mark.parametrize("scope", [TENANT, "*"])
def test_a_plan_is_refused_when_a_flag_was_flipped_since(world, scope):
    plan = small(world)
    world.deps.flags.put("ledger_enforce_balance", scope, True)
    assert_refused(world, plan, "ledger_enforce_balance was off and is on")


def test_a_plan_beyond_the_guardrails_is_refused_without_an_approval(world):
    assert_refused(world, large(world), "disputed_rows 1 > max_disputed_rows 0.*no approval was requested")


def test_a_plan_beyond_the_guardrails_is_forced_with_an_approval_for_it(world):
    plan = large(world)
    approve(world.deps.state, FORCE, plan)
    assert force(world.deps, plan.plan_id, ACTOR) == ForceOutcome(1, 0, 0)


def test_a_policy_that_always_wants_a_human_refuses_a_small_plan(memory):
    guardrails = memory.deps.policy.guardrails.model_copy(update={"force_without_approval": False})
    strict = memory.with_policy(memory.deps.policy.model_copy(update={"guardrails": guardrails}))
    plan = small(strict)
    assert_refused(strict, plan, "force_without_approval is false")
    approve(strict.deps.state, FORCE, plan)
    assert force(strict.deps, plan.plan_id, ACTOR).applied == 1


@pytest.mark.parametrize(
    ("answered", "match"),
    [
        pytest.param({"subject_hash": "0" * 64}, "another state of the plan", id="given for another hash"),
        pytest.param({"answer": Answer.REJECTED}, "rejected by payments-lead", id="rejected"),
        pytest.param({"answer": Answer.TIMED_OUT}, "no one answered in time", id="timed out"),
        pytest.param({"answered_by": "somebody"}, "may not approve", id="by somebody who may not"),
        pytest.param({"answered_by": "ops-lead", "requested_by": "ops-lead"}, "can't approve it too", id="by who asked"),
        pytest.param({"answered_by": ACTOR}, "made the plan and can't approve it too", id="by who made the plan"),
        pytest.param(
            {"answered_by": ACTOR.title()}, "made the plan and can't approve it too", id="by a second account of who made it"
        ),
    ],
)
def test_an_approval_that_does_not_count_permits_nothing(world, answered, match):
    plan = large(world)
    approve(world.deps.state, FORCE, plan, **answered)
    assert_refused(world, plan, match)


def test_an_approval_to_undo_does_not_permit_force(world):
    plan = large(world)
    approve(world.deps.state, UNDO, plan)
    assert_refused(world, plan, "no approval was requested")


def test_a_later_rejection_outweighs_an_earlier_approval(world):
    plan = large(world)
    approve(world.deps.state, FORCE, plan)
    approve(world.deps.state, FORCE, plan, answer=Answer.REJECTED, at=NOW + timedelta(minutes=1))
    assert_refused(world, plan, "rejected by payments-lead")


@pytest.mark.parametrize("verb", [force, undo])
@pytest.mark.parametrize("plan_id", ["", "latest", "7d0f9d52-5b1c-4f5e-9a3d-2f6f1f1f0001"])
def test_a_plan_that_does_not_exist_is_bad_input(world, verb, plan_id):
    with pytest.raises(BadInputError, match="plan"):
        verb(world.deps, plan_id, ACTOR)


def test_undo_needs_an_approval_for_this_plan(world):
    plan = small(world)
    force(world.deps, plan.plan_id, ACTOR)
    with pytest.raises(SafetyRefusal, match="undo needs an approval"):
        undo(world.deps, plan.plan_id, ACTOR)
    approve(world.deps.state, FORCE, plan)
    with pytest.raises(SafetyRefusal, match="undo needs an approval"):
        undo(world.deps, plan.plan_id, ACTOR)
    assert world.platform.wallet(TENANT, "p1") == (20.0, 0.0, 0.0, 0.0)
    assert [detail for detail in world.audited("undo") if "refused" in detail]
    approve(world.deps.state, UNDO, plan)
    assert undo(world.deps, plan.plan_id, ACTOR) == UndoOutcome(1, 0)
    assert world.platform.wallet(TENANT, "p1") == (10.0, 0.0, 0.0, 0.0)


def test_a_plan_that_was_not_forced_cannot_be_undone_even_with_an_approval(world):
    plan = small(world)
    approve(world.deps.state, UNDO, plan)
    with pytest.raises(BadInputError, match="never forced"):
        undo(world.deps, plan.plan_id, ACTOR)
