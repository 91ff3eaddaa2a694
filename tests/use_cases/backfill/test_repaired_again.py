"""A tenant whose wallets were written before, or whose platform just changed, is not written again without a human."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from backfill_worlds import ACTOR, TENANT, Killed, World, approve, memory_backfill_world

from ledger_guard.domain.approvals import Answer, ApprovalKind
from ledger_guard.domain.audit import chained
from ledger_guard.domain.audit_keys import parse_audit_keys
from ledger_guard.domain.errors import SafetyRefusal, SourceUnavailable
from ledger_guard.domain.facts.backfill import PlanAdvanced, about_plan
from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.facts.flags import FlagWriteFailed, FlagWriteIntended, Restored, RolledBack
from ledger_guard.domain.facts.past_the_guard import ChangedPastTheGuard
from ledger_guard.domain.facts.repairs import RepairFollowed
from ledger_guard.domain.flag_values import FlagValue
from ledger_guard.domain.ledger_rows import LedgerRow
from ledger_guard.domain.plans import BackfillMode, ForceOutcome, Plan, PlanStatus
from ledger_guard.policy.autonomy import Autonomy
from ledger_guard.use_cases.approvals.repair_record import record_follow_up
from ledger_guard.use_cases.backfill import backfill_run
from ledger_guard.use_cases.backfill.backfill_run import backfill_question, force_run
from ledger_guard.use_cases.backfill.dry_run import dry_run
from ledger_guard.use_cases.backfill.force import force, undo
from ledger_guard.use_cases.backfill.review import review
from ledger_guard.use_cases.flags.record_deploy import record_deploy

DAYS = 7
OFF = Autonomy(repaired_again_days=0, cool_down_minutes=0, settle_minutes=0, verify_again_hours=())
SECOND = timedelta(seconds=1)


def bounded(world: World, **rules: object) -> World:
    """The world under these rules of the section `autonomy`, and no other."""
    # two repairs of a tenant of one player are two of its one players
    rails = world.deps.policy.guardrails.model_copy(update={"max_share_of_players": 10.0})
    policy = world.deps.policy.model_copy(update={"autonomy": OFF.model_copy(update=rules), "guardrails": rails})
    return world.with_policy(policy)


def again_within_days(world: World) -> World:
    return bounded(world, repaired_again_days=DAYS)


def planned(world: World, *players: str, tenant_id: str = TENANT) -> Plan:
    """A plan for players whose wallets are 10.00 short each."""
    for player in players:
        world.stale(player, 20.0, 10.0, tenant_id)
    return dry_run(world.deps, tenant_id, BackfillMode.FORCE, ACTOR)


def repaired(world: World, *players: str, tenant_id: str = TENANT) -> Plan:
    plan = planned(world, *players, tenant_id=tenant_id)
    assert force(world.deps, plan.plan_id, ACTOR).applied == len(players)
    return plan


def won_more(world: World, player: str) -> None:
    """A hand of 5.00 more, which only the player row got."""
    world.platform.set_player(TENANT, player, 25.0)
    # not at the very moment of the hand before: those two might have overlapped
    booked_at = world.clock.now() + timedelta(minutes=1)
    world.platform.book(TENANT, player, LedgerRow("poker_win", "credit", 5.0, booked_at, status="success"))


def why(world: World, plan: Plan) -> tuple[str, ...]:
    return review(world.deps, plan.plan_id).why


def posted(world: World, verb: str) -> list:
    return [each.notice for each in world.deps.notifier.posted if each.notice.title.startswith(verb)]


# --- repaired again ---------------------------------------------------------------------------------------------------


def test_a_second_repair_of_a_tenant_waits_for_a_human_whatever_its_wallets(world):
    world = again_within_days(world)
    first = repaired(world, "p1", "p2")
    second = planned(world, "p3")
    (said,) = why(world, second)
    assert said == (
        "repaired again: 1 repair of this tenant within 7 days, the last of 2 rows, 20.00 USD at 2026-03-01T12:00:00Z by "
        f"oncall (plan {first.plan_id}); the cause is not fixed"
    )
    with pytest.raises(SafetyRefusal, match="force needs an approval \\(repaired again: 1 repair"):
        force(world.deps, second.plan_id, ACTOR)
    assert world.platform.wallet(TENANT, "p3")[0] == 10.0
    approve(world.deps.state, ApprovalKind.BACKFILL_FORCE, second)
    assert force(world.deps, second.plan_id, ACTOR) == ForceOutcome(1, 0, 0)


@pytest.mark.parametrize(
    ("later", "asks"),
    [
        pytest.param(timedelta(days=DAYS) - SECOND, True, id="below"),
        pytest.param(timedelta(days=DAYS), False, id="at"),
        pytest.param(timedelta(days=DAYS) + SECOND, False, id="above"),
        pytest.param(-timedelta(hours=2), True, id="the clock went backwards"),
    ],
)
def test_a_repair_counts_for_the_policys_days(world, later, asks):
    world = again_within_days(world)
    repaired(world, "p1")
    world.clock.advance(later)
    assert review(world.deps, planned(world, "p2").plan_id).needs_approval is asks


def test_another_tenant_is_not_concerned(world):
    world = again_within_days(world)
    repaired(world, "p1")
    assert why(world, planned(world, "q1", tenant_id="casino_9")) == ("within the guardrails",)


def test_an_undone_plan_is_no_repair(world):
    world = again_within_days(world)
    first = repaired(world, "p1")
    approve(world.deps.state, ApprovalKind.BACKFILL_UNDO, first)
    undo(world.deps, first.plan_id, ACTOR)
    assert why(world, planned(world)) == ("within the guardrails",)


def test_a_resumed_plan_is_not_a_second_repair(world):
    world = again_within_days(world)
    plan = planned(world, "p1", "p2", "p3")
    killed_behind_its_first_batch(world, plan.plan_id)
    force(world.deps, plan.plan_id, ACTOR)
    assert [world.platform.wallet(TENANT, each)[0] for each in ("p1", "p2", "p3")] == [20.0] * 3


def test_the_follow_up_of_rows_that_moved_in_the_same_run_is_the_same_repair(world):
    """One player moved money under the plan: the rest of it is planned anew and written in the same run, and counts with it."""
    world = again_within_days(world)
    plan = planned(world, "p1", "p2")
    won_more(world, "p2")
    done = run_forced(world, plan)
    assert (done["applied"], done["drifted"], done["again"]["applied"]) == (1, 1, 1)
    (said,) = why(world, planned(world, "p3"))
    assert said.startswith("repaired again: 1 repair of this tenant within 7 days, the last of 2 rows, ")


def run_forced(world: World, plan: Plan) -> dict:
    params = {"tenant_id": TENANT, "operation": "backfill"}
    return force_run(world.deps, params, {"plan_id": plan.plan_id}, ACTOR, lambda _policy: pytest.fail("no script here"))


def test_a_follow_up_whose_writer_was_killed_is_written_to_its_end_by_the_next_try(world):
    world = again_within_days(world)
    plan = planned(world, "p1", "p2", "p3", "p4")
    for player in ("p2", "p3", "p4"):
        won_more(world, player)
    assert force(world.deps, plan.plan_id, ACTOR).drifted == 3
    follow_up = dry_run(world.deps, TENANT, BackfillMode.FORCE, ACTOR).plan_id
    record_follow_up(world.deps, world.stored(follow_up), plan.plan_id, ACTOR)
    killed_behind_its_first_batch(world, follow_up)
    done = run_forced(world, plan)
    assert done["again"] == {"plan_id": follow_up, "applied": 1, "drifted": 0, "already_applied": 2}
    assert world.stored(follow_up).status is PlanStatus.FORCED
    assert "again" not in run_forced(world, plan)


def test_a_plan_half_way_that_follows_another_one_is_not_the_next_trys_to_write(world):
    world = again_within_days(world)
    plan = planned(world, "p1")
    force(world.deps, plan.plan_id, ACTOR)
    other = planned(world, "p2")
    with world.deps.state.transaction() as state:
        state.plans.set_status(other.plan_id, PlanStatus.FORCING)
    assert "again" not in run_forced(world, plan)
    assert world.stored(other.plan_id).status is PlanStatus.FORCING


def killed_behind_its_first_batch(world: World, plan_id: str) -> None:
    """Three rows in batches of two: the process ends behind the first."""
    world.clock.kill_at_reading = 24 if world.uris is None else 21
    with pytest.raises(Killed):
        force(world.deps, plan_id, ACTOR)
    world.clock.kill_at_reading = None
    assert sorted(world.states(plan_id).values()) == ["applied", "applied", "planned"]


def test_the_follow_up_of_a_second_repair_is_not_written_by_itself(world):
    world = again_within_days(world)
    repaired(world, "p0")
    world.clock.advance(timedelta(hours=1))
    plan = planned(world, "p1", "p2")
    approve(world.deps.state, ApprovalKind.BACKFILL_FORCE, plan, at=world.clock.now())
    won_more(world, "p2")
    assert run_forced(world, plan)["again"]["applied"] == 0


def test_people_are_told_once_with_both_repairs_and_what_wrote_in_between(world):
    world = again_within_days(world)
    first = repaired(world, "p1", "p2")
    world.clock.advance(timedelta(hours=3))
    record_deploy(world.deps, "v2.3", None, "pipeline")
    second = planned(world, "p3")
    review(world.deps, second.plan_id)
    review(world.deps, second.plan_id)
    with pytest.raises(SafetyRefusal):
        force(world.deps, second.plan_id, ACTOR)
    (notice,) = posted(world, "repaired_again")
    assert "Tenant casino_7 is to be repaired again after 1 repair; 0 of its wallets were written before." in notice.summary
    assert [text for label, text in notice.facts if label == "Repair"] == [
        f"2 rows, 20.00 USD at 2026-03-01T12:00:00Z by oncall (plan {first.plan_id})",
        f"1 row, 10.00 USD wanted by plan {second.plan_id} of oncall at 2026-03-01T15:00:00Z",
    ]
    assert [text for label, text in notice.facts if label == "In between"] == [
        "0 ledger rows of 1 players since 2026-03-01T12:00:00Z: none",
        "on record: deploy v2.3 for everyone at 2026-03-01T15:00:00Z",
        "writes that left no ledger row: not known",
    ]
    (entry,) = world.audited("repaired_again")
    assert (entry["earlier"], entry["wallets_again"]) == ([first.plan_id], 0)


def test_the_same_wallet_and_the_ledgers_rows_in_between_are_told(world):
    world = again_within_days(world)
    repaired(world, "p1")
    world.clock.advance(timedelta(hours=3))
    world.platform.set_wallet(TENANT, "p1", 10.0)
    world.clock.advance(-timedelta(hours=1))
    won_more(world, "p1")
    world.clock.advance(timedelta(hours=1))
    plan = planned(world)
    review(world.deps, plan.plan_id)
    (entry,) = world.audited("repaired_again")
    assert entry["wallets_again"] == 1
    assert entry["between"][0] == "1 ledger rows of 1 players since 2026-03-01T12:00:00Z: 1 poker_win success"


def test_a_ledger_that_does_not_answer_is_told_as_not_known(world):
    world = again_within_days(world)
    repaired(world, "p1")
    plan = planned(world, "p2")

    class Away:
        def movements(self, *_: object) -> object:
            raise SourceUnavailable("the platform's database: is away")

    review(replace(world.deps, ledger=Away()), plan.plan_id)
    (entry,) = world.audited("repaired_again")
    assert entry["between"][0] == "the ledger's rows: not known (the platform's database: is away)"


def test_the_question_names_both_repairs_and_why_it_is_asked(world):
    world = again_within_days(world)
    first = repaired(world, "p1")
    second = planned(world, "p2")
    review(world.deps, second.plan_id)
    params = {"tenant_id": TENANT, "operation": "backfill"}
    proposal = backfill_question(world.deps, params, ACTOR, second.plan_id)["proposal"]
    assert "Not written by itself: repaired again: 1 repair of this tenant within 7 days" in proposal
    assert "Repaired again, 0 of its wallets were written before: 1 row, 10.00 USD at 2026-03-01T12:00:00Z" in proposal
    assert f"by oncall (plan {first.plan_id}); then 1 row, 10.00 USD wanted by plan {second.plan_id}" in proposal
    assert "In between: " in proposal


@pytest.mark.postgres
def test_an_edited_plan_hides_no_repair(postgres_world):
    """Who can write guard state gives the first plan to another tenant, and calls it undone."""
    world = again_within_days(postgres_world)
    first = repaired(world, "p1")
    with psycopg.connect(world.uris[1]) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(
            "update ledger_guard.plan set tenant_id = 'other', status = 'undone' where plan_id = %s", [first.plan_id]
        )
    assert review(world.deps, planned(world, "p2").plan_id).needs_approval


def forged(world: World, fact, plan: Plan, verb: str) -> None:
    """An entry without the key's mark, put into the log by somebody who can write guard state."""
    tables = world.deps.state.tables
    sequence, last_hash = tables.audit_head
    entry = chained(sequence + 1, about_plan(plan, fact, actor=ACTOR, at=world.clock.now(), verb=verb), last_hash, None)
    tables.audit[entry.sequence], tables.audit_head = entry, (entry.sequence, entry.entry_hash)


