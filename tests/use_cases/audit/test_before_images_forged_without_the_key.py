"""An approved undo gives back what force found, and nothing that a login without the key put among the before-images."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest
from tests.use_cases.audit.keyed_worlds import FORGED, KEYS, Mallory, ask, keyed_backfill, say_yes
from tests.use_cases.backfill.backfill_worlds import (
    ACTOR,
    NOW,
    TENANT,
    Killed,
    World,
    memory_backfill_world,
    postgres_backfill_world,
)

from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.attested_images import images_of
from ledger_guard.domain.audit import AuditEvent
from ledger_guard.domain.audit_keys import NO_KEYS
from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.plans import Plan, PlanStatus
from ledger_guard.domain.wallet_writes import WalletWrite
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.backfill.dry_run import dry_run
from ledger_guard.use_cases.backfill.force import force, undo

pytestmark = pytest.mark.postgres

#: what mallory's image says stood in a wallet before: what she wants to have there
WANTED = 1_000_000.0
IMAGE = """
    insert into ledger_guard.before_image (plan_id, operation, tenant_id, player_id, currency, before_available, before_pending,
        after_available, after_pending, actor, written_at, platform_transaction)
    values (%s, %s, 'casino_7', %s, %s, %s, 0, %s, 0, 'ledger_guard', now(), %s)
