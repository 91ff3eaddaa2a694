"""A database that would show some rows only refuses: nothing is ever counted over what is left."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import psycopg
import pytest
from tests.triggers import T3

from ledger_guard.adapters.clocks.system import SystemClock
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.ledger import PostgresLedgerStore
from ledger_guard.adapters.postgres.roles import ROLE_NAMES, roles_sql
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.plans import BackfillMode
from ledger_guard.domain.windows import Window
from ledger_guard.policy.loader import load_policy
from ledger_guard.wiring import signal_sources

pytestmark = pytest.mark.postgres

POLICY, READER = load_policy(), ROLE_NAMES["reader"]
WINDOW = Window.containing(datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc), timedelta(minutes=5))


@pytest.fixture(scope="module")
def owner(platform_uri) -> Iterator[psycopg.Connection]:
    """A tenant of two players, one of whom has a wallet that differs, as a platform that isolates tenants keeps it."""
    with psycopg.connect(platform_uri, autocommit=True) as connection:
        connection.execute(roles_sql(POLICY, ROLE_NAMES))
        connection.execute("insert into tenant (id, name) values ('tenant-a', 'A')")
        connection.execute(
            """insert into player (id, tenant_id, username, email, balance_real, balance_bonus, balance_real_available,
            balance_real_held) values ('p-1', 'tenant-a', 'u', 'e', 10, 0, 10, 0), ('p-2', 'tenant-a', 'u', 'e', 5, 0, 5, 0)"""
        )
        connection.execute("insert into walletbalance values ('tenant-a', 'p-1', 'USD', 4, 0, 0, 0)")
        yield connection
        for table in ("walletbalance", "player", "tenant"):
            connection.execute(psycopg.sql.SQL("delete from {}").format(psycopg.sql.Identifier(table)))


@pytest.fixture(params=["player", "walletbalance", "ledgertransaction"])
def isolated(request, owner) -> Iterator[str]:
    table = psycopg.sql.Identifier(request.param)
    owner.execute(psycopg.sql.SQL("alter table {} enable row level security").format(table))
    owner.execute(
        psycopg.sql.SQL("create policy iso on {} using (tenant_id = current_setting('app.tenant_id', true))").format(table)
    )
    yield request.param
    owner.execute(psycopg.sql.SQL("drop policy iso on {}").format(table))
    owner.execute(psycopg.sql.SQL("alter table {} disable row level security").format(table))


@pytest.fixture
def reader(platform_uri) -> ConnectionSettings:
    return ConnectionSettings.parse(platform_uri.replace("//postgres@", f"//{READER}@"), "ledger_db_reader")


def readings(reader: ConnectionSettings) -> list[tuple[int, int]]:
    source = signal_sources(reader, reader, POLICY, SystemClock())
    return [(each.events, each.exposure) for each in source.readings(T3, WINDOW, WINDOW)]


def test_a_comparison_is_refused_with_the_table_and_what_to_do(isolated, reader):
    with pytest.raises(SourceUnavailable, match=rf'row-level security policy for table "{isolated}".*bypassrls'):
        PostgresLedgerStore(reader, POLICY).compare("tenant-a", BackfillMode.FORCE)


def test_a_count_of_mismatches_is_refused(isolated, reader):
    with pytest.raises(SourceUnavailable, match=rf'row-level security policy for table "{isolated}".*bypassrls'):
        readings(reader)


def test_a_policy_that_shows_the_login_everything_is_not_taken_on_trust(isolated, owner, reader):
    owner.execute(psycopg.sql.SQL("create policy all_rows on {} using (true)").format(psycopg.sql.Identifier(isolated)))
    with pytest.raises(SourceUnavailable, match="bypassrls"):
        readings(reader)
    owner.execute(psycopg.sql.SQL("drop policy all_rows on {}").format(psycopg.sql.Identifier(isolated)))


@pytest.mark.usefixtures("isolated")
def test_a_login_that_security_does_not_bind_sees_everyone(owner, reader):
    owner.execute(psycopg.sql.SQL("alter role {} bypassrls").format(psycopg.sql.Identifier(READER)))
    try:
        assert readings(reader) == [(2, 2)]
        assert PostgresLedgerStore(reader, POLICY).compare("tenant-a", BackfillMode.FORCE).players == 2
    finally:
        owner.execute(psycopg.sql.SQL("alter role {} nobypassrls").format(psycopg.sql.Identifier(READER)))


def test_any_other_missing_right_gives_no_such_advice(owner, reader):
    owner.execute(psycopg.sql.SQL("revoke select on player from {}").format(psycopg.sql.Identifier(READER)))
    try:
        with pytest.raises(SourceUnavailable, match="permission denied for table player") as refusal:
            readings(reader)
        assert "bypassrls" not in str(refusal.value)
    finally:
        owner.execute(psycopg.sql.SQL("grant select on player to {}").format(psycopg.sql.Identifier(READER)))
