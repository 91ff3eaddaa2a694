"""A policy that was edited between dry-run and write: each section once, for plans at each stage of their course."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from backfill_worlds import ACTOR, TENANT, Killed, World, approve
from tests.triggers import T3
from tests.use_cases.audit.keyed_worlds import ask, say_yes

from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.plans import ForceOutcome, Plan, PlanStatus
from ledger_guard.policy.command_runner import BackfillWriter, CommandRunner
from ledger_guard.policy.groups import DelegationRules, GroupSection
from ledger_guard.policy.loader import content_hash
from ledger_guard.policy.plan_parts import BEARINGS, Bearing
from ledger_guard.policy.probes import Probe
from ledger_guard.policy.schema import Policy
from ledger_guard.use_cases.backfill.dry_run import dry_run
from ledger_guard.use_cases.backfill.force import force, undo
from ledger_guard.use_cases.backfill.review import review

FORCE, UNDO = ApprovalKind.BACKFILL_FORCE, ApprovalKind.BACKFILL_UNDO
ROWS = 5
SCRIPT = CommandRunner(interpreter="/usr/bin/python3", module="scripts.backfill", working_directory="/srv/platform")

Edit = Callable[[Policy], Any]


def key(section: str, **update: Any) -> Edit:
    return lambda policy: getattr(policy, section).model_copy(update=update)


def item(section: str, name: str, **update: Any) -> Edit:
    return lambda policy: {
        **getattr(policy, section),
        name: getattr(policy, section)[name].model_copy(update=update),
    }


#: every section of the policy → its content after an edit
EDITS: dict[str, Edit] = {
    "version": lambda _: 2,
    "name": lambda _: "another name",
    "window_minutes": lambda _: 10,
    "sensing": key("sensing", most_unreadable_share=0.9),
    "detection": key("detection", resolve_after_windows=9),
    "triggers": item("triggers", T3, description="told otherwise"),
    "matrix": lambda policy: tuple(
        row.model_copy(update={"actions": tuple(word for word in row.actions if word != "backfill")}) for row in policy.matrix
    ),
    "guardrails": key("guardrails", max_rows=100_000),
    "budget": lambda policy: policy.budget.model_copy(
        update={"per_hour": policy.budget.per_hour.model_copy(update={"rows": 1_000_000})}
    ),
    "groups": lambda policy: {**policy.groups, "late-shift": GroupSection(members=("anna",))},
    "delegation": lambda _: DelegationRules(most_hours=1),
    "approvals": item("approvals", FORCE, escalate_before_minutes=5),
    "autonomy": key("autonomy", settle_minutes=1),
    "break_glass": key("break_glass", valid_minutes=59),
    "drill": key("drill", answer_within_minutes=59),
    "mitigation": key("mitigation", wait_minutes=59),
    "flags": item("flags", "ledger_enforce_balance", description="told otherwise"),
    "flag_store": lambda policy: policy.flag_store.model_copy(update={"table": "elsewhere"}),
    "platform": lambda policy: policy.platform.model_copy(
        update={"ledger": policy.platform.ledger.model_copy(update={"void_statuses": ("gone",)})}
    ),
    "access_log": item("access_log", "ingress_json", amount="sum"),
    "secrets": key("secrets", minimum_characters=99),
    "rotation": key("rotation", owner="someone else"),
    "notification": key("notification", list_at_most=99),
    "wake": key("wake", for_approvals=False),
    "retention": key("retention", events_days=99),
    "forgery": key("forgery", look_minutes=59),
    "freeze": key("freeze", override_at_most_hours=9),
    "restore": key("restore", quiet_windows=9),
    "reminders": key("reminders", rolled_back_hours=9.0),
    "backfill_pace": key("backfill_pace", target_lock_milliseconds=99),
    "backfill_writer": lambda _: BackfillWriter.PLATFORM_SCRIPT,
    "command_runner": lambda _: SCRIPT,
    "probes": lambda _: {"ledger_enforce_balance": Probe.model_construct()},
}
SECTIONS = pytest.mark.parametrize("section", sorted(BEARINGS))


def edited(world: World, section: str) -> World:
    """The same world under a policy with this section edited, and its hash as the loader would give it."""
    policy = world.deps.policy.model_copy(update={section: EDITS[section](world.deps.policy)})
    assert getattr(policy, section) != getattr(world.deps.policy, section)
    return world.with_policy(policy.model_copy(update={"content_hash": f"after {section}"}))


def planned(world: World) -> Plan:
    for number in range(ROWS):
        world.stale(f"p{number}", 20.0 + number, 10.0)
    return dry_run(world.deps, TENANT, "force", ACTOR)


def written(world: World) -> int:
    return sum(world.platform.wallet(TENANT, f"p{number}") == (20.0 + number, 0.0, 0.0, 0.0) for number in range(ROWS))


def stopped_half_way(world: World, plan: Plan) -> int:
    """Force it and kill the process in the middle, later each time; returns how many rows were written."""
    for is_far_enough in (lambda: world.stored(plan.plan_id).status is PlanStatus.FORCING, lambda: written(world) > 0):
        reading = 0
        while not is_far_enough():
            reading += 1
            world.clock.kill_at_reading = reading
            with suppress(Killed):
                force(world.deps, plan.plan_id, ACTOR)
    world.clock.kill_at_reading = None
    assert written(world) < ROWS
    return written(world)


def refused(world: World, plan: Plan, match: str) -> None:
    before = written(world)
    with pytest.raises(SafetyRefusal, match=match):
        force(world.deps, plan.plan_id, ACTOR)
    assert written(world) == before
    assert any("refused" in detail for detail in world.audited("force"))


def test_every_section_is_edited_here():
    assert set(EDITS) == set(Policy.model_fields) - {"content_hash"}


@SECTIONS
def test_a_plan_that_needs_no_human(memory, section):
    plan = planned(memory)
    later = edited(memory, section)
    match BEARINGS[section]:
        case Bearing.ROWS:
            refused(
                later, plan, r"the policy's platform\.ledger changed since the dry-run: its rows may be wrong now; make a new"
            )
        case Bearing.LIMITS:
            assert review(later.deps, plan.plan_id).needs_approval
            refused(
                later, plan, rf"needs an approval \(the policy's {section} changed since the dry-run: approve this plan, or make"
            )
        case _:
            assert force(later.deps, plan.plan_id, ACTOR).applied == ROWS


@SECTIONS
def test_a_plan_that_people_approved_before_the_edit(memory, section):
    plan = planned(memory)
    approve(memory.deps.state, FORCE, plan)
    later = edited(memory, section)
    if BEARINGS[section] is Bearing.ROWS:
        refused(later, plan, r"platform\.ledger changed")
    else:
        assert force(later.deps, plan.plan_id, ACTOR).applied == ROWS


@SECTIONS
def test_a_plan_whose_question_waits_during_the_edit(memory, section):
    plan = planned(memory)
    question = ask(memory.deps, plan)
    later = edited(memory, section)
    refused(later, plan, r"platform\.ledger changed" if BEARINGS[section] is Bearing.ROWS else "not approved yet")
    say_yes(later.deps, question)
    if BEARINGS[section] is Bearing.ROWS:
        refused(later, plan, r"platform\.ledger changed")
    else:
        assert force(later.deps, plan.plan_id, ACTOR).applied == ROWS


@SECTIONS
def test_a_plan_that_is_half_written(memory, section):
    plan = planned(memory)
    rows = stopped_half_way(memory, plan)
    later = edited(memory, section)
    if BEARINGS[section] is Bearing.ROWS:
        refused(later, plan, r"platform\.ledger changed.*which judges rows that are written too")
    else:
        assert force(later.deps, plan.plan_id, ACTOR) == ForceOutcome(ROWS - rows, 0, rows)


@SECTIONS
def test_a_plan_that_is_to_be_undone(memory, section):
    """Undo gives back what stood there; no edit takes that away."""
    plan = planned(memory)
    force(memory.deps, plan.plan_id, ACTOR)
    later = edited(memory, section)
    approve(later.deps.state, UNDO, plan)
    assert undo(later.deps, plan.plan_id, ACTOR).restored == ROWS


def test_a_half_written_plan_is_replaced_by_a_new_dry_run_of_what_is_left(memory):
    rows = stopped_half_way(memory, planned(memory))
    later = edited(memory, "platform")
    assert force(later.deps, dry_run(later.deps, TENANT, "force", ACTOR).plan_id, ACTOR).applied == ROWS - rows


@pytest.mark.parametrize("guardrails", [{"max_rows": ROWS - 1}, {"force_without_approval": False}])
def test_looser_guardrails_let_nothing_through_that_the_old_ones_held_back(world, guardrails):
    """Somebody edits the policy after the dry-run and forces the plan from a shell: no review, no question."""
    loose = world.deps.policy
    strict = world.with_policy(loose.model_copy(update={"guardrails": loose.guardrails.model_copy(update=guardrails)}))
    plan = planned(strict)
    refused(world, plan, "the policy's guardrails changed since the dry-run")
    approve(world.deps.state, FORCE, plan)
    assert force(world.deps, plan.plan_id, ACTOR).applied == ROWS


def test_a_looser_budget_lets_nothing_through_that_the_old_one_held_back(world):
    loose = world.deps.policy
    hour = loose.budget.per_hour.model_copy(update={"rows": ROWS - 1})
    strict = world.with_policy(loose.model_copy(update={"budget": loose.budget.model_copy(update={"per_hour": hour})}))
    plan = planned(strict)
    refused(strict, plan, "hourly budget")
    refused(world, plan, "the policy's budget changed since the dry-run")


def test_stricter_guardrails_hold_a_half_written_plan_by_their_own_figures(memory):
    plan = planned(memory)
    stopped_half_way(memory, plan)
    rails = memory.deps.policy.guardrails.model_copy(update={"max_rows": ROWS - 1})
    later = memory.with_policy(memory.deps.policy.model_copy(update={"guardrails": rails}))
    refused(later, plan, f"rows {ROWS} > max_rows {ROWS - 1}")
    approve(later.deps.state, FORCE, plan)
    force(later.deps, plan.plan_id, ACTOR)
    assert written(later) == ROWS


def test_a_plan_that_is_read_again_from_its_store_knows_its_parts(world):
    plan = planned(world)
    refused(edited(world, "platform"), plan, r"platform\.ledger changed")
    assert force(edited(world, "reminders").deps, plan.plan_id, ACTOR).applied == ROWS


def of_earlier_release(world: World, policy_hash: str, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """A plan as it was stored before parts were recorded: with the whole policy's hash alone."""
    monkeypatch.setattr("ledger_guard.use_cases.backfill.dry_run.parts_hash", lambda _: policy_hash)
    return planned(world)


def test_a_plan_of_an_earlier_release_is_forced_under_the_very_same_policy(world, monkeypatch):
    whole = content_hash(world.deps.policy)
    same = world.with_policy(world.deps.policy.model_copy(update={"content_hash": whole}))
    assert force(same.deps, of_earlier_release(same, whole, monkeypatch).plan_id, ACTOR).applied == ROWS


@SECTIONS
def test_a_plan_of_an_earlier_release_is_refused_after_any_edit(memory, section, monkeypatch):
    plan = of_earlier_release(memory, content_hash(memory.deps.policy), monkeypatch)
    refused(edited(memory, section), plan, "was made under another policy than the one in force now; make a new dry-run")


def test_parts_that_the_plans_hash_does_not_cover_are_not_believed(memory, monkeypatch):
    """Parts on record that belong to another policy than the plan's hash: as if there were none."""
    plan = of_earlier_release(memory, "0" * 64, monkeypatch)
    refused(memory, plan, "was made under another policy")