"""


@pytest.fixture(params=["one database", "two databases"])
def world(request, database_uri) -> World:
    """A tenant whose guard has a key; batches of two rows."""
    if request.param == "one database":
        return keyed_backfill(database_uri)
    return two_databases(request, database_uri)


def two_databases(request, database_uri) -> World:
    shipped = load_policy()
    guardrails = shipped.guardrails.model_copy(update={"batch_rows": 2, "max_share_of_players": 1.0})
    policy = shipped.model_copy(update={"guardrails": guardrails})
    world = postgres_backfill_world(policy, database_uri, request.getfixturevalue("second_database_uri"), KEYS)
    world.platform.add_tenant(TENANT)
    return world


@pytest.fixture
def mallory(world) -> Mallory:
    return Mallory(world.uris[1])


def planned(world: World) -> Plan:
    for number in range(4):
        world.stale(f"p{number}", 20.0 + number, 10.0)
    world.stale("p9", 50.0, 50.0)  # right: in no plan
    return dry_run(world.deps, TENANT, "force", ACTOR)


def forced(world: World) -> Plan:
    plan = planned(world)
    assert force(world.deps, plan.plan_id, ACTOR).applied == 4
    return plan


def agreed(world: World, plan: Plan) -> None:
    say_yes(world.deps, ask(world.deps, plan, ApprovalKind.BACKFILL_UNDO, run_id="run-2"))


def available(world: World) -> dict[str, float]:
    return {player: world.platform.wallet(TENANT, player)[0] for player in ("p0", "p1", "p2", "p3", "p9")}


def edited_by_the_owner(world: World, text: str, *values: object) -> None:
    """Before-images are append-only; who owns the database gets around that."""
    with psycopg.connect(world.uris[1]) as connection:
        connection.execute("set session_replication_role = replica")
        assert connection.execute(text.encode(), values).rowcount > 0


def assert_not_undone(world: World, plan: Plan, match: str) -> None:
    before = available(world)
    for attempt in (lambda: undo(world.deps, plan.plan_id, ACTOR), lambda: world.deps.backfill.undo(plan.plan_id, ACTOR, 100)):
        with pytest.raises(SafetyRefusal, match=match):
            attempt()
    assert available(world) == before
    assert any("refused" in detail for detail in world.audited("undo"))


def test_the_honest_undo_gives_back_what_stood_there_over_many_batches(world):
    plan = forced(world)
    agreed(world, plan)
    assert undo(world.deps, plan.plan_id, ACTOR).restored == 4
    assert set(available(world).values()) == {10.0, 50.0}
    assert world.stored(plan.plan_id).status is PlanStatus.UNDONE


def test_an_undo_after_a_resumed_force_with_a_drifted_row_goes_through(world):
    plan = planned(world)
    world.platform.set_wallet(TENANT, "p1", 11.0)
    world.clock.kill_at_reading = 4
    with pytest.raises(Killed):
        world.deps.backfill.force(plan.plan_id, ACTOR, 2)
    force(world.deps, plan.plan_id, ACTOR)
    agreed(world, plan)
    assert undo(world.deps, plan.plan_id, ACTOR).kept == 0
    assert available(world) == {"p0": 10.0, "p1": 11.0, "p2": 10.0, "p3": 10.0, "p9": 50.0}


def test_a_killed_undo_goes_on(world):
    plan = forced(world)
    agreed(world, plan)
    world.clock.kill_at_reading = 5
    with pytest.raises(Killed):
        world.deps.backfill.undo(plan.plan_id, ACTOR, 2)
    undo(world.deps, plan.plan_id, ACTOR)
    assert set(available(world).values()) == {10.0, 50.0}


@pytest.mark.parametrize(
    ("player", "currency", "holds"),
    [
        pytest.param("p9", "USD", 50.0, id="a player who is in no plan"),
        pytest.param("p2", "EUR", 22.0, id="a second image of a written wallet, in another currency"),
        pytest.param("p10", "USD", 1.0, id="between the players of a batch"),
    ],
)
def test_an_inserted_before_image_pays_nothing_out(world, mallory, player, currency, holds):
    plan = forced(world)
    if player == "p10":
        world.platform.set_player(TENANT, player, 1.0)
        world.platform.set_wallet(TENANT, player, 1.0)
    agreed(world, plan)
    mallory.runs(IMAGE, plan.plan_id, "force", player, currency, WANTED, holds, None)
    assert_not_undone(world, plan, f"plan {plan.plan_id}: .*guard state was edited since; nothing is undone: .* new dry-run")


@pytest.mark.parametrize(
    "text",
    [
        "update ledger_guard.before_image set before_available = 1000000 where player_id = 'p2'",
        "update ledger_guard.before_image set before_available = 10.000000000000002 where player_id = 'p2'",
        "update ledger_guard.before_image set before_available = null where player_id = 'p2'",
        "update ledger_guard.before_image set after_available = 99 where player_id = 'p2'",
        "update ledger_guard.before_image set player_id = 'p9', after_available = 50 where player_id = 'p2'",
        "update ledger_guard.before_image set player_id = 'p22' where player_id = 'p2'",
        "delete from ledger_guard.before_image where player_id = 'p2'",
    ],
)
def test_a_before_image_altered_by_the_databases_owner_refuses_the_undo_and_says_which_plan(database_uri, text):
    world = keyed_backfill(database_uri)
    plan = forced(world)
    agreed(world, plan)
    edited_by_the_owner(world, text)
    assert_not_undone(world, plan, f"plan {plan.plan_id}: before-images of players after 'p1' up to 'p3' differ from audit entry")


def test_a_written_row_that_was_marked_left_alone_refuses_the_undo(world, mallory):
    plan = forced(world)
    agreed(world, plan)
    mallory.runs(
        "insert into ledger_guard.row_left_alone (plan_id, operation, player_id, currency, left_at)"
        " values (%s, 'force', 'p0', 'USD', now())",
        plan.plan_id,
    )
    assert_not_undone(world, plan, "before-images of players after '' up to 'p1' differ from audit entry")


def test_a_plan_that_was_never_forced_is_not_undone_by_an_image_and_a_status(world, mallory):
    plan = planned(world)
    agreed(world, plan)
    mallory.runs("update ledger_guard.plan set status = 'forced' where plan_id = %s", plan.plan_id)
    mallory.runs(IMAGE, plan.plan_id, "force", "p0", "USD", WANTED, 10.0, None)
    assert_not_undone(world, plan, "1 before-images are stored, but marked audit entries cover 0")


@pytest.mark.parametrize("key", [None, FORGED])
def test_an_entry_of_her_own_attests_nothing(world, mallory, key):
    plan = forced(world)
    agreed(world, plan)
    mallory.runs(IMAGE, plan.plan_id, "force", "p9", "USD", WANTED, 50.0, None)
    digest = images_of([WalletWrite("p9", (WANTED, 0.0), (50.0, 0.0))]).digest
    detail = {"applied": 1, "drifted": 0, "after_player_id": "p3", "last_player_id": "p9", "images": digest}
    mallory.logs(AuditEvent("force", ACTOR, f"plan:{plan.plan_id}", detail, NOW, tenant_id=TENANT), key)
    assert_not_undone(world, plan, "5 before-images are stored, but marked audit entries cover 4")


def test_a_plan_forced_before_the_upgrade_is_not_undone_and_says_what_to_do(world):
    plan = forced(world)
    agreed(world, plan)
    detail = {"applied": 1, "drifted": 0, "after_player_id": "p3", "last_player_id": "p9"}
    with world.deps.state.transaction() as state:
        state.audit.append(AuditEvent("force", ACTOR, f"plan:{plan.plan_id}", detail, NOW, tenant_id=TENANT))
    assert_not_undone(world, plan, "from an older version and does not cover before-images; .* new dry-run")


# --- what a killed run is said to have announced ------------------------------------------------------------------


@pytest.mark.parametrize("with_entry", [None, "unmarked", "marked with a key of her own"])
def test_a_write_that_an_undo_is_said_to_have_announced_is_not_made(request, database_uri, with_entry):
    world = two_databases(request, database_uri)
    mallory, plan = Mallory(world.uris[1]), forced(world)
    agreed(world, plan)
    mallory.runs(IMAGE, plan.plan_id, "undo", "p0", "USD", 20.0, WANTED, "1")
    if with_entry:
        images = images_of([WalletWrite("p0", (20.0, 0.0), (WANTED, 0.0))])
        detail = {"announced": images.rows, "images": images.digest, "transaction": "1"}
        entry = AuditEvent("undo", ACTOR, f"plan:{plan.plan_id}", detail, NOW, tenant_id=TENANT)
        mallory.logs(entry, None if with_entry == "unmarked" else FORGED)
    assert_not_undone(world, plan, f"plan {plan.plan_id}: undo finds 1 writes that a run announced .*no marked audit entry")


def test_a_write_that_a_force_is_said_to_have_announced_is_neither_settled_nor_undone(request, database_uri):
    """Settled, it would be in the guard's own marked entry, and an undo would pay it out."""
    world = two_databases(request, database_uri)
    mallory, plan = Mallory(world.uris[1]), planned(world)
    world.clock.kill_at_reading = 2
    with pytest.raises(Killed):
        world.deps.backfill.force(plan.plan_id, ACTOR, 2)
    mallory.runs("update ledger_guard.plan set status = 'forcing' where plan_id = %s", plan.plan_id)
    mallory.runs(IMAGE, plan.plan_id, "force", "p0", "USD", WANTED, 10.0, None)
    agreed(world, plan)
    assert_not_undone_by_force(world, plan)


