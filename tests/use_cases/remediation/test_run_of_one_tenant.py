"""Which way a tenant's backfill run goes, and what it says of itself at the end."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from ledger_guard.adapters.memory.dependencies import memory_world
from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.incidents import ActionStatus
from ledger_guard.domain.ledger_rows import LedgerRow
from ledger_guard.domain.runs import StartedRun
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.approvals.granted_runs import RunOnRecord
from ledger_guard.use_cases.backfill.backfill_ending import close_run
from ledger_guard.use_cases.backfill.backfill_run import (
    backfill_question,
    break_glass_run,
    force_run,
    next_tasks,
    plan_run,
    undo_run,
    verify_run,
)

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)


@pytest.fixture
def world():
    """A tenant of twenty players of whom one has a wallet without a hand of poker."""
    world = memory_world(load_policy(), NOW)
    for number in range(20):
        world.ledger.add_player("acme", f"p{number:02}", 100.0)
        world.ledger.set_wallet("acme", f"p{number:02}", 40.0 if number == 0 else 100.0)
    world.ledger.add_movement("acme", "p00", LedgerRow("poker_win", "credit", 60.0, NOW, status="success"))
    return world


def no_script(_policy):
    raise AssertionError("the shipped policy's writer is the guard itself")


def forced_run(deps, run_params, plan, actor):
    return force_run(deps, run_params, plan, actor, no_script)


def closed(world, run_params, plan, verified):
    run = StartedRun("tenant_backfill", "manual__1", "oncall", is_started_by_run=False, conf=run_params)
    return close_run(RunOnRecord(world.deps, run), run_params, plan, verified)


def params(**changes):
    return {"tenant_id": "acme", "operation": "backfill", "mode": "force", "reason": "", **changes}


def test_inside_the_guardrails_force_comes_next_and_the_run_ends_well(world):
    plan = plan_run(world.deps, params(), "oncall")
    assert next_tasks(world.deps, plan) == ["force"]
    assert forced_run(world.deps, params(), plan, "oncall")["applied"] == 1
    status, outcome = closed(world, params(), plan, verify_run(world.deps, params(), plan))
    assert status is ActionStatus.DONE
    assert outcome.startswith("forced: 1 rows written;")
    assert outcome.endswith("; unkeyed (no audit key is set)")


def test_players_who_move_while_a_live_tenant_is_written_are_planned_once_more(world):
    plan = plan_run(world.deps, params(), "oncall")
    world.ledger.set_wallet("acme", "p00", 45.0)
    world.ledger.add_player("acme", "p00", 105.0)
    world.ledger.add_movement("acme", "p00", LedgerRow("wallet", "credit", 5.0, NOW + HOUR, status="manual_credit"))
    forced = forced_run(world.deps, params(), plan, "oncall")
    assert (forced["applied"], forced["drifted"]) == (0, 1)
    assert (forced["again"]["applied"], forced["again"]["drifted"]) == (1, 0)
    status, outcome = closed(world, params(), plan, verify_run(world.deps, params(), plan))
    assert status is ActionStatus.DONE
    assert outcome.startswith("forced: 0 rows written, 1 had moved meanwhile, planned again: 1 more written;")


def test_players_who_moved_beyond_the_guardrails_are_left_for_the_next_dry_run_and_nothing_failed(world):
    plan = plan_run(world.deps, params(), "oncall")
    world.ledger.set_wallet("acme", "p00", 45.0)  # which nothing accounts for
    forced = forced_run(world.deps, params(), plan, "oncall")
    assert (forced["drifted"], forced["again"]["applied"]) == (1, 0)
    status, outcome = closed(world, params(), plan, verify_run(world.deps, params(), plan))
    assert status is ActionStatus.DONE
    assert outcome.endswith("1 left for the next dry-run")


def test_a_written_wallet_that_is_wrong_again_fails_the_run(world):
    plan = plan_run(world.deps, params(), "oncall")
    forced_run(world.deps, params(), plan, "oncall")
    world.ledger.set_wallet("acme", "p00", 40.0)
    status, outcome = closed(world, params(), plan, verify_run(world.deps, params(), plan))
    assert (status, "1 written wallets are wrong again" in outcome) == (ActionStatus.FAILED, True)


def test_rows_for_humans_do_not_fail_a_run(world):
    world.ledger.set_wallet("acme", "p07", 1.0)
    plan = plan_run(world.deps, params(), "oncall")
    forced_run(world.deps, params(), plan, "oncall")
    status, outcome = closed(world, params(), plan, verify_run(world.deps, params(), plan))
    assert (status, outcome.endswith("1 for a human to look into")) == (ActionStatus.DONE, True)


def test_a_dry_run_ends_after_the_plan(world):
    plan = plan_run(world.deps, params(operation="dry_run"), "oncall")
    assert next_tasks(world.deps, plan) == ["close"]
    assert closed(world, params(operation="dry_run"), plan, None)[0] is ActionStatus.DONE


def test_a_plan_without_writable_rows_ends_well_whatever_else_differs(world):
    """With `create-missing` a stale wallet is none of the run's business."""
    wished = params(mode="create-missing")
    plan = plan_run(world.deps, wished, "oncall")
    assert next_tasks(world.deps, plan) == ["verify"]
    status, outcome = closed(world, wished, plan, verify_run(world.deps, wished, plan))
    assert (status, outcome.split(";")[0]) == (ActionStatus.DONE, "nothing to repair")