def test_no_entry_without_the_keys_mark_makes_a_repair_undone_or_a_part_of_another(policy):
    world = memory_backfill_world(policy, parse_audit_keys(f"k-1:{'ab' * 32}", "test"))
    world = again_within_days(world)
    first = repaired(world, "p1")
    second = planned(world, "p2")
    forged(world, PlanAdvanced(status=PlanStatus.UNDONE), first, "undo")
    forged(world, RepairFollowed(follows=first.plan_id), second, "follow_up")
    assert review(world.deps, second.plan_id).needs_approval


# --- cool-down --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("later", "asks"),
    [
        pytest.param(timedelta(minutes=60) - SECOND, True, id="below"),
        pytest.param(timedelta(minutes=60), False, id="at"),
        pytest.param(timedelta(minutes=60) + SECOND, False, id="above"),
        pytest.param(-timedelta(minutes=1), True, id="the clock went backwards"),
    ],
)
def test_after_a_repair_a_tenant_cools_down(world, later, asks):
    world = bounded(world, cool_down_minutes=60)
    repaired(world, "p1")
    world.clock.advance(later)
    assert review(world.deps, planned(world, "p2").plan_id).needs_approval is asks


def test_the_cool_down_says_when_it_frees(world):
    world = bounded(world, cool_down_minutes=60)
    first = repaired(world, "p1")
    world.clock.advance(timedelta(minutes=12))
    (said,) = why(world, planned(world, "p2"))
    assert said == (
        "cool-down: 12 min of 1 h since 1 row, 10.00 USD at 2026-03-01T12:00:00Z by oncall "
        f"(plan {first.plan_id}); frees at 2026-03-01T13:00:00Z"
    )


