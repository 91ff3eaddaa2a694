"""A dry-run never says that something can be written which force could not, or which the platform would change under way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import pytest
from backfill_worlds import ACTOR, NOW, TENANT, FallibleClock, World, approve, postgres_backfill_world

from ledger_guard.adapters.postgres.backfill import PostgresBackfillRunner
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.roles import ROLE_NAMES, roles_sql
from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.errors import SafetyRefusal, SourceUnavailable
from ledger_guard.domain.plans import BackfillMode, ForceOutcome, UndoOutcome
from ledger_guard.domain.writability import ObstacleKind, WriteKind, WriteObstacle
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.backfill.dry_run import dry_run
from ledger_guard.use_cases.backfill.force import force, undo

WALLET = "public.walletbalance"
INSERT, UPDATE, DELETE = WriteKind.INSERT, WriteKind.UPDATE, WriteKind.DELETE
EVERY = {INSERT, UPDATE, DELETE}
TRIGGER = WriteObstacle(ObstacleKind.HAS_TRIGGER, WALLET, "round_up", frozenset({UPDATE}))
VIEW = WriteObstacle(ObstacleKind.NOT_A_TABLE, WALLET, "view", frozenset(EVERY))


@pytest.fixture
def one_stale(memory: World) -> World:
    memory.stale("p1", 20.0, 10.0)
    return memory


def obstacle(kind: ObstacleKind, *stops: WriteKind) -> WriteObstacle:
    return WriteObstacle(kind, WALLET, "it", frozenset(stops))


# --- what the obstacles mean ---------------------------------------------------------------------------------------


def test_a_dry_run_refuses_what_could_never_be_written_and_stores_no_plan(one_stale):
    one_stale.deps.backfill.in_the_way = [VIEW]
    with pytest.raises(SafetyRefusal, match=f"tenant {TENANT}: wallets can't be written: {WALLET} is a view"):
        dry_run(one_stale.deps, TENANT, BackfillMode.FORCE, ACTOR)
    with one_stale.deps.state.transaction() as state:
        assert state.plans.latest(TENANT) is None


def test_every_obstacle_is_named_at_once(one_stale):
    one_stale.deps.backfill.in_the_way = [obstacle(ObstacleKind.NO_UNIQUE_KEY, *EVERY), obstacle(ObstacleKind.HAS_RULE, UPDATE)]
    with pytest.raises(SafetyRefusal, match=r"unique key.*; .*has rule"):
        dry_run(one_stale.deps, TENANT, BackfillMode.FORCE, ACTOR)


def test_a_dry_run_with_nothing_to_write_is_not_refused(memory):
    memory.deps.backfill.in_the_way = [VIEW]
    memory.credited("p1", 10.0, 5.0)
    assert dry_run(memory.deps, TENANT, BackfillMode.FORCE, ACTOR).counts.protected == 1


@pytest.mark.parametrize(
    ("stops", "mode", "is_refused"),
    [
        pytest.param(INSERT, BackfillMode.FORCE, False, id="nothing is to be made"),
        pytest.param(DELETE, BackfillMode.FORCE, False, id="nothing that is made could be taken back"),
        pytest.param(UPDATE, BackfillMode.FORCE, True, id="a wallet is to be changed"),
        pytest.param(UPDATE, BackfillMode.CREATE_MISSING, False, id="changes are left out by the mode"),
    ],
)
def test_only_what_stops_the_writes_of_this_very_plan_counts(one_stale, stops, mode, is_refused):
    one_stale.deps.backfill.in_the_way = [obstacle(ObstacleKind.MISSING_RIGHT, stops)]
    if is_refused:
        with pytest.raises(SafetyRefusal):
            dry_run(one_stale.deps, TENANT, mode, ACTOR)
    else:
        dry_run(one_stale.deps, TENANT, mode, ACTOR)


@pytest.mark.parametrize("stops", [INSERT, DELETE])
def test_a_wallet_is_made_only_where_it_could_be_taken_back_too(memory, stops):
    memory.platform.set_player(TENANT, "p1", 20.0)
    memory.deps.backfill.in_the_way = [obstacle(ObstacleKind.MISSING_RIGHT, stops)]
    with pytest.raises(SafetyRefusal):
        dry_run(memory.deps, TENANT, BackfillMode.CREATE_MISSING, ACTOR)


def test_a_trigger_is_a_reason_to_ask_a_human(one_stale):
    one_stale.deps.backfill.in_the_way = [TRIGGER]
    plan = dry_run(one_stale.deps, TENANT, BackfillMode.FORCE, ACTOR)
    assert plan.guardrails_exceeded == (TRIGGER.sentence,)
    with pytest.raises(SafetyRefusal, match=r"needs an approval .*trigger round_up"):
        force(one_stale.deps, plan.plan_id, ACTOR)
    approve(one_stale.deps.state, ApprovalKind.BACKFILL_FORCE, plan)
    assert force(one_stale.deps, plan.plan_id, ACTOR) == ForceOutcome(1, 0, 0)


def test_a_trigger_that_the_policy_names_is_none(one_stale):
    one_stale.deps.backfill.in_the_way = [TRIGGER]
    platform = one_stale.deps.policy.platform
    wallet = platform.wallet.model_copy(update={"known_triggers": ("round_up",)})
    policy = one_stale.deps.policy.model_copy(update={"platform": platform.model_copy(update={"wallet": wallet})})
    assert dry_run(one_stale.with_policy(policy).deps, TENANT, BackfillMode.FORCE, ACTOR).within_guardrails


@pytest.mark.parametrize(("found", "words"), [(TRIGGER, "since the dry-run"), (VIEW, "can't be written")])
def test_what_came_in_the_way_since_the_dry_run_stops_force_and_is_on_record(one_stale, found, words):
    plan = dry_run(one_stale.deps, TENANT, BackfillMode.FORCE, ACTOR)
    one_stale.deps.backfill.in_the_way = [found]
    with pytest.raises(SafetyRefusal, match=words):
        force(one_stale.deps, plan.plan_id, ACTOR)
    assert one_stale.platform.wallet(TENANT, "p1") == (10.0, 0.0, 0.0, 0.0)
    assert words in one_stale.audited("force")[-1]["refused"]


def test_undo_is_stopped_by_what_stops_it_and_not_by_what_stops_new_wallets(one_stale):
    plan = dry_run(one_stale.deps, TENANT, BackfillMode.FORCE, ACTOR)
    force(one_stale.deps, plan.plan_id, ACTOR)
    approve(one_stale.deps.state, ApprovalKind.BACKFILL_UNDO, plan)
    one_stale.deps.backfill.in_the_way = [VIEW]
    with pytest.raises(SafetyRefusal, match="can't be written"):
        undo(one_stale.deps, plan.plan_id, ACTOR)
    one_stale.deps.backfill.in_the_way = [obstacle(ObstacleKind.NEEDS_VALUE, INSERT)]
    assert undo(one_stale.deps, plan.plan_id, ACTOR) == UndoOutcome(1, 0)


# --- what the catalogue of a database shows --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def catalogue(postgres_server, migrated_template) -> str:
    """A database in which every test puts its change back."""
    uri = postgres_server.create_database("write_obstacles", template=migrated_template)
    with psycopg.connect(uri, autocommit=True) as owner:
        owner.execute(roles_sql(load_policy(), ROLE_NAMES))
        owner.execute("create function nothing() returns trigger language plpgsql as 'begin return new; end'")
    return uri


def found_by(uri: str) -> dict[ObstacleKind, tuple[str, frozenset[WriteKind]]]:
    settings = ConnectionSettings.parse(uri, "ledger_db")
    obstacles = PostgresBackfillRunner(settings, settings, load_policy(), FallibleClock(NOW)).obstacles()
    return {each.kind: (each.subject, each.stops) for each in obstacles}


@contextmanager
def changed(uri: str, there: str, back: str) -> Iterator[None]:
    with psycopg.connect(uri, autocommit=True) as owner:
        owner.execute(there.encode())
        try:
            yield
        finally:
            owner.execute(back.encode())


@dataclass(frozen=True)
class Case:
    """A change to the platform's tables, how it goes back, and what is found meanwhile."""

    there: str
    back: str
    found: dict[ObstacleKind, tuple[str, set[WriteKind]]]


