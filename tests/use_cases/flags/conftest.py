"""The same rollout with guard state and flag store on Postgres."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.flag_writes import compare_and_set
from tests.use_cases.flags.rollout_world import BALANCE, SIGNATURE, RolloutWorld, rollout_world

from ledger_guard.adapters.flag_stores.postgres import PostgresFlagStore
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.state import PostgresGuardState
from ledger_guard.domain.flags import EVERYWHERE
from ledger_sandbox.flag_server import FlagServerStandIn
from ledger_sandbox.unleash import UnleashServer, missing_for_unleash

ROOT = Path(__file__).parents[3]


@pytest.fixture
def stored_world(database_uri) -> RolloutWorld:
    """Enforcement is on for everyone, and for tenant-a by a value of its own."""
    world = rollout_world()
    settings = ConnectionSettings.parse(database_uri, "ledger_db")
    flags = PostgresFlagStore(settings, world.deps.policy, world.deps.wall_clock)
    world.deps = replace(world.deps, state=PostgresGuardState(settings), flags=flags)
    for scope in (EVERYWHERE, "tenant-a"):
        compare_and_set(flags, flags.get(BALANCE, scope), True, "somebody", "rollout")
    return world.healthy()


@pytest.fixture
def flag_server():
    """A flag server on the loopback interface."""
    server = FlagServerStandIn().start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def unleash_server(request) -> Iterator[UnleashServer]:
    """A real Unleash for the whole run, from `make unleash` or where LEDGER_GUARD_TEST_UNLEASH says; skipped without one."""
    folder = Path(os.environ.get("LEDGER_GUARD_TEST_UNLEASH") or ROOT / "var" / "unleash")
    if missing := missing_for_unleash(folder):
        pytest.skip(missing)
    server = UnleashServer(folder, request.getfixturevalue("postgres_server").create_database("unleash"))
    yield server
    server.stop()


@pytest.fixture
def unleash(unleash_server) -> UnleashServer:
    """The same without the flags of the test before."""
    for flag in (BALANCE, SIGNATURE):
        unleash_server.forget(flag)
    return unleash_server
