"""The worlds that a backfill runs in."""

from __future__ import annotations

import psycopg
import pytest
from backfill_worlds import TENANT, World, memory_backfill_world, postgres_backfill_world
from psycopg import sql

from ledger_guard.policy.loader import load_policy
from ledger_guard.policy.schema import Policy

_TABLES = (
    "ledgertransaction",
    "transaction",
    "walletbalance",
    "player",
    "tenant",
    "ledger_guard.seen_opening",
    "ledger_guard.before_image",
    "ledger_guard.plan_row",
    "ledger_guard.plan",
    "ledger_guard.approval_answer",
    "ledger_guard.approval",
    "ledger_guard.audit_entry",
    "ledger_guard.incident",
)


@pytest.fixture(scope="session")
def policy() -> Policy:
    """The shipped policy, with small batches so that a few rows make several, and room for a tenant of few players."""
    shipped = load_policy()
    guardrails = shipped.guardrails.model_copy(update={"batch_rows": 2, "max_share_of_players": 1.0})
    return shipped.model_copy(update={"guardrails": guardrails})


@pytest.fixture(
    params=[
        "memory",
        pytest.param("postgres", marks=pytest.mark.postgres),
        pytest.param("two_databases", marks=pytest.mark.postgres),
    ]
)
def world(request: pytest.FixtureRequest, policy: Policy) -> World:
    """An empty platform with one tenant, in each kind of world."""
    return _built(request, policy, request.param)


@pytest.fixture(
    params=[pytest.param("postgres", marks=pytest.mark.postgres), pytest.param("two_databases", marks=pytest.mark.postgres)]
)
def postgres_world(request: pytest.FixtureRequest, policy: Policy) -> World:
    """The worlds where locks, sessions and faults are real."""
    return _built(request, policy, request.param)


@pytest.fixture
def memory(policy: Policy) -> World:
    """For rules that touch no database."""
    return _with_tenant(memory_backfill_world(policy))


@pytest.fixture(scope="session")
def backfill_databases(postgres_server, migrated_template) -> tuple[str, str]:
    """Two databases that all tests here share: emptying them is much faster than making new ones."""
    first, second = (postgres_server.create_database(f"backfill_{number}", template=migrated_template) for number in (1, 2))
    return first, second


def _built(request: pytest.FixtureRequest, policy: Policy, kind: str) -> World:
    if kind == "memory":
        return _with_tenant(memory_backfill_world(policy))
    platform, other = request.getfixturevalue("backfill_databases")
    guard = other if kind == "two_databases" else platform
    for uri in {platform, guard}:
        _empty(uri)
    return _with_tenant(postgres_backfill_world(policy, platform, guard))


def _empty(uri: str) -> None:
    with psycopg.connect(uri) as connection:
        # As a replica, neither the append-only triggers nor foreign keys stand in the way.
        connection.execute("set session_replication_role = replica")
        connection.execute("drop trigger if exists fail on walletbalance")
        connection.execute("drop function if exists fail")
        for table in _TABLES:
            connection.execute(sql.SQL("delete from {}").format(sql.Identifier(*table.split("."))))
        connection.execute("update ledger_guard.audit_head set sequence = 0, entry_hash = repeat('0', 64)")


def _with_tenant(world: World) -> World:
    world.platform.add_tenant(TENANT)
    return world
