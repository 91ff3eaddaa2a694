"""The same rollout with guard state and flag store on Postgres."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.use_cases.flags.rollout_world import BALANCE, RolloutWorld, rollout_world

from ledger_guard.adapters.flag_stores.postgres import PostgresFlagStore
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.state import PostgresGuardState
from ledger_guard.domain.flags import EVERYWHERE
from ledger_sandbox.flag_server import FlagServerStandIn


@pytest.fixture
def stored_world(database_uri) -> RolloutWorld:
    """Enforcement is on for everyone, and for tenant-a by a value of its own."""
    world = rollout_world()
    settings = ConnectionSettings.parse(database_uri, "ledger_db")
    flags = PostgresFlagStore(settings, world.guard.policy, world.guard.wall_clock)
    world.guard = replace(world.guard, state=PostgresGuardState(settings), flags=flags)
    for scope in (EVERYWHERE, "tenant-a"):
        flags.compare_and_set(flags.get(BALANCE, scope), True, "somebody", "rollout")
    return world.healthy()


@pytest.fixture
def flag_server():
    """A flag server on the loopback interface."""
    server = FlagServerStandIn().start()
    yield server
    server.stop()