_AS_VIEW = "alter table walletbalance rename to kept; create view walletbalance as select * from kept"
_ASIDE = "alter table walletbalance rename to kept; create table walletbalance (like kept including defaults"
_BACK = "drop table walletbalance; alter table kept rename to walletbalance"
_DROP = "drop trigger t on walletbalance"

CASES = {
    "as the platform makes it": Case("", "", {}),
    "a view": Case(
        _AS_VIEW,
        "drop view walletbalance; alter table kept rename to walletbalance",
        {ObstacleKind.NOT_A_TABLE: ("view", EVERY)},
    ),
    "a foreign table": Case(
        "create foreign data wrapper w; create server s foreign data wrapper w; alter table walletbalance rename to kept;"
        " create foreign table walletbalance (tenant_id varchar, player_id varchar, currency varchar,"
        " balance_real_available float8, balance_real_pending float8, balance_bonus_available float8,"
        " balance_bonus_pending float8, updated_at timestamp) server s",
        "drop foreign data wrapper w cascade; alter table kept rename to walletbalance",
        {ObstacleKind.NOT_A_TABLE: ("foreign table", EVERY)},
    ),
    "a materialized view of players, whose rows nobody can lock": Case(
        "alter table player rename to kept; create materialized view player as select * from kept",
        "drop materialized view player; alter table kept rename to player",
        {ObstacleKind.NOT_A_TABLE: ("materialized view", EVERY)},
    ),
    "no unique key": Case(f"{_ASIDE})", _BACK, {ObstacleKind.NO_UNIQUE_KEY: ("tenant_id, player_id, currency", EVERY)}),
    "a unique key of one column more": Case(
        f"{_ASIDE}, unique (tenant_id, player_id, currency, updated_at))",
        _BACK,
        {ObstacleKind.NO_UNIQUE_KEY: ("tenant_id, player_id, currency", EVERY)},
    ),
    "a unique key that may be checked later": Case(
        f"{_ASIDE}, unique (tenant_id, player_id, currency) deferrable)",
        _BACK,
        {ObstacleKind.NO_UNIQUE_KEY: ("tenant_id, player_id, currency", EVERY)},
    ),
    "a unique key for some rows only": Case(
        f"{_ASIDE}); create unique index on walletbalance (tenant_id, player_id, currency) where currency = 'USD'",
        _BACK,
        {ObstacleKind.NO_UNIQUE_KEY: ("tenant_id, player_id, currency", EVERY)},
    ),
    "a unique index in another order will do": Case(
        f"{_ASIDE}); create unique index on walletbalance (currency, player_id, tenant_id) include (updated_at)", _BACK, {}
    ),
    "partitions will do": Case(
        f"{_ASIDE}, primary key (tenant_id, player_id, currency)) partition by list (tenant_id);"
        " create table rest partition of walletbalance default",
        _BACK,
        {},
    ),
    "a trigger on one partition only": Case(
        f"{_ASIDE}, primary key (tenant_id, player_id, currency)) partition by list (tenant_id);"
        " create table rest partition of walletbalance default;"
        " create trigger t before update on rest for each row execute function nothing()",
        _BACK,
        {ObstacleKind.HAS_TRIGGER: ("t", {UPDATE})},
    ),
    "a table that inherits": Case(
        "create table heir () inherits (walletbalance)", "drop table heir", {ObstacleKind.HAS_HEIRS: ("heir", EVERY)}
    ),
    "one more column without a default": Case(
        "alter table walletbalance add version int not null",
        "alter table walletbalance drop version",
        {ObstacleKind.NEEDS_VALUE: ("version", {INSERT})},
    ),
    "one more column that fills itself": Case(
        "alter table walletbalance add version int not null default 1, add serial int generated always as identity,"
        " add note text",
        "alter table walletbalance drop version, drop serial, drop note",
        {},
    ),
    "one more column that a trigger fills": Case(
        "alter table walletbalance add version int not null;"
        " create trigger t before insert on walletbalance for each row execute function nothing()",
        f"{_DROP}; alter table walletbalance drop version",
        {ObstacleKind.HAS_TRIGGER: ("t", {INSERT})},
    ),
    "a column that is computed": Case(
        "alter table walletbalance drop balance_bonus_pending, add balance_bonus_pending float8 generated always as (0) stored",
        "alter table walletbalance drop balance_bonus_pending, add balance_bonus_pending float8 not null default 0",
        {ObstacleKind.IS_GENERATED: ("balance_bonus_pending", {INSERT})},
    ),
    "a rule": Case(
        "create rule never as on update to walletbalance do instead nothing",
        "drop rule never on walletbalance",
        {ObstacleKind.HAS_RULE: ("never", {INSERT, UPDATE})},
    ),
    "a trigger": Case(
        "create trigger t before insert or update on walletbalance for each row execute function nothing()",
        _DROP,
        {ObstacleKind.HAS_TRIGGER: ("t", {INSERT, UPDATE})},
    ),
    "a trigger after the fact may still refuse": Case(
        "create trigger t after delete on walletbalance for each statement execute function nothing()",
        _DROP,
        {ObstacleKind.HAS_TRIGGER: ("t", {DELETE})},
    ),
    "a trigger on a column that is never written": Case(
        "create trigger t before update of currency on walletbalance for each row execute function nothing()", _DROP, {}
    ),
    "a trigger on a column that is written": Case(
        "create trigger t before update of balance_real_pending on walletbalance for each row execute function nothing()",
        _DROP,
        {ObstacleKind.HAS_TRIGGER: ("t", {UPDATE})},
    ),
    "a trigger that is off": Case(
        "create trigger t before update on walletbalance for each row execute function nothing();"
        " alter table walletbalance disable trigger t",
        _DROP,
        {},
    ),
}


