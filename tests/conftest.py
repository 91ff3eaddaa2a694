"""Fixtures that all tests share: a real Postgres, databases made from a migrated template, ports in memory."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import hypothesis
import pytest
from tests import airflow_environment
from tests.folders import remove_left_behind, run_folder
from tests.marked_modules import leaves_nothing_of

# machines are shared: how long something takes here says nothing of it
hypothesis.settings.register_profile("shared machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("shared machine")
# what `make check` asks for: fewer examples of the same properties
hypothesis.settings.register_profile("check", parent=hypothesis.settings.get_profile("shared machine"), max_examples=30)

_database_numbers = itertools.count(1)

# Airflow reads its environment when it is first imported, which a test module may do while it is collected
remove_left_behind()
_airflow_home = run_folder("airflow")
airflow_environment.prepare(_airflow_home)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A module of which `-m "not …"` leaves nothing is not even imported: what it imports takes longer than its tests."""
    if collection_path.suffix != ".py" or not collection_path.name.startswith("test_"):
        return None
    return True if leaves_nothing_of(collection_path.read_text(encoding="utf-8"), config.option.markexpr) else None


#: folders whose tests start the real processes, by the worker that they run on: a machine of two cores bears two stacks
STACKS = {"tests/attacks/": "one stack", "tests/stack/": "another stack", "tests/entrypoints/fab/": "another stack"}
STARTING_PROCESSES = tuple(STACKS)
#: folders with the longest modules; those that run DAGs one after the other, so that one worker alone sets Airflow up
LONGEST = ("tests/dags/", "tests/use_cases/backfill_kills/")


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """What takes longest comes first, a folder after the other, however the rest is shuffled: no worker is left with it alone."""
    yield
    items.sort(key=lambda item: [not item.nodeid.startswith(folder) for folder in (*STARTING_PROCESSES, *LONGEST)])


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """In parallel a module stays on one worker, and what starts the real processes on two."""
    from xdist.scheduler import LoadFileScheduling

    class ModulesAndStacks(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            stacks = (worker for folder, worker in STACKS.items() if nodeid.startswith(folder))
            return next(stacks, super()._split_scope(nodeid))

    return ModulesAndStacks(config, log)


def pytest_unconfigure() -> None:
    """Remove the tests' Airflow home."""
    shutil.rmtree(_airflow_home, ignore_errors=True)


@pytest.fixture(scope="session")
def airflow_home() -> Path:
    """The home of an Airflow with a migrated SQLite database and the users of airflow_environment.USERS."""
    airflow_environment.make_database()
    return _airflow_home


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[object]:
    """One server for the whole run: the one that LEDGER_GUARD_TEST_POSTGRES names, with a superuser's URI, or an embedded one.

    A server that is named should be nobody's: it stops waiting for its disk. The embedded one gets a folder that pytest does
    not take away from its OS user.
    """
    from ledger_sandbox.postgres import EmbeddedPostgres, RunningPostgres

    named = os.environ.get("LEDGER_GUARD_TEST_POSTGRES")
    if named:
        running = RunningPostgres(named)
        running.never_mind_power_cuts()
        yield running
        return
    folder = run_folder("pg")
    server = EmbeddedPostgres(folder)
    server.never_mind_power_cuts()
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def migrated_template(postgres_server) -> str:
    """Name of a database that holds the platform's empty tables and the migrated guard state."""
    from ledger_guard.adapters.postgres.connection import ConnectionSettings
    from ledger_guard.adapters.postgres.migrate import upgrade
    from ledger_sandbox.platform_schema import create_platform

    uri = postgres_server.create_database("template_platform")
    create_platform(uri)
    upgrade(ConnectionSettings.parse(uri, "ledger_guard_db"))
    return "template_platform"


def _own_database(server, template: str | None = None) -> Iterator[str]:
    name = f"case_{next(_database_numbers)}"
    yield server.create_database(name, template=template)
    server.drop_database(name)


@pytest.fixture(scope="session")
def own_database(postgres_server, migrated_template) -> Callable[..., AbstractContextManager[str]]:
    """Gives databases as `database_uri`, or of another `template`, for as long as they are wanted."""
    return partial(contextmanager(_own_database), postgres_server, template=migrated_template)


@pytest.fixture
def database_uri(postgres_server, migrated_template) -> Iterator[str]:
    """A fresh database with the platform's tables (empty) and guard state (migrated, empty)."""
    yield from _own_database(postgres_server, migrated_template)


@pytest.fixture
def second_database_uri(postgres_server, migrated_template) -> Iterator[str]:
    """As `database_uri`, for guard state apart from the platform's database."""
    yield from _own_database(postgres_server, migrated_template)


@pytest.fixture(scope="module")
def module_database_uri(postgres_server, migrated_template) -> Iterator[str]:
    """As `database_uri`, one for all tests of a module, which only read what the module puts there."""
    yield from _own_database(postgres_server, migrated_template)


@pytest.fixture
def empty_database_uri(postgres_server) -> Iterator[str]:
    """A fresh database with nothing in it."""
    yield from _own_database(postgres_server)