def test_a_run_that_was_to_write_and_did_not_says_that_it_failed(world):
    plan = plan_run(world.deps, params(), "oncall")
    assert closed(world, params(), plan, None) == (ActionStatus.FAILED, "ended before it wrote; see the run's log")


def test_a_forced_run_that_was_not_verified_does_not_end_well(world):
    plan = plan_run(world.deps, params(), "oncall")
    forced_run(world.deps, params(), plan, "oncall")
    assert closed(world, params(), plan, None)[0] is ActionStatus.FAILED


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"operation": "everything"}, "allowed: dry_run, backfill, undo", id="unknown operation"),
        pytest.param({"tenant_id": ""}, "is empty", id="empty tenant"),
        pytest.param({"tenant_id": "nobody"}, "nobody", id="unknown tenant"),
        pytest.param({"mode": "quickly"}, "allowed: create-missing, force", id="unknown mode"),
        pytest.param({"operation": "undo", "plan_id": None}, "plan_id", id="undo without a plan"),
    ],
)
def test_what_is_not_allowed_makes_no_plan(world, changes, says):
    with pytest.raises(BadInputError, match=says):
        plan_run(world.deps, params(**changes), "oncall")


def test_a_plan_of_another_tenant_is_not_undone(world):
    plan = plan_run(world.deps, params(), "oncall")
    forced_run(world.deps, params(), plan, "oncall")
    world.ledger.add_player("zenith", "z", 1.0)
    with pytest.raises(BadInputError, match="is a plan of tenant 'acme'"):
        plan_run(world.deps, params(tenant_id="zenith", operation="undo", plan_id=plan["plan_id"]), "oncall")


def untouched(world) -> bool:
    return world.ledger.wallets["acme", "p00", "USD"].balance == (40.0, 0.0)


def test_the_force_task_of_a_dry_run_only_run_writes_nothing_when_it_is_cleared_by_hand(world):
    wished = params(operation="dry_run")
    plan = plan_run(world.deps, wished, "oncall")
    with pytest.raises(SafetyRefusal, match="was started for dry_run, not for backfill"):
        forced_run(world.deps, wished, plan, "oncall")
    assert untouched(world)