@pytest.mark.postgres
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_platforms_tables(catalogue, case):
    with changed(catalogue, case.there, case.back):
        found = found_by(catalogue)
    assert found == {kind: (subject, frozenset(stops)) for kind, (subject, stops) in case.found.items()}


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("right", "subject", "stops"),
    [
        ("delete on walletbalance", "may not delete from it", {DELETE}),
        ("insert on walletbalance", "may not insert balance_bonus_available, ", {INSERT}),
        ("update on walletbalance", "may not update balance_real_available, balance_real_pending, updated_at", {UPDATE}),
        ("select on player", "may not select balance_bonus, balance_real_available, balance_real_held, id, tenant_id", EVERY),
        ("update (id) on player", "may not lock its rows", EVERY),
    ],
)
def test_a_right_that_the_writers_login_lacks(catalogue, right, subject, stops):
    role = ROLE_NAMES["backfill"]
    writer = catalogue.replace("//postgres@", f"//{role}@")
    assert found_by(writer) == {}
    with changed(catalogue, f"revoke {right} from {role}", f"grant {right} to {role}"):
        found = found_by(writer)
    assert found.keys() == {ObstacleKind.MISSING_RIGHT}
    assert f"{role} {subject}" in found[ObstacleKind.MISSING_RIGHT][0]
    assert found[ObstacleKind.MISSING_RIGHT][1] == stops


