"""Airflow's real API application with the board mounted in it, and a guard in memory behind the board."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.plugins.board_values import NOW

from ledger_guard.adapters.memory.dependencies import MemoryWorld, memory_world
from ledger_guard.adapters.memory.scheduler import InMemoryScheduler
from ledger_guard.policy.loader import load_policy

if TYPE_CHECKING:
    from fastapi.testclient import TestClient


@pytest.fixture
def world() -> MemoryWorld:
    """An empty guard at NOW."""
    return memory_world(load_policy(), NOW)


@pytest.fixture(scope="session")
def airflow_client(airflow_home: Path) -> Iterator[TestClient]:
    """A client of the whole API application, plugins loaded as Airflow loads them; nobody is logged in."""
    from airflow.api_fastapi.app import create_app
    from fastapi.testclient import TestClient

    with TestClient(create_app(apps="core")) as client:
        yield client


@pytest.fixture(scope="session")
def login_of(airflow_client: TestClient) -> Callable[[str], dict[str, str]]:
    """Headers of a logged-in user."""

    def headers(user: str) -> dict[str, str]:
        answer = airflow_client.post("/auth/token", json={"username": user, "password": f"{user}-pw"})
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    return headers


@pytest.fixture
def scheduler() -> InMemoryScheduler:
    """Airflow's DAGs and runs in memory; the run of `board_values.approval` goes on."""
    found = InMemoryScheduler()
    found.runs["flag_rollback", "roll_back__1"] = "running"
    return found


@pytest.fixture
def board_client(airflow_client: TestClient, world: MemoryWorld, scheduler: InMemoryScheduler) -> Iterator[TestClient]:
    """The client, with the board reading guard and scheduler in memory."""
    from ledger_guard_board.app import airflow_scheduler, app, opened_dependencies

    app.dependency_overrides |= {opened_dependencies: lambda: world.deps, airflow_scheduler: lambda: scheduler}
    yield airflow_client
    app.dependency_overrides.clear()
