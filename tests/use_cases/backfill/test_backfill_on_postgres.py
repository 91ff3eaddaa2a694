"""What only a real database can show: locks, sessions, faults between two databases."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from backfill_worlds import ACTOR, NOW, TENANT, FallibleClock, Killed, World, postgres_backfill_world
from psycopg.conninfo import make_conninfo

from ledger_guard.domain.errors import ConcurrentWriterError, LedgerInvariantError, SafetyRefusal, SourceUnavailable
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.plans import BackfillMode, ForceOutcome, Plan, UndoOutcome
from ledger_guard.use_cases.backfill.dry_run import dry_run

pytestmark = pytest.mark.postgres


def five_stale(world: World) -> Plan:
    for number in range(5):
        world.stale(f"p{number}", 20.0 + number, 10.0)
    return dry_run(world.deps, TENANT, BackfillMode.FORCE, ACTOR)


def available(world: World) -> list[float]:
    return [world.platform.wallet(TENANT, f"p{number}")[0] for number in range(5)]


def sql(world: World, which: int, query: str, *values: object):
    with psycopg.connect(world.uris[which]) as connection:
        cursor = connection.execute(query.encode(), values)
        return cursor.fetchall() if cursor.description else []


def runner_with(world: World, *, lock_timeout_milliseconds: int = 300):
    from ledger_guard.adapters.postgres.backfill import PostgresBackfillRunner
    from ledger_guard.adapters.postgres.connection import ConnectionSettings

    policy = world.deps.policy
    platform = policy.platform.model_copy(update={"lock_timeout_milliseconds": lock_timeout_milliseconds})
    settings = [ConnectionSettings.parse(uri, "test") for uri in world.uris]
    return PostgresBackfillRunner(*settings, policy.model_copy(update={"platform": platform}), FallibleClock(NOW))


def test_a_second_writer_of_a_tenant_is_refused_and_other_tenants_are_not(postgres_world):
    from ledger_guard.adapters.postgres.wallet_rows import writer_lock_key

    world = postgres_world
    plan = five_stale(world)
    world.stale("q1", 20.0, 10.0, tenant_id="other_casino")
    other = dry_run(world.deps, "other_casino", BackfillMode.FORCE, ACTOR)
    with psycopg.connect(world.uris[0]) as first_writer:
        first_writer.execute("set application_name to 'a batch of theirs'")
        first_writer.execute("select pg_advisory_lock(%s, 7)", [writer_lock_key(TENANT)])
        said = f"{TENANT}: another backfill.*login postgres, application 'a batch of theirs', process [0-9]+, connected since 20"
        with pytest.raises(ConcurrentWriterError, match=said):
            world.deps.backfill.force(plan.plan_id, ACTOR, 2)
        assert world.deps.backfill.force(other.plan_id, ACTOR, 2) == ForceOutcome(1, 0, 0)
        assert available(world) == [10.0] * 5
    assert world.stored(plan.plan_id).status.value == "planned"


def test_a_login_that_only_reads_cannot_keep_writers_out_by_holding_their_lock(postgres_world):
    from ledger_guard.adapters.postgres.wallet_rows import writer_lock_key

    world = postgres_world
    plan = five_stale(world)
    login = f"reader_{new_id()[:8]}"
    sql(world, 0, f"create role {login} login; grant select on walletbalance to {login}; ")
    with psycopg.connect(make_conninfo(world.uris[0], user=login)) as reader:
        for slot in range(100):
            reader.execute("select pg_advisory_lock(%s, %s)", [writer_lock_key(TENANT), slot])
        reader.commit()
        assert world.deps.backfill.force(plan.plan_id, ACTOR, 2) == ForceOutcome(5, 0, 0)
    sql(world, 0, f"drop owned by {login}; drop role {login}")


def test_of_two_writers_that_begin_at_the_same_moment_not_both_go_on(postgres_world, monkeypatch):
    """The other one takes its lock after this one has looked first."""
    from ledger_guard.adapters.postgres.wallet_rows import WalletRows, writer_lock_key

    world = postgres_world
    plan = five_stale(world)
    look, looks = WalletRows._require_no_other_writer, []
    with psycopg.connect(world.uris[0]) as other:

        def look_just_before_the_other(rows: WalletRows) -> None:
            look(rows)
            if not looks:
                other.execute("select pg_advisory_lock(%s, 7)", [writer_lock_key(TENANT)])
            looks.append(rows)

        monkeypatch.setattr(WalletRows, "_require_no_other_writer", look_just_before_the_other)
        with pytest.raises(ConcurrentWriterError, match=TENANT):
            world.deps.backfill.force(plan.plan_id, ACTOR, 2)
    assert available(world) == [10.0] * 5


def test_the_writer_lock_is_free_again_at_once(postgres_world):
    plan = five_stale(postgres_world)
    for _ in range(5):
        postgres_world.deps.backfill.force(plan.plan_id, ACTOR, 2)


def test_a_row_that_stays_locked_ends_the_run_with_what_was_done_journaled(postgres_world):
    world = postgres_world
    plan = five_stale(world)
    runner = runner_with(world, lock_timeout_milliseconds=20)
    with psycopg.connect(world.uris[0]) as mover:
        mover.execute("select 1 from player where id = 'p3' for update")
        with pytest.raises(SourceUnavailable, match="stayed locked"):
            runner.force(plan.plan_id, ACTOR, 2)
    assert available(world) == [20.0, 21.0, 22.0, 10.0, 10.0]
    assert runner.force(plan.plan_id, ACTOR, 2) == ForceOutcome(2, 0, 3)
    assert available(world) == [20.0, 21.0, 22.0, 23.0, 24.0]


def test_a_wallet_inserted_while_force_runs_is_waited_for_and_left(postgres_world):
    world = postgres_world
    world.platform.set_player(TENANT, "p1", 20.0)
    plan = dry_run(world.deps, TENANT, BackfillMode.FORCE, ACTOR)
    runner = runner_with(world, lock_timeout_milliseconds=30_000)
    outcomes = []
    with psycopg.connect(world.uris[0]) as webhook:
        webhook.execute("insert into walletbalance values (%s, 'p1', 'USD', 5, 0, 0, 0)", [TENANT])
        thread = threading.Thread(target=lambda: outcomes.append(runner.force(plan.plan_id, ACTOR, 2)))
        thread.start()
        while not _somebody_waits(world.uris[0]):
            assert thread.is_alive()
    thread.join(30)
    assert outcomes == [ForceOutcome(0, 1, 0)]
    assert world.platform.wallet(TENANT, "p1") == (5.0, 0.0, 0.0, 0.0)
    assert world.states(plan.plan_id) == {"p1": "drifted"}


def test_a_wallet_that_someone_keeps_inserting_ends_the_run_and_a_later_one_finds_it(postgres_world):
    """The batch is announced by then, where guard state is elsewhere: trying again must not take that for a write."""
    world = postgres_world
    world.platform.set_player(TENANT, "p1", 20.0)
    plan = dry_run(world.deps, TENANT, BackfillMode.FORCE, ACTOR)
    runner = runner_with(world, lock_timeout_milliseconds=20)
    with psycopg.connect(world.uris[0]) as webhook:
        webhook.execute("insert into walletbalance values (%s, 'p1', 'USD', 5, 0, 0, 0)", [TENANT])
        with pytest.raises(SourceUnavailable, match="stayed locked"):
            runner.force(plan.plan_id, ACTOR, 2)
    assert runner.force(plan.plan_id, ACTOR, 2) == ForceOutcome(0, 1, 0)
    assert world.states(plan.plan_id) == {"p1": "drifted"}


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
def test_a_database_that_isolates_more_by_default_makes_no_batch_fail(postgres_world, isolation):
    """Reads that may be repeated would fail wherever the platform was quicker: the writer asks for what it relies on."""
    world = postgres_world
    plan = five_stale(world)
    runner, outcomes = runner_with(world, lock_timeout_milliseconds=30_000), []
    with defaults(world.uris[0], default_transaction_isolation=isolation), psycopg.connect(world.uris[0]) as mover:
        mover.execute("update walletbalance set balance_bonus_available = 1 where player_id = 'p0'")
        thread = threading.Thread(target=lambda: outcomes.append(runner.force(plan.plan_id, ACTOR, 2)))
        thread.start()
        while not _somebody_waits(world.uris[0]):
            assert thread.is_alive()
        mover.commit()
        thread.join(30)
    assert sum((outcomes[0].applied, outcomes[0].drifted)) == 5
    assert available(world)[1:] == [21.0, 22.0, 23.0, 24.0]


@pytest.mark.parametrize("operation", ["force", "undo"])
def test_a_transaction_that_can_not_be_serialized_is_tried_again(postgres_world, operation):
    world = postgres_world
    plan = five_stale(world)
    if operation == "undo":
        world.deps.backfill.force(plan.plan_id, ACTOR, 2)
    sql(
        world,
        0,
        "create sequence if not exists conflicts; create or replace function fail() returns trigger language plpgsql as $$ begin"
        " if nextval('conflicts') <= 3 then raise exception using errcode = 'serialization_failure'; end if; return new;"
        " end $$; create trigger fail before update on walletbalance for each row execute function fail()",
    )
    getattr(world.deps.backfill, operation)(plan.plan_id, ACTOR, 2)
    assert available(world) == ([20.0, 21.0, 22.0, 23.0, 24.0] if operation == "force" else [10.0] * 5)
    assert sql(world, 0, "select last_value > 3 from conflicts; ") == [(True,)]
    sql(world, 0, "drop trigger fail on walletbalance; drop sequence conflicts")


def test_a_batch_is_written_only_in_the_session_that_holds_the_writer_lock(postgres_world, monkeypatch):
    """As if something in between had handed the next transaction to another session."""
    from ledger_guard.adapters.postgres.wallet_rows import WalletRows

    world = postgres_world
    plan = five_stale(world)
    confirmed = WalletRows.require_only_writer

    def lose_it_first(rows: WalletRows) -> None:
        rows._connection.execute("select pg_advisory_unlock_all()")
        confirmed(rows)

    with monkeypatch.context() as patch:
        patch.setattr(WalletRows, "require_only_writer", lose_it_first)
        with pytest.raises(SafetyRefusal, match="lost its writer lock"):
            world.deps.backfill.force(plan.plan_id, ACTOR, 2)
    assert available(world) == [10.0] * 5
    assert world.deps.backfill.force(plan.plan_id, ACTOR, 2) == ForceOutcome(5, 0, 0)


@contextmanager
def defaults(uri: str, **settings: str) -> Iterator[None]:
    """What every new session of the database begins with, unless it asks for something else."""
    with psycopg.connect(uri, autocommit=True) as owner:
        name = psycopg.sql.Identifier(owner.info.dbname)
        for setting, text in settings.items():
            owner.execute(psycopg.sql.SQL("alter database {} set {} = {}").format(name, psycopg.sql.Identifier(setting), text))
        yield
        owner.execute(psycopg.sql.SQL("alter database {} reset all").format(name))


def _somebody_waits(uri: str) -> bool:
    with psycopg.connect(uri, autocommit=True) as observer:
        query = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        return observer.execute(query).fetchone() is not None


def test_force_and_live_moves_end_without_deadlock_and_without_a_lost_move(postgres_world):
    world = postgres_world
    for number in range(40):
        world.stale(f"p{number:02}", 100.0, 90.0)
    plan = dry_run(world.deps, TENANT, BackfillMode.FORCE, ACTOR)
    moves, failures, stop = [], [], threading.Event()

    def move() -> None:
        with psycopg.connect(world.uris[0]) as connection:
            while not stop.is_set() or len(moves) < 40:
                player_id = f"p{len(moves) * 7 % 40:02}"
                try:
                    with connection.transaction():
                        for table, key, column in (
                            ("player", "id", "balance_real_available"),
                            ("walletbalance", "player_id", "balance_real_available"),
                        ):
                            connection.execute(f"select 1 from {table} where {key} = %s for update", [player_id])
                            connection.execute(f"update {table} set {column} = {column} + 1 where {key} = %s", [player_id])
                except psycopg.Error as error:
                    failures.append(error)
                    return
                moves.append(player_id)

    mover = threading.Thread(target=move)
    mover.start()
    outcome = runner_with(world, lock_timeout_milliseconds=5000).force(plan.plan_id, ACTOR, 10)
    stop.set()
    mover.join(60)
    assert failures == []
    assert outcome.applied + outcome.drifted == 40
    for player_id, state in world.states(plan.plan_id).items():
        moved = moves.count(player_id)
        found = world.platform.wallet(TENANT, player_id)
        assert found == ((100.0 if state == "applied" else 90.0) + moved, 0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("disturb", "expected", "state"),
    [
        pytest.param(None, 20.0, "applied", id="nothing happened since: written now"),
        pytest.param(
            "update walletbalance set balance_real_available = 11 where player_id = 'p0'", 11.0, "drifted", id="wallet moved"
        ),
        pytest.param("update player set balance_real_available = 25 where id = 'p0'", 10.0, "drifted", id="player moved"),
    ],
)
def test_a_write_that_was_announced_and_did_not_happen_is_settled_by_what_is_found(postgres_world, disturb, expected, state):
    world = postgres_world
    plan = five_stale(world)
    sql(
        world,
        0,
        "create function fail() returns trigger language plpgsql as $$ begin raise exception 'disk full'; end $$;"
        " create trigger fail before update on walletbalance for each row execute function fail()",
    )
    with pytest.raises(psycopg.Error, match="disk full"):
        world.deps.backfill.force(plan.plan_id, ACTOR, 2)
    assert available(world) == [10.0] * 5
    sql(world, 0, "drop trigger fail on walletbalance")
    if disturb:
        sql(world, 0, disturb)
    world.deps.backfill.force(plan.plan_id, ACTOR, 2)
    assert available(world) == [expected, 21.0, 22.0, 23.0, 24.0]
    assert world.states(plan.plan_id)["p0"] == state


def test_an_announced_write_of_a_killed_force_counts_as_already_applied(postgres_world):
    world = postgres_world
    plan = five_stale(world)
    world.clock.kill_at_reading = 4
    with pytest.raises(Killed):
        world.deps.backfill.force(plan.plan_id, ACTOR, 2)
    is_shared = world.uris[0] == world.uris[1]
    assert world.deps.backfill.force(plan.plan_id, ACTOR, 2) == (ForceOutcome(5, 0, 0) if is_shared else ForceOutcome(3, 0, 2))


def test_a_write_that_came_to_be_before_a_kill_counts_although_someone_moved_the_wallet_since(postgres_world):
    world = postgres_world
    plan = five_stale(world)
    world.clock.kill_at_reading = 4
    with pytest.raises(Killed):
        world.deps.backfill.force(plan.plan_id, ACTOR, 2)
    if available(world)[0] == 10.0:
        return  # where the database is shared, the batch was rolled back whole: there is nothing to tell
    sql(world, 0, "update walletbalance set balance_real_available = balance_real_available + 5.5 where player_id = 'p0'")
    assert world.deps.backfill.force(plan.plan_id, ACTOR, 2) == ForceOutcome(3, 0, 2)
    assert available(world) == [25.5, 21.0, 22.0, 23.0, 24.0]
    assert world.states(plan.plan_id)["p0"] == "applied"


def test_a_before_image_is_durable_before_the_wallet_changes(postgres_world):
    world = postgres_world
    plan = five_stale(world)
    world.clock.kill_at_reading = 4
    with pytest.raises(Killed):
        world.deps.backfill.force(plan.plan_id, ACTOR, 2)
    changed = [f"p{number}" for number, amount in enumerate(available(world)) if amount != 10.0]
    assert set(changed) <= world.images(plan.plan_id, "force").keys()


def test_rows_of_a_progress_set_back_by_hand_are_not_written_again(postgres_world):
    world = postgres_world
    plan = five_stale(world)
    world.deps.backfill.force(plan.plan_id, ACTOR, 2)
    sql(world, 1, "update ledger_guard.backfill_progress set through_player_id = ''")
    sql(world, 1, "update ledger_guard.plan set status = 'forcing'")
    sql(world, 0, "update walletbalance set balance_real_available = 10")
    with pytest.raises(LedgerInvariantError, match="already"):
        world.deps.backfill.force(plan.plan_id, ACTOR, 2)
    assert available(world) == [10.0] * 5


@pytest.mark.parametrize("operation", ["force", "undo"])
def test_in_a_partitioned_table_the_planned_row_alone_is_written_while_it_moves(postgres_world_of_its_own, operation):
    """A place in the table is unique within a partition only: where the row moves to, another tenant's partition has one too."""
    world = postgres_world_of_its_own
    sql(world, 0, _PARTITIONED_BY_TENANT)
    for number in range(60):
        world.platform.set_player("other_casino", f"q{number}", 900.0)
        world.platform.set_wallet("other_casino", f"q{number}", 900.0)
    world.stale("p0", 20.0, 10.0)
    plan = dry_run(world.deps, TENANT, BackfillMode.FORCE, ACTOR)
    runner = runner_with(world, lock_timeout_milliseconds=30_000)
    if operation == "undo":
        runner.force(plan.plan_id, ACTOR, 2)
    outcomes = []
    with psycopg.connect(world.uris[0]) as mover:
        mover.execute("update walletbalance set balance_bonus_available = 1 where player_id = 'p0'")
        place = mover.execute("select ctid from walletbalance where player_id = 'p0'").fetchone()[0]
        there = sql(world, 0, "select player_id from walletbalance where tenant_id = 'other_casino' and ctid = %s::tid", place)
        assert there, "another partition has a row at that place, or the test tests nothing"
        thread = threading.Thread(target=lambda: outcomes.append(getattr(runner, operation)(plan.plan_id, ACTOR, 2)))
        thread.start()
        while not _somebody_waits(world.uris[0]):
            assert thread.is_alive()
    thread.join(30)
    assert outcomes == [ForceOutcome(1, 0, 0) if operation == "force" else UndoOutcome(1, 0)]
    assert world.platform.wallet(TENANT, "p0") == (20.0 if operation == "force" else 10.0, 0.0, 1.0, 0.0)
    others = "select balance_real_available, count(*) from walletbalance where tenant_id = 'other_casino' group by 1"
    assert sql(world, 0, others) == [(900.0, 60)]


