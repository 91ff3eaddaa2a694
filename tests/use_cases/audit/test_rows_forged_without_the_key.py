"""A login with every right on guard state, and without the key, makes the guard write nothing; each attack was seen to work."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from tests.use_cases.audit.keyed_worlds import FORGED, KEY, Mallory, ask, covering, keyed_backfill, say_yes
from tests.use_cases.backfill.backfill_worlds import ACTOR, NOW, TENANT, World

from ledger_guard.domain.approvals import Answer, ApprovalAnswer, ApprovalKind, ApprovalRequest
from ledger_guard.domain.attestations import answer_attested, plan_attested, question_attested
from ledger_guard.domain.audit import AuditEvent
from ledger_guard.domain.audit_keys import NO_KEYS, AuditKeys
from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.findings import RowCause, RowReason
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.plan_rows import hash_of_lines, lines_of
from ledger_guard.domain.plans import Plan, PlanStatus, plan_hash
from ledger_guard.sql import statement
from ledger_guard.use_cases.approvals.permission import verify_approval
from ledger_guard.use_cases.backfill.dry_run import dry_run
from ledger_guard.use_cases.backfill.force import force, undo
from ledger_guard.use_cases.backfill.run_platform_script import run_platform_script

pytestmark = pytest.mark.postgres
FORCE = ApprovalKind.BACKFILL_FORCE


@pytest.fixture
def world(database_uri) -> World:
    return keyed_backfill(database_uri)


@pytest.fixture
def mallory(database_uri) -> Mallory:
    return Mallory(database_uri)


def within(world: World) -> Plan:
    world.stale("p1", 20.0, 10.0)
    return dry_run(world.deps, TENANT, "force", ACTOR)


def beyond(world: World) -> Plan:
    """Needs an approval: the ledger does not account for what this wallet holds."""
    world.disputed("p1", 20.0, 33.0)
    return dry_run(world.deps, TENANT, "force", ACTOR)


def assert_nothing_written(world: World, plan_id: str, match: str, holds: float) -> None:
    with pytest.raises(SafetyRefusal, match=match):
        force(world.deps, plan_id, ACTOR)
    with pytest.raises(SafetyRefusal):
        force(world.deps, plan_id, ACTOR)
    wallet = world.platform.wallet(TENANT, "p1")
    assert wallet is not None
    assert wallet[0] == holds
    assert world.images(plan_id, "force") == {}
    assert [detail for detail in world.audited("force") if "refused" in detail]


def question_about(plan: Plan, **changes: object) -> ApprovalRequest:
    given = {
        "approval_id": new_id(),
        "kind": FORCE,
        "subject_id": plan.plan_id,
        "subject_hash": plan.plan_hash,
        "incident_id": None,
        "requested_by": "oncall",
        "approvers": ("payments-lead", "ops-lead"),
        "minimum_reason_characters": 10,
        "requested_at": NOW,
        "expires_at": NOW + timedelta(hours=1),
        "dag_id": "tenant_backfill",
        "run_id": "run-1",
        "task_id": "request_approval",
        **changes,
    }
    return ApprovalRequest(**given)  # type: ignore[arg-type]


def yes_to(request: ApprovalRequest) -> ApprovalAnswer:
    return ApprovalAnswer(request.approval_id, Answer.APPROVED, "payments-lead", NOW, "checked the plan by hand")


def test_the_honest_way_goes_with_the_key(world):
    plan = beyond(world)
    say_yes(world.deps, ask(world.deps, plan))
    verify_approval(world.deps, FORCE, plan.plan_id, plan.plan_hash)
    assert force(world.deps, plan.plan_id, ACTOR).applied == 1
    say_yes(world.deps, ask(world.deps, plan, ApprovalKind.BACKFILL_UNDO, run_id="run-2"))
    assert undo(world.deps, plan.plan_id, ACTOR).restored == 1
    with world.deps.state.snapshot() as state:
        assert not [entry for entry in state.audit.entries() if "unkeyed" in entry.event.detail]


def test_a_key_that_came_behind_another_still_knows_what_the_older_attested(world, database_uri):
    plan = within(world)
    newer = keyed_backfill(database_uri, AuditKeys([KEY, replace(KEY, key_id="2026-04", secret=b"n" * 32)]))
    assert force(newer.deps, plan.plan_id, ACTOR).applied == 1


# --- approvals ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("with_entries", [None, "unmarked", "marked with a key of her own"])
def test_an_inserted_approval_writes_nothing_beyond_the_guardrails(world, mallory, with_entries):
    plan = beyond(world)
    request = question_about(plan)
    with mallory.state.transaction() as state:
        state.approvals.request(request)
        state.approvals.answer(yes_to(request))
    if with_entries:
        subject, key = f"approval:{request.approval_id}", None if with_entries == "unmarked" else FORGED
        mallory.logs(AuditEvent("request_approval", "oncall", subject, covering(question_attested(request)), NOW), key)
        mallory.logs(AuditEvent("record_answer", "payments-lead", subject, covering(answer_attested(yes_to(request))), NOW), key)
    with pytest.raises(SafetyRefusal, match=f"question {request.approval_id}: no audit entry marked with the key covers it"):
        verify_approval(world.deps, FORCE, plan.plan_id, plan.plan_hash)
    match = f"question {request.approval_id}: no audit entry.*answer {request.approval_id}: no audit entry.*ask again"
    assert_nothing_written(world, plan.plan_id, match, 33.0)


def test_an_answer_inserted_to_a_question_that_was_really_asked_writes_nothing(world, mallory):
    plan = beyond(world)
    approval_id = ask(world.deps, plan)
    with mallory.state.transaction() as state:
        state.approvals.answer(yes_to(state.approvals.get(approval_id).request))
    assert_nothing_written(world, plan.plan_id, f"answer {approval_id}: no audit entry marked with the key covers it", 33.0)


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("approvers", "update ledger_guard.approval set approvers = '{payments-lead,oncall}'"),
        ("expires_at", "update ledger_guard.approval set expires_at = expires_at + interval '1 day'"),
        ("minimum_reason_characters", "update ledger_guard.approval set minimum_reason_characters = 1"),
        ("requested_by", "update ledger_guard.approval set requested_by = 'nobody'"),
        ("is_break_glass", "update ledger_guard.approval set is_break_glass = true"),
        ("incident_state", "update ledger_guard.approval set incident_state = 'T1 mild'"),
        ("run_id", "update ledger_guard.approval set run_id = 'another'"),
    ],
)
def test_an_edited_question_writes_nothing_and_is_reported_by_its_column(world, mallory, column, text):
    plan = beyond(world)
    approval_id = ask(world.deps, plan)
    say_yes(world.deps, approval_id)
    mallory.runs(text)
    assert_nothing_written(world, plan.plan_id, f"question {approval_id}: {column} differs from audit entry 2.*ask again", 33.0)


def test_an_approval_carried_over_to_a_newer_plan_writes_nothing(world, mallory):
    older = beyond(world)
    approval_id = ask(world.deps, older)
    say_yes(world.deps, approval_id)
    newer = dry_run(world.deps, TENANT, "force", ACTOR)
    mallory.runs(
        "update ledger_guard.approval set subject_id = %s, subject_hash = %s where approval_id = %s",
        *(newer.plan_id, newer.plan_hash, approval_id),
    )
    assert_nothing_written(world, newer.plan_id, f"question {approval_id}: subject_id differs from audit entry", 33.0)


def test_a_question_that_was_asked_again_is_not_brought_back_by_its_row(world, mallory):
    plan = beyond(world)
    first = ask(world.deps, plan)
    say_yes(world.deps, first)
    second = ask(world.deps, plan)
    mallory.runs("update ledger_guard.approval set voided = true where approval_id = %s", second)
    mallory.runs("update ledger_guard.approval set voided = false where approval_id = %s", first)
    assert_nothing_written(world, plan.plan_id, f"question {first}: the gate has asked again since", 33.0)


# --- plans --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("with_entry", [None, "unmarked", "marked with a key of her own"])
def test_an_inserted_plan_with_a_hash_of_its_own_erases_no_protected_deposit(world, mallory, with_entry):
    world.credited("p1", 20.0, 50.0)
    world.stale("p2", 20.0, 10.0)
    honest = world.stored(dry_run(world.deps, TENANT, "force", ACTOR).plan_id)
    erased = replace(
        honest.rows[0],
        player_id="p1",
        cause=RowCause.STALE_WALLET,
        reason=RowReason.ACCOUNTED,
        player_available=2_000,
        wallet_available=7_000,
        target_available=2_000,
        opening=0,
        wallet_only=0,
        player_only=0,
    )
    own_hash = plan_hash(
        TENANT,
        honest.mode,
        honest.currency,
        hash_of_lines(lines_of([erased])),
        honest.flag_state,
        policy_hash=honest.policy_hash,
    )
    forged = replace(honest, plan_id=new_id(), plan_hash=own_hash, rows=(erased,))
    with mallory.state.transaction() as state:
        state.plans.add(forged)
    if with_entry:
        detail, key = covering(plan_attested(forged)), None if with_entry == "unmarked" else FORGED
        mallory.logs(AuditEvent("dry_run", ACTOR, f"plan:{forged.plan_id}", detail, NOW, tenant_id=TENANT), key)
    match = f"plan {forged.plan_id}: no audit entry marked with the key covers it.*make a new dry-run"
    assert_nothing_written(world, forged.plan_id, match, 70.0)
    with pytest.raises(SafetyRefusal, match=match):
        world.deps.backfill.force(forged.plan_id, ACTOR, 100)


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("players", "update ledger_guard.plan set players = 1000000"),
        ("guardrails_exceeded", "update ledger_guard.plan set guardrails_exceeded = '{a trigger that nobody knows}'"),
        ("expires_at", "update ledger_guard.plan set expires_at = expires_at + interval '1 day'"),
        ("requested_by", "update ledger_guard.plan set requested_by = 'nobody'"),
        ("counts", "update ledger_guard.plan set counts = jsonb_set(counts, '{missing}', '99')"),
        ("created_at, expires_at", "update ledger_guard.plan set created_at = now(), expires_at = now()"),
    ],
)
def test_an_edited_plan_writes_nothing_and_is_reported_by_its_columns(world, mallory, column, text):
    plan = within(world)
    mallory.runs(text)
    match = f"plan {plan.plan_id}: {column} differs from audit entry 1: the row was edited since; make a new dry-run"
    assert_nothing_written(world, plan.plan_id, match, 10.0)
    with pytest.raises(SafetyRefusal, match=match):
        world.deps.backfill.force(plan.plan_id, ACTOR, 100)


def test_a_plan_beyond_the_guardrails_edited_to_be_within_them_writes_nothing(database_uri, mallory):
    world = keyed_backfill(database_uri, max_share_of_players=0.5)
    plan = within(world)
    assert plan.guardrails_exceeded
    mallory.runs("update ledger_guard.plan set players = 1000000, guardrails_exceeded = '{}'")
    assert_nothing_written(world, plan.plan_id, "guardrails_exceeded, players differs from audit entry 1", 10.0)


def test_a_plan_that_expired_and_was_given_more_time_writes_nothing(world, mallory):
    plan = within(world)
    world.clock.advance(plan.expires_at - NOW + timedelta(minutes=1))
    mallory.runs("update ledger_guard.plan set expires_at = expires_at + interval '1 day'")
    assert_nothing_written(world, plan.plan_id, "expires_at differs from audit entry 1", 10.0)


class ScriptThatMustNotStart:
    """The platform's script, where nothing but its check is called."""

    def check(self) -> None: ...