def test_a_plan_that_was_undone_cools_down_too(world):
    world = bounded(world, cool_down_minutes=60)
    first = repaired(world, "p1")
    approve(world.deps.state, ApprovalKind.BACKFILL_UNDO, first)
    undo(world.deps, first.plan_id, ACTOR)
    assert review(world.deps, planned(world).plan_id).needs_approval


def test_an_undo_and_an_approved_plan_are_never_held(world):
    world = bounded(world, cool_down_minutes=60, repaired_again_days=DAYS)
    first = repaired(world, "p1")
    second = planned(world, "p2")
    approve(world.deps.state, ApprovalKind.BACKFILL_FORCE, second)
    assert force(world.deps, second.plan_id, ACTOR).applied == 1
    approve(world.deps.state, ApprovalKind.BACKFILL_UNDO, first)
    assert undo(world.deps, first.plan_id, ACTOR).restored == 1


def test_a_reject_stands_when_the_cool_down_is_over(world):
    """By a force that somebody clears, or starts from the command line."""
    world = bounded(world, cool_down_minutes=60)
    repaired(world, "p1")
    plan = planned(world, "p2")
    approve(world.deps.state, ApprovalKind.BACKFILL_FORCE, plan, answer=Answer.REJECTED)
    world.clock.advance(timedelta(minutes=60))
    with pytest.raises(SafetyRefusal, match="a human was asked about this plan: rejected by payments-lead"):
        force(world.deps, plan.plan_id, ACTOR)
    assert review(world.deps, plan.plan_id).needs_approval, "cleared, the run asks again"
    world.clock.advance(-timedelta(minutes=30))
    approve(world.deps.state, ApprovalKind.BACKFILL_FORCE, plan, at=world.clock.now())
    assert force(world.deps, plan.plan_id, ACTOR).applied == 1


