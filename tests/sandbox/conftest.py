"""A seeded platform, made once and copied for each test that changes it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import psycopg
import pytest

from ledger_sandbox.history import traffic_history
from ledger_sandbox.population import Population, generate, store
from ledger_sandbox.profiles import PopulationShape

AS_OF = datetime(2026, 2, 16, 12, 0, tzinfo=timezone.utc)
#: one tenant with nothing the matter with anybody, and every wallet there
HEALTHY = PopulationShape(
    tenants=1,
    largest=40,
    missing=0,
    born_from_zero=0,
    poker=0,
    counted_twice=0,
    lost_update=0,
    wallet_only=0,
    eur_credited=0,
    eur_only=0,
    eur_wallet=0,
)
#: players beside their USD wallet and what is right
COMPARED = """
    from player p
    join ledger_sandbox.right_wallet t on t.player_id = p.id
    left join walletbalance w on w.tenant_id = p.tenant_id and w.player_id = p.id and w.currency = 'USD'
"""
#: the USD wallet is not what is right
IS_WRONG = """
    (w.player_id is null or round(w.balance_real_available::numeric * 100) <> t.available
     or round(w.balance_real_pending::numeric * 100) <> t.held)
"""
_copies = itertools.count(1)


@pytest.fixture(scope="session")
def population() -> Population:
    return generate(1, PopulationShape(), AS_OF)


@pytest.fixture(scope="session")
def seeded_template(postgres_server, migrated_template, population) -> str:
    """Name of a database with the default population at rest; the default shape, seed 1."""
    uri = postgres_server.create_database("template_sandbox", template=migrated_template)
    store(uri, population, AS_OF)
    return "template_sandbox"


@pytest.fixture
def platform_uri(postgres_server, seeded_template) -> Iterator[str]:
    """A fresh copy of the seeded platform."""
    name = f"sandbox_{next(_copies)}"
    yield postgres_server.create_database(name, template=seeded_template)
    postgres_server.drop_database(name)


@pytest.fixture(scope="session")
def rested_uri(postgres_server, seeded_template) -> str:
    """One seeded platform for all tests that only read it."""
    return postgres_server.create_database("sandbox_at_rest", template=seeded_template)


@pytest.fixture(scope="session")
def day_uri(postgres_server, seeded_template) -> str:
    """One seeded platform with a day of history before AS_OF, for all tests that only read it."""
    uri = postgres_server.create_database("sandbox_day", template=seeded_template)
    traffic_history(uri, AS_OF, np.random.default_rng(3), length=timedelta(days=1))
    return uri


def rows(uri: str, query: str, **values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(uri) as connection:
        return connection.execute(query.encode(), values).fetchall()


def value(uri: str, query: str, **values: object) -> Any:
    return rows(uri, query, **values)[0][0]