def test_an_edited_plan_starts_no_script_of_the_platforms(world, mallory):
    plan = within(world)
    mallory.runs("update ledger_guard.plan set players = 1000000")
    with pytest.raises(SafetyRefusal, match="players differs from audit entry 1"):
        run_platform_script(world.deps, ScriptThatMustNotStart(), None, plan.plan_id, ACTOR)  # type: ignore[arg-type]


def test_an_edited_plan_is_not_undone(world, mallory):
    plan = beyond(world)
    say_yes(world.deps, ask(world.deps, plan))
    force(world.deps, plan.plan_id, ACTOR)
    say_yes(world.deps, ask(world.deps, plan, ApprovalKind.BACKFILL_UNDO, run_id="run-2"))
    mallory.runs("update ledger_guard.plan set requested_by = 'nobody'")
    with pytest.raises(SafetyRefusal, match="requested_by differs from audit entry"):
        undo(world.deps, plan.plan_id, ACTOR)
    with pytest.raises(SafetyRefusal, match="requested_by differs from audit entry"):
        world.deps.backfill.undo(plan.plan_id, ACTOR, 100)
    assert world.platform.wallet(TENANT, "p1")[0] == 20.0


def test_an_inserted_approval_undoes_nothing(world, mallory):
    plan = within(world)
    force(world.deps, plan.plan_id, ACTOR)
    request = question_about(plan, kind=ApprovalKind.BACKFILL_UNDO)
    with mallory.state.transaction() as state:
        state.approvals.request(request)
        state.approvals.answer(yes_to(request))
    with pytest.raises(SafetyRefusal, match=f"question {request.approval_id}: no audit entry"):
        undo(world.deps, plan.plan_id, ACTOR)
    assert world.stored(plan.plan_id).status is PlanStatus.FORCED