def test_the_follow_up_in_the_same_run_needs_no_cool_down(world):
    world = bounded(world, cool_down_minutes=60)
    plan = planned(world, "p1", "p2")
    won_more(world, "p2")
    assert run_forced(world, plan)["again"]["applied"] == 1


def test_a_plan_begun_while_this_one_waited_is_seen_in_the_transaction_that_begins_it(world):
    """The answer of the review is old by then: another run repaired the tenant meanwhile."""
    world = bounded(world, cool_down_minutes=60)
    plan = planned(world, "p1", "p2")
    other = planned(world)
    assert not review(world.deps, plan.plan_id).needs_approval
    force(world.deps, other.plan_id, ACTOR)
    with pytest.raises(SafetyRefusal, match="cool-down: 0 s of 1 h"):
        force(world.deps, plan.plan_id, ACTOR)


def test_a_plan_whose_status_was_edited_to_begun_cools_down_all_the_same(world):
    world = bounded(world, cool_down_minutes=60)
    repaired(world, "p1")
    plan = planned(world, "p2")
    with world.deps.state.transaction() as state:
        state.plans.set_status(plan.plan_id, PlanStatus.FORCING)
    with pytest.raises(SafetyRefusal, match="cool-down"):
        force(world.deps, plan.plan_id, ACTOR)