@pytest.mark.parametrize("write", [forced_run, undo_run])
def test_an_edited_plan_id_of_another_tenant_is_neither_asked_about_nor_written(world, write):
    world.ledger.add_player("zenith", "z", 100.0)
    plan = plan_run(world.deps, params(), "oncall")
    operation = "undo" if write is undo_run else "backfill"
    elsewhere = params(tenant_id="zenith", operation=operation, plan_id=plan["plan_id"])
    with pytest.raises(SafetyRefusal, match="is of tenant 'acme', the run of 'zenith'"):
        write(world.deps, elsewhere, plan, "oncall")
    with pytest.raises(SafetyRefusal, match="is of tenant 'acme', the run of 'zenith'"):
        backfill_question(world.deps, elsewhere, "oncall", plan["plan_id"])
    assert untouched(world)


def test_a_run_started_to_undo_one_plan_undoes_no_other(world):
    plan, other = plan_run(world.deps, params(), "oncall"), plan_run(world.deps, params(), "oncall")
    with pytest.raises(SafetyRefusal, match="was started to undo"):
        undo_run(world.deps, params(operation="undo", plan_id=other["plan_id"]), plan, "oncall")


# --- acting alone ---------------------------------------------------------------------------------------------------

ALONE = "everybody else is on a plane and the wallets are empty"


@pytest.fixture
def alone(world):
    """Every plan needs a person, and the policy lets on-call act alone."""
    policy = world.deps.policy
    glass = policy.break_glass.model_copy(update={"users": ("oncall",), "kinds": (ApprovalKind.BACKFILL_FORCE,)})
    guardrails = policy.guardrails.model_copy(update={"force_without_approval": False})
    changed = policy.model_copy(update={"break_glass": glass, "guardrails": guardrails})
    return replace(world, deps=replace(world.deps, policy=changed))


def broken(world, plan, by):
    return break_glass_run(world.deps, params(break_glass=ALONE), plan["plan_id"], by, "tenant_backfill", "run-1")


def test_a_named_person_forces_a_plan_of_their_own_alone_and_on_record(alone):
    plan = plan_run(alone.deps, params(), "oncall")
    assert next_tasks(alone.deps, plan, params(break_glass=ALONE)) == ["break_glass"]
    assert broken(alone, plan, "oncall") == ["force", "shout"]
    assert forced_run(alone.deps, params(), plan, "oncall")["applied"] == 1
    with alone.deps.state.transaction() as state:
        (entry,) = [entry for entry in state.audit.entries() if entry.event.verb == "break_glass"]
    assert (entry.event.actor, entry.event.detail["refused"], entry.event.detail["reason"]) == ("oncall", "", ALONE)


def test_a_plan_that_somebody_else_made_is_not_forced_alone(alone):
    plan = plan_run(alone.deps, params(), "somebody")
    with pytest.raises(SafetyRefusal, match="somebody made it, oncall may act alone on an own plan only"):
        broken(alone, plan, "oncall")
    with pytest.raises(SafetyRefusal, match="no approval was asked for"):
        forced_run(alone.deps, params(), plan, "oncall")
    assert verify_run(alone.deps, params(), plan)["counts"]["stale_wallet"] == 1


def test_who_is_not_named_is_asked_like_everybody_and_can_not_break_the_glass(alone):
    plan = plan_run(alone.deps, params(), "payments-lead")
    with pytest.raises(SafetyRefusal, match="payments-lead"):
        broken(alone, plan, "payments-lead")
    with pytest.raises(SafetyRefusal, match="no approval was asked for"):
        forced_run(alone.deps, params(), plan, "payments-lead")


def test_as_shipped_nobody_acts_alone(world):
    guardrails = world.deps.policy.guardrails.model_copy(update={"force_without_approval": False})
    world = replace(world, deps=replace(world.deps, policy=world.deps.policy.model_copy(update={"guardrails": guardrails})))
    plan = plan_run(world.deps, params(), "oncall")
    assert next_tasks(world.deps, plan, params(break_glass=ALONE)) == ["request_approval", "notify"]
    with pytest.raises(SafetyRefusal):
        broken(world, plan, "oncall")
