"""Signal and triage sources, in memory and over Postgres."""

from __future__ import annotations

import pytest
from signal_worlds import PlatformRows, Source, memory_source, postgres_source

from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.policy.loader import load_policy
from ledger_guard.policy.schema import Policy


@pytest.fixture(scope="session")
def policy() -> Policy:
    return load_policy()


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
def source(request: pytest.FixtureRequest, policy: Policy) -> Source:
    """An empty source of each kind, fed with the same access events."""
    if request.param == "memory":
        return memory_source(policy)
    return postgres_source(request.getfixturevalue("database_uri"), policy)


@pytest.fixture
def rows(database_uri: str) -> PlatformRows:
    return PlatformRows(database_uri)


@pytest.fixture
def settings(database_uri: str) -> ConnectionSettings:
    return ConnectionSettings.parse(database_uri, "ledger_db")