# --- settle time ------------------------------------------------------------------------------------------------------


def changed(world: World, fact, scope: str = "*", flag: str = "webhook_signature_enforced") -> None:
    """A flag change on record, as the guard's own run leaves it."""
    with world.deps.state.transaction() as state:
        event = recorded(fact, actor="ledger_guard", subject=f"flag:{flag}@{scope}", at=world.clock.now(), verb=fact.verbs[0])
        state.audit.append(event)


ROLLED_BACK, RESTORED = RolledBack(stage="done"), Restored(stage="done")
INTENDED = FlagWriteIntended(stage="intended", approval_id="a", from_value=True, before={})


@pytest.mark.parametrize("fact", [ROLLED_BACK, RESTORED, INTENDED], ids=["rolled back", "restored", "intended and killed"])
@pytest.mark.parametrize(
    ("later", "asks"),
    [
        pytest.param(timedelta(minutes=30) - SECOND, True, id="below"),
        pytest.param(timedelta(minutes=30), False, id="at"),
        pytest.param(timedelta(minutes=30) + SECOND, False, id="above"),
        pytest.param(-timedelta(minutes=1), True, id="the clock went backwards"),
    ],
)
def test_after_a_flag_change_nothing_is_written_alone_until_it_has_settled(world, fact, later, asks):
    world = bounded(world, settle_minutes=30)
    changed(world, fact)
    world.clock.advance(later)
    assert review(world.deps, planned(world, "p1").plan_id).needs_approval is asks


def test_a_flag_change_between_review_and_force_of_the_follow_up_does_not_fail_what_is_written(world, monkeypatch):
    world = bounded(world, settle_minutes=30)
    plan = planned(world, "p1", "p2")
    won_more(world, "p2")
    write = backfill_run.force

    def late(deps, plan_id: str, actor: str, **claim) -> ForceOutcome:
        if plan_id != plan.plan_id:
            changed(world, ROLLED_BACK)
        return write(deps, plan_id, actor, **claim)

    monkeypatch.setattr(backfill_run, "force", late)
    outcome = run_forced(world, plan)
    assert (outcome["applied"], outcome["again"]["applied"]) == (1, 0)
    assert why(world, world.stored(outcome["again"]["plan_id"]))[0].startswith("settle time")


