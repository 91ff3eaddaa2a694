"""The platform that is measured: one embedded server, a database a tenant, guard state in the same database."""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from typing_extensions import LiteralString

from benchmarks.backfill.statements import FILL, SHARES, SPOIL_WALLETS
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.migrate import upgrade
from ledger_sandbox.platform_schema import create_platform
from ledger_sandbox.postgres import EmbeddedPostgres

Key = TypeVar("Key")


class Stage:
    """One database with one tenant. While it stands, the guard of this process and of its children works on it."""

    def __init__(self, uri: str, players: int) -> None:
        self.uri, self.players = uri, players

    def run(self, text: LiteralString, parameters: dict[str, Any] | None = None) -> Sequence[tuple[Any, ...]]:
        """One statement in a transaction and a session of its own; returns its rows."""
        with psycopg.connect(self.uri) as connection:
            cursor = connection.execute(text, parameters)
            return cursor.fetchall() if cursor.description else ()

    def fill(self) -> None:
        """Add the tenant, with wallets that all agree, to the empty tables."""
        with psycopg.connect(self.uri, autocommit=True) as connection:
            for text in FILL:
                connection.execute(text, {"players": self.players})
            connection.execute("vacuum analyze")

    def spoil(self, share: str) -> None:
        """Let the wallets of a share (a key of SHARES) differ, and clear up, so that what comes next finds no dead rows."""
        self.run(SPOIL_WALLETS + SHARES[share])
        self.clear_up()

    def clear_up(self) -> None:
        """Vacuum what is written to, and put to disk what was: nobody pays for the rows of who came before."""
        with psycopg.connect(self.uri, autocommit=True) as connection:
            connection.execute("vacuum (analyze) walletbalance, player, ledger_guard.plan_row, ledger_guard.before_image")
            connection.execute("checkpoint")


class Stages:
    """Sets databases up on one server, which waits for its disk at each commit as a real one does."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self._server = server

    @contextmanager
    def stage(self, players: int) -> Iterator[Stage]:
        """A tenant of so many players whose wallets all agree; the next one takes its place."""
        uri = self._server.create_database("bench")
        create_platform(uri)
        upgrade(ConnectionSettings.parse(uri, "ledger_guard_db"))
        stage = Stage(uri, players)
        stage.fill()
        os.environ.update(AIRFLOW_CONN_LEDGER_DB=uri, AIRFLOW_CONN_LEDGER_GUARD_DB=uri)
        yield stage


@contextmanager
def open_stages() -> Iterator[Stages]:
    """Start a server, and remove it with its data at the end."""
    folder = Path(tempfile.mkdtemp(prefix="ledger-guard-bench-"))
    server = EmbeddedPostgres(folder)
    try:
        yield Stages(server)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def seconds(work: Callable[[], object]) -> float:
    """How long it took."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def median_each(rounds: Sequence[dict[Key, float]]) -> dict[Key, float]:
    """The median of each figure over the rounds."""
    return {name: statistics.median(figures[name] for figures in rounds) for name in rounds[0]}
