"""What each database role may do, table by table, and that the guard's work goes with these rights alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import psycopg
import pytest
from psycopg import sql
from tests.adapters.guard_state.samples import NOON, an_event
from tests.flag_writes import compare_and_set
from tests.triggers import T3, TRIGGERS

from ledger_guard import wiring
from ledger_guard.adapters.postgres.roles import ROLE_NAMES, roles_sql
from ledger_guard.connections import backfill_settings
from ledger_guard.domain.audit import first_fault
from ledger_guard.domain.plans import BackfillMode
from ledger_guard.entrypoints.cli.main import main
from ledger_guard.policy.loader import load_policy
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.backfill.dry_run import dry_run
from ledger_guard.use_cases.health_check.sense import is_ready, sense

READ, NOTHING = {"select"}, set()
RIGHTS = ("select", "insert", "update", "delete", "truncate", "references", "trigger")
ADD, KEEP = {"select", "insert"}, {"select", "insert", "update"}
PLATFORM = {
    "tenant": {"reader": READ, "backfill": READ, "guard": NOTHING},
    "player": {"reader": READ, "backfill": READ, "guard": NOTHING},
    "walletbalance": {"reader": READ, "backfill": {*KEEP, "delete"}, "guard": NOTHING},
    "ledgertransaction": {"reader": READ, "backfill": READ, "guard": NOTHING},
    "transaction": {"reader": READ, "backfill": READ, "guard": NOTHING},
    "rollout_flag": {"reader": READ, "backfill": READ, "guard": KEEP},
}
#: where the guard's role may do other than select, insert and update, or the backfill's other than read
GUARD_ROLE = {
    "audit_head": {"select", "update"},
    "schema_version": READ,
    "plan_row_state": READ,
    "kept_verdict": ADD,
    **{
        table: {*KEEP, "delete"}
        for table in ("signal_window", "verdict", "engine_checkpoint", "judged_window", "followed_log", "standing_mismatch")
    },
}
BACKFILL_ROLE = {
    **dict.fromkeys(("plan_row", "before_image", "row_left_alone", "audit_entry", "seen_opening"), ADD),
    **dict.fromkeys(("plan", "backfill_progress", "backfill_steering", "writer_lease"), KEEP),
    "audit_head": {"select", "update"},
}

pytestmark = pytest.mark.postgres


@dataclass(frozen=True)
class Logins:
    """One database whose roles are set up, by what they are for."""

    owner: str
    reader: str
    backfill: str
    guard: str


@pytest.fixture
def logins(database_uri) -> Logins:
    """A database of the test's own."""
    return with_roles(database_uri)


@pytest.fixture(scope="module")
def shared_logins(postgres_server, migrated_template) -> Logins:
    """One database for all tests in which everything is refused or only looked at."""
    found = with_roles(postgres_server.create_database("role_tests", template=migrated_template))
    with psycopg.connect(found.owner) as connection:
        connection.execute("update ledger_guard.audit_head set sequence = 1")
    return found


def with_roles(uri: str) -> Logins:
    with psycopg.connect(uri, autocommit=True) as connection:
        for _ in range(2):
            connection.execute(roles_sql(load_policy(), ROLE_NAMES))
    uris = {what: uri.replace("//postgres@", f"//{name}@") for what, name in ROLE_NAMES.items()}
    return Logins(uri, **uris)


def rights(owner: str, role: str, table: str) -> set[str]:
    with psycopg.connect(owner) as connection:
        query = "select has_table_privilege(%s, %s, %s)"
        return {right for right in RIGHTS if connection.execute(query, [role, table, right]).fetchone() == (True,)}


def guard_tables(owner: str) -> dict[str, bool]:
    """Every table and view of guard state, and whether it is append-only."""
    with psycopg.connect(owner) as connection:
        return dict(
            connection.execute("""
                select relname, exists (
                    select from pg_trigger join pg_proc on pg_proc.oid = tgfoid
                    where tgrelid = pg_class.oid and proname = 'refuse_change' and tgtype & 16 > 0)
                from pg_class where relnamespace = 'ledger_guard'::regnamespace and relkind in ('r', 'v', 'p', 'm')
            """).fetchall()
        )