_PARTITIONED_BY_TENANT = f"""
    alter table walletbalance rename to whole;
    create table walletbalance (like whole including defaults, primary key (tenant_id, player_id, currency))
        partition by list (tenant_id);
    create table wallets_of_one partition of walletbalance for values in ('{TENANT}');
    create table wallets_of_others partition of walletbalance default;
    drop table whole;
"""


@pytest.fixture(params=["postgres", "two_databases"])
def postgres_world_of_its_own(request, policy, database_uri) -> World:
    """For tests that change the platform's tables."""
    guard_uri = database_uri
    if request.param == "two_databases":
        guard_uri = request.getfixturevalue("second_database_uri")
    world = postgres_backfill_world(policy, database_uri, guard_uri)
    world.platform.add_tenant(TENANT)
    return world


def test_written_rows_carry_the_time_of_the_write_and_others_keep_theirs(postgres_world):
    world = postgres_world
    plan = five_stale(world)
    world.platform.set_player(TENANT, "equal", 1.0)
    world.platform.set_wallet(TENANT, "equal", 1.0)
    world.deps.backfill.force(plan.plan_id, ACTOR, 2)
    rows = sql(
        world, 0, "select player_id, updated_at > now() at time zone 'UTC' - interval '10 minutes' from walletbalance order by 1"
    )
    assert rows == [("equal", False), *((f"p{number}", True) for number in range(5))]


def test_a_database_that_is_away_is_said_to_be_away(postgres_world, postgres_server):
    from ledger_guard.adapters.postgres.backfill import PostgresBackfillRunner
    from ledger_guard.adapters.postgres.connection import ConnectionSettings

    nowhere = ConnectionSettings.parse(postgres_server.uri("no_such_database"), "ledger_db")
    runner = PostgresBackfillRunner(nowhere, nowhere, postgres_world.deps.policy, FallibleClock(NOW))
    with pytest.raises(SourceUnavailable, match="no_such_database"):
        runner.force("7d0f9d52-5b1c-4f5e-9a3d-2f6f1f1f0001", ACTOR, 2)
