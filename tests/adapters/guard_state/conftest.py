"""Guard state of both kinds: the same rules are asked of the one in memory and the one in Postgres."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from ledger_guard.adapters.memory.state import InMemoryGuardState
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.state import PostgresGuardState
from ledger_guard.ports.guard_state import GuardState


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
def state(request: pytest.FixtureRequest) -> GuardState:
    """Empty guard state, once of each kind."""
    if request.param == "memory":
        return InMemoryGuardState()
    return PostgresGuardState(request.getfixturevalue("guard_settings"))


@pytest.fixture
def postgres_state(guard_settings: ConnectionSettings) -> PostgresGuardState:
    """Empty guard state in Postgres."""
    return PostgresGuardState(guard_settings)


@pytest.fixture
def guard_settings(guard_state_uri: str) -> ConnectionSettings:
    """Where migrated guard state is, emptied: a hundred times faster than a fresh database for every test."""
    with psycopg.connect(guard_state_uri) as connection:
        # The one way past the append-only triggers, open to a superuser alone.
        connection.execute("set session_replication_role = replica")
        tables = connection.execute("select tablename from pg_tables where schemaname = 'ledger_guard'").fetchall()
        for (table,) in tables:
            if table not in ("schema_version", "audit_head"):
                connection.execute(sql.SQL("delete from {}").format(sql.Identifier("ledger_guard", table)))
        connection.execute("delete from ledger_guard.audit_head")
        connection.execute("insert into ledger_guard.audit_head (sequence, entry_hash) values (0, repeat('0', 64))")
    return ConnectionSettings.parse(guard_state_uri, "ledger_guard_db")


@pytest.fixture(scope="session")
def guard_state_uri(postgres_server, migrated_template: str) -> str:
    """One database for all tests of guard state."""
    return postgres_server.create_database("guard_state_tests", template=migrated_template)
