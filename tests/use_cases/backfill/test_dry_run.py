"""dry_run: what the stored plan says, and when it is within the guardrails."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from backfill_worlds import ACTOR, NOW, TENANT, World

from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.findings import RowCause
from ledger_guard.domain.plans import BackfillMode, CentTotals, PlanRow, write_totals
from ledger_guard.policy.guardrails import exceeded_guardrails
from ledger_guard.use_cases.backfill.dry_run import dry_run
from ledger_guard.use_cases.backfill.review import review


def mixed(world: World) -> None:
    world.platform.set_player(TENANT, "missing", 5.0)
    world.stale("low", 20.0, 10.0)
    world.stale("high", 20.0, 23.0)
    world.credited("credited", 20.0, 50.0)
    world.doubtful("doubtful", 20.0, 33.0)


def test_the_plan_is_stored_as_it_was_returned(world):
    mixed(world)
    plan = dry_run(world.deps, TENANT, "force", ACTOR)
    stored = world.stored(plan.plan_id)
    assert replace(stored, rows=()) == plan
    assert [row.player_id for row in stored.rows] == sorted(row.player_id for row in stored.rows)
    assert plan.cents == CentTotals(created=500, increased=1000, decreased=300, bonus_lost=700)
    assert (plan.counts.missing, plan.counts.stale_wallet, plan.counts.unexplained, plan.players) == (1, 2, 1, 5)
    assert plan.counts.protected == 1
    assert plan.expires_at == NOW + timedelta(minutes=world.deps.policy.guardrails.plan_valid_minutes)
    assert plan.flag_state == {"ledger_enforce_balance": False, "webhook_signature_enforced": False}
    states = {"missing": "planned", "low": "planned", "high": "planned", "doubtful": "set_aside"}
    assert world.states(plan.plan_id) == states, "a wallet that is right has no row, whatever the player row says"


def test_a_dry_run_writes_nothing_on_the_platform(world):
    mixed(world)
    before = {player: world.platform.wallet(TENANT, player) for player in ("missing", "low", "high", "credited", "doubtful")}
    dry_run(world.deps, TENANT, "force", ACTOR)
    assert {player: world.platform.wallet(TENANT, player) for player in before} == before


def test_the_same_data_gives_the_same_hash_and_other_data_another(world):
    mixed(world)
    first, again = (dry_run(world.deps, TENANT, "force", ACTOR) for _ in range(2))
    assert first.plan_hash == again.plan_hash
    assert first.plan_id != again.plan_id
    world.platform.set_wallet(TENANT, "low", 10.01)
    assert dry_run(world.deps, TENANT, "force", ACTOR).plan_hash != first.plan_hash


@pytest.mark.parametrize("mode", ["force", "create-missing"])
def test_the_bonus_that_players_of_created_wallets_lose_is_counted(world, mode):
    for player_id in ("first", "second"):
        world.platform.set_player(TENANT, player_id, 5.0)  # each with a bonus of 7
    world.stale("has a wallet", 20.0, 10.0)
    plan = dry_run(world.deps, TENANT, mode, ACTOR)
    assert (plan.counts.missing_with_bonus, plan.cents.bonus_lost) == (2, 1400)
    assert world.stored(plan.plan_id).cents.bonus_lost == 1400


def test_flags_belong_to_what_is_hashed(memory):
    mixed(memory)
    before = dry_run(memory.deps, TENANT, "force", ACTOR)
    memory.deps.flags.put("ledger_enforce_balance", TENANT, True)
    after = dry_run(memory.deps, TENANT, "force", ACTOR)
    assert after.flag_state["ledger_enforce_balance"] is True
    assert after.plan_hash != before.plan_hash


def test_a_dry_run_is_on_the_audit_log(memory):
    mixed(memory)
    plan = dry_run(memory.deps, TENANT, "force", ACTOR)
    [entry] = memory.audited("dry_run")
    assert (entry["plan_hash"], entry["mode"], entry["counts"]["protected"]) == (plan.plan_hash, "force", 1)


@pytest.mark.parametrize(
    "tenant_id",
    [
        "",
        "%",
        "casino_%",
        "a' or '1'='1",
        "casino 7",
        "x" * 10_000,
        "unknown_casino",
        "CASINO_7",
        None,
        "../casino_7",
        "casino_7\n",
    ],
    ids=lambda tenant_id: repr(tenant_id)[:20],
)
def test_a_tenant_id_that_names_no_tenant_is_refused_and_nothing_is_stored(world, tenant_id):
    mixed(world)
    with pytest.raises(BadInputError, match="tenant"):
        dry_run(world.deps, tenant_id, "force", ACTOR)
    assert world.audited("dry_run") == []


def test_the_refusal_of_an_unknown_tenant_names_some_that_exist(memory):
    with pytest.raises(BadInputError, match=f"tenant nobody: is unknown to the platform; allowed: {TENANT}"):
        dry_run(memory.deps, "nobody", "force", ACTOR)


def test_an_unknown_mode_or_incident_is_refused(world):
    with pytest.raises(BadInputError, match="allowed: create-missing, force"):
        dry_run(world.deps, TENANT, "everything", ACTOR)
    with pytest.raises(BadInputError):
        dry_run(world.deps, TENANT, "force", ACTOR, incident_id="7d0f9d52-5b1c-4f5e-9a3d-2f6f1f1f0001")
    assert world.audited("dry_run") == []


def stale_row(delta: int, cause: RowCause = RowCause.STALE_WALLET) -> PlanRow:
    return PlanRow("p", "USD", cause, 1000 + delta, 0, 1000, 0, 1000 + delta, 0)


@pytest.mark.parametrize(
    ("limit", "rows", "players", "exceeded"),
    [
        pytest.param({"max_rows": 2}, [stale_row(1)] * 2, 100, (), id="rows at the limit"),
        pytest.param({"max_rows": 2}, [stale_row(1)] * 3, 100, ("rows 3 > max_rows 2",), id="rows above"),
        pytest.param(
            {"max_rows": 0, "max_disputed_rows": 0},
            [stale_row(1, cause) for cause in (RowCause.PROTECTED, RowCause.UNEXPLAINED, RowCause.UNREADABLE)],
            100,
            (),
            id="rows that are never written don't count",
        ),
        pytest.param({"max_share_of_players": 0.25}, [stale_row(1)] * 25, 100, (), id="share at the limit"),
        pytest.param(
            {"max_share_of_players": 0.25},
            [stale_row(1)] * 26,
            100,
            ("share_of_players 0.26 > max_share_of_players 0.25",),
            id="share above",
        ),
        pytest.param({"max_total_delta_cents": 30}, [stale_row(10), stale_row(-20)], 100, (), id="total at the limit"),
        pytest.param(
            {"max_total_delta_cents": 29},
            [stale_row(10), stale_row(-20)],
            100,
            ("total_delta_cents 30 > max_total_delta_cents 29",),
            id="total above: ups and downs do not cancel out",
        ),
        pytest.param({"max_single_delta_cents": 20}, [stale_row(-20)], 100, (), id="single at the limit"),
        pytest.param(
            {"max_single_delta_cents": 19},
            [stale_row(-20)],
            100,
            ("single_delta_cents 20 > max_single_delta_cents 19",),
            id="single above",
        ),
        pytest.param(
            {"max_single_delta_cents": 19},
            [PlanRow("p", "USD", RowCause.STALE_WALLET, 1000, 0, 990, 10, 1000, 0)],
            100,
            ("single_delta_cents 20 > max_single_delta_cents 19",),
            id="money moved from pending to available counts",
        ),
        pytest.param({"max_disputed_rows": 2}, [stale_row(1, RowCause.DISPUTED)] * 2, 100, (), id="disputed at the limit"),
        pytest.param(
            {"max_disputed_rows": 1},
            [stale_row(1, RowCause.DISPUTED), stale_row(1, RowCause.LOST_UPDATE)],
            100,
            ("disputed_rows 2 > max_disputed_rows 1",),
            id="disputed and lost updates above",
        ),
    ],
)
def test_guardrails_below_at_and_above_their_limit(memory, limit, rows, players, exceeded):
    wide = {"max_rows": 10**6, "max_total_delta_cents": 10**9, "max_single_delta_cents": 10**9, "max_share_of_players": 1.0}
    guardrails = memory.deps.policy.guardrails.model_copy(update={**wide, **limit})
    assert exceeded_guardrails(guardrails, write_totals(rows), players) == exceeded


def test_review_lets_a_small_plan_pass_by_itself(world):
    mixed(world)
    found = review(world.deps, dry_run(world.deps, TENANT, "force", ACTOR).plan_id)
    assert (found.is_empty, found.needs_approval, found.why) == (False, False, ("within the guardrails",))


def test_review_asks_for_a_human_beyond_the_guardrails(world):
    world.disputed("odd", 20.0, 33.0)
    found = review(world.deps, dry_run(world.deps, TENANT, "force", ACTOR).plan_id)
    assert (found.needs_approval, found.why) == (True, ("disputed_rows 1 > max_disputed_rows 0",))


def test_review_asks_for_a_human_where_the_policy_always_wants_one(memory):
    mixed(memory)
    guardrails = memory.deps.policy.guardrails.model_copy(update={"force_without_approval": False})
    strict = memory.with_policy(memory.deps.policy.model_copy(update={"guardrails": guardrails}))
    found = review(strict.deps, dry_run(strict.deps, TENANT, "force", ACTOR).plan_id)
    assert (found.needs_approval, found.why) == (True, ("the policy's force_without_approval is false",))


def test_review_of_a_plan_with_nothing_to_write_is_empty(memory):
    memory.credited("credited", 20.0, 50.0)
    memory.doubtful("doubtful", 20.0, 33.0)
    found = review(memory.deps, dry_run(memory.deps, TENANT, "force", ACTOR).plan_id)
    assert (found.is_empty, found.needs_approval) == (True, False)


def test_review_holds_the_rows_themselves_against_the_guardrails_and_not_the_stored_sentences(memory):
    memory.disputed("odd", 20.0, 33.0)
    plan = dry_run(memory.deps, TENANT, BackfillMode.FORCE, ACTOR)
    plans = memory.deps.state.tables.plans
    plans[plan.plan_id] = replace(plans[plan.plan_id], guardrails_exceeded=())
    assert review(memory.deps, plan.plan_id).needs_approval