@pytest.mark.postgres
@pytest.mark.parametrize("table", ["player", "walletbalance"])
def test_rows_that_are_hidden_from_the_writers_login(catalogue, table):
    role = ROLE_NAMES["backfill"]
    hidden = changed(
        catalogue, f"alter table {table} enable row level security", f"alter table {table} disable row level security"
    )
    with hidden:
        assert found_by(catalogue.replace("//postgres@", f"//{role}@")) == {ObstacleKind.ROW_SECURITY: (role, frozenset(EVERY))}
        assert found_by(catalogue) == {}, "whom row security does not bind is told of nothing"


@pytest.mark.postgres
def test_a_database_that_somebody_closed_for_writes_is_not_written(postgres_world):
    world = postgres_world
    world.stale("p1", 20.0, 10.0)
    plan = dry_run(world.deps, TENANT, BackfillMode.FORCE, ACTOR)
    name = psycopg.conninfo.conninfo_to_dict(world.uris[0])["dbname"]
    closed = changed(
        world.uris[0],
        f"alter database {name} set default_transaction_read_only = on",
        f"set default_transaction_read_only = off; alter database {name} reset all",
    )
    with closed, pytest.raises(SourceUnavailable, match=r"default_transaction_read_only is 'on'.*somebody wants no writes"):
        world.deps.backfill.force(plan.plan_id, ACTOR, 2)
    assert world.platform.wallet(TENANT, "p1") == (10.0, 0.0, 0.0, 0.0)


@pytest.mark.postgres
def test_a_plan_for_a_view_is_refused_on_a_database_too(database_uri):
    world = postgres_backfill_world(load_policy(), database_uri, database_uri)
    world.stale("p1", 20.0, 10.0)
    with changed(database_uri, _AS_VIEW, ""), pytest.raises(SafetyRefusal, match=r"public\.walletbalance is a view"):
        dry_run(world.deps, TENANT, BackfillMode.FORCE, ACTOR)