def test_every_table_of_the_platform_by_every_role(shared_logins):
    found = {table: {what: rights(shared_logins.owner, name, table) for what, name in ROLE_NAMES.items()} for table in PLATFORM}
    assert found == PLATFORM
    with psycopg.connect(shared_logins.owner) as connection:
        columns = connection.execute(
            "select column_name from information_schema.column_privileges"
            " where grantee = %s and table_name = 'player' and privilege_type = 'UPDATE'",
            [ROLE_NAMES["backfill"]],
        ).fetchall()
    assert columns == [("id",)], "the one right that locking a row takes"


def test_every_table_of_guard_state_by_every_role(shared_logins):
    for table, is_append_only in guard_tables(shared_logins.owner).items():
        expected = {
            "reader": READ,
            "backfill": BACKFILL_ROLE.get(table, READ),
            "guard": GUARD_ROLE.get(table, ADD if is_append_only else KEEP),
        }
        found = {what: rights(shared_logins.owner, name, f"ledger_guard.{table}") for what, name in ROLE_NAMES.items()}
        assert found == expected, f"{table}: bring sql/roles and this matrix in line"


@pytest.mark.parametrize("what", ROLE_NAMES)
@pytest.mark.parametrize(
    "text",
    [
        "update ledger_guard.audit_entry set actor = 'nobody'",
        "delete from ledger_guard.audit_entry",
        "truncate ledger_guard.audit_entry",
        "delete from ledger_guard.audit_head",
        "drop trigger audit_entry_is_append_only on ledger_guard.audit_entry",
        "alter table ledger_guard.audit_entry disable trigger all",
        "drop table ledger_guard.audit_entry",
        "create or replace function ledger_guard.refuse_change() returns trigger language plpgsql as 'begin return null; end'",
        "set session_replication_role = replica",
        "create table ledger_guard.mine ()",
    ],
)
def test_no_role_gets_around_the_append_only_audit_log(shared_logins, what, text):
    with psycopg.connect(getattr(shared_logins, what)) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(text)


@pytest.mark.parametrize("what", ["backfill", "guard"])
@pytest.mark.parametrize("sequence", [0, 1, 3])
def test_no_role_sets_the_end_of_the_log_back_or_ahead(shared_logins, what, sequence):
    refused = pytest.raises(psycopg.errors.RaiseException, match="moves on by one entry")
    with psycopg.connect(getattr(shared_logins, what)) as connection, refused:
        connection.execute("update ledger_guard.audit_head set sequence = %s", [sequence])


def test_a_superuser_or_the_owner_is_refused_as_a_role(database_uri):
    with psycopg.connect(database_uri, autocommit=True) as connection:
        connection.execute(sql.SQL("drop role if exists the_boss; create role the_boss login superuser"))
        with pytest.raises(psycopg.errors.RaiseException, match="role the_boss is a superuser"):
            connection.execute(roles_sql(load_policy(), {**ROLE_NAMES, "guard": "the_boss"}))


def test_the_command_prints_it_under_the_names_given_and_refuses_others(capsys):
    assert main(["db", "roles", "--reader", "eyes", "--part", "platform"]) == 0
    text = capsys.readouterr().out
    assert 'grant select on "public"."tenant", "public"."player"' in text
    assert '"eyes"' in text
    assert "audit_entry" not in text
    for wrong in ("Eyes", "x; drop table player", ""):
        assert main(["db", "roles", "--reader", wrong]) == 2
    assert main(["db", "roles", "--reader", "same", "--guard", "same"]) == 2
    assert capsys.readouterr().err.count("\n") == 4


# --- the work goes with these rights alone ------------------------------------------------------------------------


def opened(monkeypatch, platform: str, guard: str, **others: str) -> Dependencies:
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER_DB", platform)
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER_GUARD_DB", guard)
    for name, uri in others.items():
        monkeypatch.setenv(f"AIRFLOW_CONN_LEDGER_DB_{name.upper()}", uri)
    return wiring.open_dependencies()


def fill(owner: str) -> None:
    """A tenant of two players, of whom one has a stale wallet and one has none."""
    texts = (
        "insert into tenant (id, name) values ('tenant-a', 'A')",
        """insert into player (id, tenant_id, username, email, balance_real, balance_bonus, balance_real_available,
        balance_real_held) values ('p-1', 'tenant-a', 'u', 'e', 10, 0, 10, 0), ('p-2', 'tenant-a', 'u', 'e', 5, 0, 5, 0)""",
        "insert into walletbalance values ('tenant-a', 'p-1', 'USD', 4, 0, 0, 0)",
        # the wallet never got a hand of poker
        """insert into ledgertransaction (id, tenant_id, player_id, type, direction, amount, status)
           values ('l-1', 'tenant-a', 'p-1', 'poker_win', 'credit', 6, 'success')""",
        "insert into ledger_guard.source_watermark values ('access_event', now(), now())",
    )
    with psycopg.connect(owner) as connection:
        for text in texts:
            connection.execute(text)