# --- from before, and without a key -------------------------------------------------------------------------------


def as_before_the_upgrade(world: World, plan: Plan) -> Plan:
    """The same plan under another id, whose marked entry attests nothing, as entries did not."""
    earlier = replace(world.stored(plan.plan_id), plan_id=new_id())
    with world.deps.state.transaction() as state:
        state.plans.add(earlier)
        state.audit.append(AuditEvent("dry_run", ACTOR, f"plan:{earlier.plan_id}", {"plan_hash": earlier.plan_hash}, NOW))
    return earlier


def test_a_plan_from_before_the_upgrade_is_refused_with_what_to_do(world):
    earlier = as_before_the_upgrade(world, within(world))
    match = "audit entry 2 is from an older version and does not cover the whole row; make a new dry-run"
    assert_nothing_written(world, earlier.plan_id, match, 10.0)


def test_an_approval_from_before_the_upgrade_is_refused_with_what_to_do(world):
    plan = beyond(world)
    request = question_about(plan)
    with world.deps.state.transaction() as state:
        state.approvals.request(request)
        state.approvals.answer(yes_to(request))
        for verb in ("request_approval", "record_answer"):
            state.audit.append(AuditEvent(verb, "oncall", f"approval:{request.approval_id}", {"kind": FORCE.value}, NOW))
    match = "question .* is from an older version and does not cover the whole row; ask again.*answer .* ask again"
    assert_nothing_written(world, plan.plan_id, match, 33.0)