def assert_not_undone_by_force(world: World, plan: Plan) -> None:
    before = available(world)
    for attempt in (world.deps.backfill.force, world.deps.backfill.undo):
        with pytest.raises(SafetyRefusal, match="force finds 1 writes that a run announced"):
            attempt(plan.plan_id, ACTOR, 100)
    assert available(world) == before
    assert any("refused" in detail for detail in world.audited("force"))


def test_the_transaction_of_an_announced_batch_is_covered_too(request, database_uri):
    world = two_databases(request, database_uri)
    plan = planned(world)
    world.clock.kill_at_reading = 4
    with pytest.raises(Killed):
        world.deps.backfill.force(plan.plan_id, ACTOR, 2)
    edited_by_the_owner(world, "update ledger_guard.before_image set platform_transaction = '7'")
    with pytest.raises(SafetyRefusal, match="no marked audit entry announces them"):
        force(world.deps, plan.plan_id, ACTOR)


# --- in memory, and without a key ---------------------------------------------------------------------------------


def test_in_memory_an_altered_image_refuses_the_undo_too():
    world = memory_backfill_world(load_policy(), KEYS)
    for number in range(20):
        world.stale(f"p{number:02}", 20.0, 10.0 if number < 3 else 20.0)
    plan = dry_run(world.deps, TENANT, "force", ACTOR)
    world.deps.backfill.force(plan.plan_id, ACTOR, 2)
    images = world.deps.backfill.before_images
    key = (plan.plan_id, "force", "p01")
    honest, images[key] = images[key], replace(images[key], before=(WANTED, 0.0))
    with pytest.raises(SafetyRefusal, match="before-images of players after '' up to 'p01' differ from audit entry"):
        world.deps.backfill.undo(plan.plan_id, ACTOR, 2)
    assert "refused" in world.audited("undo")[-1]
    images[key] = honest
    assert world.deps.backfill.undo(plan.plan_id, ACTOR, 2).restored == 3


def test_without_a_key_images_are_taken_at_their_word(database_uri):
    world = keyed_backfill(database_uri, NO_KEYS)
    plan = forced(world)
    agreed(world, plan)
    Mallory(world.uris[1]).runs(IMAGE, plan.plan_id, "force", "p9", "USD", WANTED, 50.0, None)
    undo(world.deps, plan.plan_id, ACTOR)
    assert available(world)["p9"] == WANTED


def test_a_digest_tells_images_apart_whose_ids_hold_what_others_values_look_like():
    one = images_of([WalletWrite("a - -\n1:b", None, None)])
    two = images_of([WalletWrite("a", None, None), WalletWrite("b", None, None)])
    assert one.digest != two.digest
