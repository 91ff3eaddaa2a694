"""Sense and classify one window of a big fleet, with history behind it, in a real Postgres.

The fleet's readings are made by SQL. Its newest hour comes as access events, which sense reads anew at every check for late data,
as it does in production. Timed is this process, which stands for the two tasks; the server's CPU is told beside it.
"""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
from typing_extensions import LiteralString

from benchmarks.sensing.processes import cpu_seconds_below
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.migrate import upgrade
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.windows import Window
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.health_check.classify import classify
from ledger_guard.use_cases.health_check.sense import sense
from ledger_guard.wiring import open_dependencies
from ledger_sandbox import clock
from ledger_sandbox.platform_schema import create_platform
from ledger_sandbox.postgres import EmbeddedPostgres

GOAL_SECONDS = 2.0
T1 = Trigger("T1")
LENGTH = timedelta(minutes=5)
#: windows that come as events before the first timed one: those that sense reads again, and one more
AS_EVENTS = 13
REQUESTS = 5
_WINDOWS: LiteralString = """
    insert into ledger_guard.sensed_window (trigger, window_start, window_seconds, state, reason, sensed_at)
    select 'T1', start, 300, 'complete', '', start + interval '6 minutes'
    from generate_series(%(start)s::timestamptz, %(end)s::timestamptz - interval '5 minutes', interval '5 minutes') start
"""
_READINGS: LiteralString = """
    insert into ledger_guard.signal_window
        (trigger, window_start, tenant_id, window_seconds, events, exposure, subjects, at_risk_cents, without_amount)
    select 'T1', start, 'tenant-' || lpad(tenant::text, 6, '0'), 300, failed, 5, failed, failed * 1000, 0
    from generate_series(%(start)s::timestamptz, %(end)s::timestamptz - interval '5 minutes', interval '5 minutes') start,
        generate_series(1, %(tenants)s) tenant,
        lateral (select case when random() < 0.05 + tenant * 0 then 1 else 0 end as failed) of_chance
"""
_EVENTS: LiteralString = """
    insert into ledger_guard.access_event
        (event_key, event_time, tenant_id, subject_id, method, path, status, error_code, amount_cents)
    select start::text || tenant || '-' || n, start + n * interval '50 seconds', 'tenant-' || lpad(tenant::text, 6, '0'),
        'player-' || n, 'POST', '/api/v1/player/wallet/withdraw', case when fails then 400 else 200 end,
        case when fails then 'INSUFFICIENT_FUNDS' end, 1000
    from generate_series(%(start)s::timestamptz, %(end)s::timestamptz - interval '5 minutes', interval '5 minutes') start,
        generate_series(1, %(tenants)s) tenant, generate_series(1, %(requests)s) n,
        lateral (select random() < 0.01 + n * 0 + tenant * 0 as fails) of_chance
"""
_DELIVERED: LiteralString = """
    insert into ledger_guard.source_watermark (source, complete_through, updated_at) values ('access_event', %(end)s, now())
    on conflict (source) do update set complete_through = excluded.complete_through
"""


@dataclass(frozen=True)
class Cost:
    """One check of one signal."""

    sense_cpu: float
    classify_cpu: float
    wall: float
    #: of the database server
    server_cpu: float

    @property
    def own_cpu(self) -> float:
        """CPU seconds of the tasks."""
        return self.sense_cpu + self.classify_cpu


class Fleet:
    """A platform whose tenants all withdraw, in a database of its own."""

    def __init__(self, uri: str, server: int, tenants: int) -> None:
        self.uri, self._server, self._tenants = uri, server, tenants
        create_platform(uri)
        upgrade(ConnectionSettings.parse(uri, "ledger_guard_db"))
        self.through = Window.containing(clock.now(uri), LENGTH).start

    def with_history(self, days: float) -> Fleet:
        """Let so many days lie behind, all judged."""
        start = self.through - timedelta(days=days)
        start, events_from = Window.containing(start, LENGTH).start, self.through - AS_EVENTS * LENGTH
        self._run(_WINDOWS, start, events_from)
        self._run(_READINGS, start, events_from)
        self._deliver(events_from, self.through)
        self.run("analyze")
        deps = self._deps()
        sense(deps, T1)
        classify(deps, T1)
        return self

    def next_window(self) -> Cost:
        """Let one window pass, and sense and judge it."""
        clock.advance(self.uri, LENGTH)
        self._deliver(self.through, self.through + LENGTH)
        self.through += LENGTH
        deps = self._deps()
        server, start, began = cpu_seconds_below(self._server), time.monotonic(), time.process_time()
        sensed = sense(deps, T1)
        between = time.process_time()
        judged = classify(deps, T1)
        ended = time.process_time()
        assert (sensed.windows, sensed.revised, judged.judged_windows) == (1, 0, 1), f"{sensed}, {judged}"
        wall = time.monotonic() - start
        return Cost(between - began, ended - between, wall, cpu_seconds_below(self._server) - server)

    def run(self, statement: LiteralString, **parameters: object) -> None:
        """Run one statement in the database."""
        with psycopg.connect(self.uri, autocommit=True) as connection:
            connection.execute(statement, parameters)

    def _deliver(self, start: datetime, end: datetime) -> None:
        self._run(_EVENTS, start, end, requests=REQUESTS)
        self._run(_DELIVERED, start, end)

    def _run(self, statement: LiteralString, start: datetime, end: datetime, **more: object) -> None:
        self.run(statement, start=start, end=end, tenants=self._tenants, **more)

    def _deps(self) -> Dependencies:
        os.environ |= {
            "AIRFLOW_CONN_LEDGER_DB": self.uri,
            "AIRFLOW_CONN_LEDGER_GUARD_DB": self.uri,
            "LEDGER_GUARD_CLOCK": "rehearsal",
        }
        return open_dependencies()


@contextmanager
def fleet(tenants: int, days: float) -> Iterator[Fleet]:
    """A fleet with history, in a server of its own."""
    folder = Path(tempfile.mkdtemp(prefix="ledger-guard-bench-"))
    server = EmbeddedPostgres(folder)
    server.never_mind_power_cuts()
    try:
        postmaster = int((folder / "postmaster.pid").read_text().split()[0])
        yield Fleet(server.create_database("fleet"), postmaster, tenants).with_history(days)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def report(tenants: int, days: tuple[float, ...], rounds: int) -> None:
    """Print one line a length of history."""
    print(f"sense and classify one window of {tenants:,} tenants; goal: at most {GOAL_SECONDS} s of one core")
    for length in days:
        with fleet(tenants, length) as lived:
            taken = [lived.next_window() for _ in range(rounds + 1)][1:]
        median = {name: statistics.median(getattr(cost, name) for cost in taken) for name in _TOLD}
        within = "" if median["own_cpu"] <= GOAL_SECONDS else "beyond the goal"
        figures = ", ".join(f"{what} {median[name]:.2f} s" for name, what in _TOLD.items())
        print(f"  {length:g} days behind it: {figures}  {within}", flush=True)


_TOLD = {"own_cpu": "CPU", "sense_cpu": "sense", "classify_cpu": "classify", "wall": "wall", "server_cpu": "server's CPU"}