def test_a_plan_from_before_the_first_key_is_refused_with_what_to_do(world, database_uri):
    unkeyed = keyed_backfill(database_uri, NO_KEYS)
    assert_nothing_written(world, within(unkeyed).plan_id, "no audit entry marked with the key covers it.*new dry-run", 10.0)


def test_without_a_key_rows_are_taken_at_their_word_and_each_write_says_unkeyed(database_uri, mallory):
    world = keyed_backfill(database_uri, NO_KEYS)
    plan = beyond(world)
    request = question_about(plan)
    with mallory.state.transaction() as state:
        state.approvals.request(request)
        state.approvals.answer(yes_to(request))
    assert force(world.deps, plan.plan_id, ACTOR).applied == 1
    said = [detail for verb in ("dry_run", "force") for detail in world.audited(verb) if verb == "dry_run" or "status" in detail]
    assert len(said) == 3
    assert all(detail["unkeyed"] is True for detail in said)


def test_what_a_marked_entry_attests_is_found_without_reading_the_log(world, database_uri):
    asked = {
        "subject": "plan:1",
        "kind": "rotation",
        "verbs": ["dry_run"],
        "flag": "f",
        "verb": "freeze",
        "tenant_id": "t",
        "since": None,
        "before": 9,
        "limit": 1,
    }
    with psycopg.connect(database_uri) as connection:
        connection.execute("set enable_seqscan = off")
        for name in ("about", "of_flag", "of_kind"):
            query = statement(f"guard/select_audit_entries_{name}")
            plan = "\n".join(row[0] for row in connection.execute(f"explain {query}".encode(), asked).fetchall())
            assert "audit_entry_by_subject" in plan
            assert "Index Cond: " in plan
        query = statement("guard/select_newest_audit_entries_of_tenant")
        plan = "\n".join(row[0] for row in connection.execute(f"explain {query}".encode(), asked).fetchall())
        assert "audit_entry_by_tenant_and_verb" in plan
