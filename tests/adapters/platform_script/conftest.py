"""A small tenant, a guard over it, and the sandbox's script to be driven."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.adapters.platform_script.script_worlds import INCLUDE, NOW, STAND_IN, TENANT, ScriptWorld

from ledger_guard.adapters.memory.clock import SettableClock
from ledger_guard.adapters.memory.flags import InMemoryFlagStore
from ledger_guard.adapters.memory.notifier import InMemoryNotifier
from ledger_guard.adapters.memory.secrets import InMemorySecretSource
from ledger_guard.adapters.memory.signals import InMemoryTriageSource
from ledger_guard.adapters.postgres.backfill import PostgresBackfillRunner
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.ledger import PostgresLedgerStore
from ledger_guard.adapters.postgres.state import PostgresGuardState
from ledger_guard.policy.loader import load_policy
from ledger_guard.ports import Dependencies
from ledger_guard.wiring import signal_sources


@pytest.fixture
def empty_world(database_uri: str, tmp_path: Path) -> ScriptWorld:
    """A platform without a tenant; the shipped policy, with room for a tenant of few players."""
    shipped = load_policy()
    guardrails = shipped.guardrails.model_copy(update={"max_share_of_players": 1.0})
    policy = shipped.model_copy(update={"guardrails": guardrails})
    settings, clock = ConnectionSettings.parse(database_uri, "ledger_db"), SettableClock(NOW)
    deps = Dependencies(
        policy=policy,
        state=PostgresGuardState(settings),
        signals=signal_sources(settings, settings, policy, clock),
        triage=InMemoryTriageSource(),
        secrets=InMemorySecretSource(),
        ledger=PostgresLedgerStore(settings, policy),
        backfill=PostgresBackfillRunner(settings, settings, policy, clock),
        flags=InMemoryFlagStore(),
        notifier=InMemoryNotifier(),
        clock=clock,
        wall_clock=clock,
    )
    found = ScriptWorld(deps, clock, database_uri, tmp_path, {"PYTHONPATH": str(INCLUDE)})
    found.write_script(STAND_IN)
    return found


@pytest.fixture
def world(empty_world: ScriptWorld) -> ScriptWorld:
    """Three players of one tenant: one agrees, one lags behind, one has no wallet; and a neighbour that lags behind."""
    empty_world.add_player("agrees", 50.0, 50.0)
    empty_world.add_player("lags", 20.0, 10.0)
    empty_world.add_player("none", 30.0, None)
    empty_world.add_player("neighbour", 5.0, 1.0, tenant_id="casino_8")
    assert TENANT in empty_world.deps.ledger.tenant_ids()
    return empty_world