def test_the_settle_time_says_what_changed_and_when_it_frees(world):
    world = bounded(world, settle_minutes=30)
    changed(world, RESTORED)
    world.clock.advance(timedelta(minutes=5))
    plan = planned(world, "p1")
    expected = (
        "settle time: 5 min of 30 min since webhook_signature_enforced was enabled again for everyone at 2026-03-01T12:00:00Z; "
        "frees at 2026-03-01T12:30:00Z"
    )
    assert why(world, plan) == (expected,)
    with pytest.raises(SafetyRefusal, match="settle time: 5 min of 30 min"):
        force(world.deps, plan.plan_id, ACTOR)


def test_a_change_for_one_tenant_concerns_no_other(world):
    world = bounded(world, settle_minutes=30)
    changed(world, ROLLED_BACK, scope="casino_9")
    assert not review(world.deps, planned(world, "p1").plan_id).needs_approval
    assert review(world.deps, planned(world, "q1", tenant_id="casino_9").plan_id).needs_approval


def test_a_change_past_the_guard_settles_from_when_it_was_noticed(world):
    world = bounded(world, settle_minutes=30)
    fact = ChangedPastTheGuard(
        stage="changed", scopes=("casino_7",), from_value=FlagValue.OFF, to_value=FlagValue.ON, enables=True
    )
    changed(world, fact)
    plan, elsewhere = planned(world, "p1"), planned(world, "q1", tenant_id="casino_9")
    (said,) = why(world, plan)
    assert said.startswith(
        "settle time: 0 s of 30 min since webhook_signature_enforced was changed past the guard for tenant casino_7"
    )
    assert not review(world.deps, elsewhere.plan_id).needs_approval


def test_a_recorded_deploy_settles_for_every_tenant_from_when_it_was_made(world):
    world = bounded(world, settle_minutes=30)
    record_deploy(world.deps, "v2.3", world.clock.now() - timedelta(minutes=10), "pipeline")
    (said,) = why(world, planned(world, "p1"))
    assert said == (
        "settle time: 10 min of 30 min since deploy v2.3 for everyone at 2026-03-01T11:50:00Z; frees at 2026-03-01T12:20:00Z"
    )
    world.clock.advance(timedelta(minutes=20))
    assert not review(world.deps, planned(world).plan_id).needs_approval


def test_a_refused_second_attempt_does_not_end_the_settle_time_of_the_first(world):
    world = bounded(world, settle_minutes=30)
    changed(world, ROLLED_BACK)
    with world.deps.state.transaction() as state:
        refused = FlagWriteFailed(stage="refused", why="no approval")
        about = "flag:webhook_signature_enforced@*"
        state.audit.append(recorded(refused, actor="m", subject=about, at=world.clock.now(), verb="roll_back"))
    assert review(world.deps, planned(world, "p1").plan_id).needs_approval


def test_a_deploy_whose_row_is_deleted_still_settles(world):
    """The row can be edited by whoever can write guard state; the entry can not."""
    world = bounded(world, settle_minutes=30)
    record_deploy(world.deps, "v2.3", None, "pipeline")
    if world.uris:
        with psycopg.connect(world.uris[1]) as connection:
            connection.execute("delete from ledger_guard.deploy")
    assert review(world.deps, planned(world, "p1").plan_id).needs_approval


def test_a_resumed_plan_goes_on_although_something_changed_meanwhile(world):
    world = bounded(world, settle_minutes=30)
    plan = planned(world, "p1")
    fact = about_plan(plan, PlanAdvanced(status=PlanStatus.FORCING), actor=ACTOR, at=world.clock.now(), verb="force")
    with world.deps.state.transaction() as state:
        state.plans.set_status(plan.plan_id, PlanStatus.FORCING)
        state.audit.append(fact)
    changed(world, ROLLED_BACK)
    assert force(world.deps, plan.plan_id, ACTOR).applied == 1