def test_sensing_works_with_the_reader_alone_on_the_platform_and_cannot_write(logins, monkeypatch):
    fill(logins.owner)
    deps = opened(monkeypatch, "postgresql://nobody@/nowhere?host=/nowhere", logins.guard, reader=logins.reader)
    for trigger in TRIGGERS:
        assert is_ready(deps, trigger)
        assert sense(deps, trigger).windows > 0
    with deps.state.snapshot() as state:
        now = datetime.now(timezone.utc)
        found = state.readings.readings(T3, now - timedelta(hours=1), now)
    assert [(each.tenant_id, each.exposure) for each in found] == [("tenant-a", 2)]
    for table in ("player", "walletbalance", "ledgertransaction", "rollout_flag", "tenant"):
        with psycopg.connect(logins.reader) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(sql.SQL("delete from {}").format(sql.Identifier(table)))


def test_the_backfill_role_plans_forces_and_takes_back_alone(logins, monkeypatch):
    fill(logins.owner)
    deps = opened(monkeypatch, logins.backfill, logins.backfill)
    plan_force_and_undo(deps, logins)


def test_with_a_connection_for_each_role_a_backfill_is_still_one_transaction(logins, monkeypatch):
    fill(logins.owner)
    deps = opened(monkeypatch, logins.guard, logins.guard, reader=logins.reader, backfill=logins.backfill)
    plan_force_and_undo(deps, logins)
    assert backfill_settings()[0] == backfill_settings()[1]


def test_with_a_key_in_the_environment_every_writer_marks_its_entries(logins, monkeypatch):
    fill(logins.owner)
    monkeypatch.setenv("LEDGER_GUARD_AUDIT_KEY", "2026-01:" + "1f" * 32)
    deps = opened(monkeypatch, logins.guard, logins.guard, reader=logins.reader, backfill=logins.backfill)
    plan_force_and_undo(deps, logins)
    with deps.state.snapshot() as state:
        assert {entry.key_id for entry in state.audit.entries()} == {"2026-01"}
        assert first_fault(state.audit.entries(), *state.audit.head(), wiring.audit_keys()) is None


def plan_force_and_undo(deps: Dependencies, logins: Logins) -> None:
    plan = dry_run(deps, "tenant-a", BackfillMode.FORCE, "anna")
    assert deps.backfill.force(plan.plan_id, "anna", 100).applied == 2
    assert wallets(logins.owner) == [("p-1", 10.0), ("p-2", 5.0)]
    assert deps.backfill.undo(plan.plan_id, "anna", 100).restored == 2
    assert wallets(logins.owner) == [("p-1", 4.0)]
    with deps.state.snapshot() as state:
        assert first_fault(state.audit.entries(), *state.audit.head()) is None


def wallets(owner: str) -> list:
    with psycopg.connect(owner) as connection:
        return connection.execute("select player_id, balance_real_available from walletbalance order by player_id").fetchall()


@pytest.mark.parametrize(
    "text",
    [
        "update player set balance_real_available = 1",
        "insert into ledgertransaction select * from ledgertransaction",
        "update ledgertransaction set amount = 1",
        "update rollout_flag set is_enabled = false",
        "insert into ledger_guard.approval_answer select * from ledger_guard.approval_answer",
        "update ledger_guard.freeze set lifted_at = now()",
        "delete from ledger_guard.before_image",
    ],
)
def test_the_backfill_role_touches_no_player_ledger_flag_approval_or_freeze(shared_logins, text):
    with psycopg.connect(shared_logins.backfill) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(text)


def test_the_guard_role_writes_flags_and_no_wallet(logins, monkeypatch):
    deps = opened(monkeypatch, logins.guard, logins.guard)
    seen = deps.flags.get("ledger_enforce_balance", "*")
    assert compare_and_set(deps.flags, seen, True, "anna", "a reason of its own").is_enabled
    with psycopg.connect(logins.guard) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("update walletbalance set balance_real_available = 1")


def test_the_guard_role_keeps_all_of_guard_state(logins, monkeypatch):
    deps = opened(monkeypatch, logins.guard, logins.guard)
    with deps.state.transaction() as state:
        state.audit.append(an_event(1, at=NOON))
        assert state.audit.head()[0] == 1
