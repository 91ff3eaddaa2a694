"""A platform and guard state in real databases, with processes that are killed in the middle of their work there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from tests.use_cases.backfill.backfill_worlds import PostgresPlatform, World, postgres_backfill_world
from tests.use_cases.backfill_kills.killed_process import Request, request_line, small_batches

_ROOT = Path(__file__).parents[3]
DEADLINE_SECONDS = 30

#: (available, pending, bonus available, bonus pending) by (player, currency)
Wallets = dict[tuple[str, str], tuple[float, float, float, float]]


class QuickPlatform(PostgresPlatform):
    """The platform's tables over one session that stays open."""

    def __init__(self, uri: str) -> None:
        super().__init__(uri)
        self.session = psycopg.connect(uri, autocommit=True)

    def _run(self, query: str, *values: object) -> list[tuple[object, ...]]:
        cursor = self.session.execute(query.encode(), values)
        return cursor.fetchall() if cursor.description else []


class KilledWorld:
    """Databases, a guard in this process, and a program that starts the processes to be killed."""

    def __init__(self, platform_uri: str, guard_uri: str) -> None:
        self.world: World = postgres_backfill_world(small_batches(), platform_uri, guard_uri)
        self.platform = QuickPlatform(platform_uri)
        self.world.platform = self.platform
        self.has_two_databases = platform_uri != guard_uri
        self._guard_session = psycopg.connect(guard_uri, autocommit=True)
        self._databases = [psycopg.conninfo.conninfo_to_dict(uri)["dbname"] for uri in (platform_uri, guard_uri)]
        paths = os.pathsep.join(str(_ROOT / folder) for folder in ("include", "plugins", "."))
        command = [sys.executable, "-m", "tests.use_cases.backfill_kills.killed_process", platform_uri, guard_uri]
        self._program = subprocess.Popen(
            command, cwd=_ROOT, env=os.environ | {"PYTHONPATH": paths}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def close(self) -> None:
        assert self._program.stdin
        assert self._program.stdout
        self._program.stdin.close()
        self._program.wait(DEADLINE_SECONDS)
        self._program.stdout.close()
        self.platform.session.close()
        self._guard_session.close()

    def run(self, request: Request) -> dict[str, object]:
        """Let a process do it and end, or be killed by itself; returns when the databases have noticed its end."""
        self._start(request)
        return self._ended()

    def run_and_kill_when(self, request: Request, is_time: Callable[[], bool]) -> dict[str, object]:
        """Let a process begin, and kill it from outside as soon as `is_time`."""
        process = self._start(request)
        wait_until(is_time)
        os.kill(process, signal.SIGKILL)
        return self._ended()

    @contextmanager
    def paused(self, request: Request) -> Iterator[PausedProcess]:
        """Let a process begin and pause itself; within the block it lives on and does nothing until it is let go on."""
        process = PausedProcess(self, self._start(request))
        process.wait_for_pause()
        try:
            yield process
        finally:
            process.ended()

    def _start(self, request: Request) -> int:
        assert self._program.stdin
        self._program.stdin.write(request_line(request))
        self._program.stdin.flush()
        return int(str(self._said()["process"]))

    def _ended(self) -> dict[str, object]:
        ended = self._said()
        # A killed process' session ends when the server finds its socket closed, and holds its locks until then.
        wait_until(lambda: not self._sessions())
        return ended

    def _said(self) -> dict[str, object]:
        assert self._program.stdout
        line = self._program.stdout.readline()
        assert line, "the program that starts processes ended by itself; its error is on stderr"
        return dict(json.loads(line))

    def _sessions(self) -> int:
        query = "select count(*) from pg_stat_activity where datname = any(%s) and application_name like 'ledger_guard/%%'"
        return int(self.ask_guard(query, self._databases)[0][0])

    def ask_guard(self, query: str, *values: object) -> list[tuple]:
        """Rows of a query to guard state."""
        return self._guard_session.execute(query.encode(), values).fetchall()

    def wallets(self, tenant_id: str) -> Wallets:
        """Every wallet of a tenant, as stored."""
        rows = self.platform._run(
            "select player_id, currency, balance_real_available, balance_real_pending, balance_bonus_available,"
            " balance_bonus_pending from walletbalance where tenant_id = %s",
            tenant_id,
        )
        return {(str(row[0]), str(row[1])): row[2:] for row in rows}  # type: ignore[misc]


class PausedProcess:
    """A process that has paused itself in the middle of its work."""

    def __init__(self, world: KilledWorld, process: int) -> None:
        self._world, self._process = world, process
        self._end: dict[str, object] | None = None

    def wait_for_pause(self) -> None:
        """Return once it has stopped, or has ended before its moment came."""
        stat = Path(f"/proc/{self._process}/stat")
        wait_until(lambda: stat.read_text().rsplit(")", 1)[1].split()[0] in "TZ" if stat.exists() else True)

    def go_on(self) -> None:
        """Let it go on."""
        with suppress(ProcessLookupError):
            os.kill(self._process, signal.SIGCONT)

    def ended(self) -> dict[str, object]:
        """How it ended, by itself."""
        if self._end is None:
            self.go_on()
            self._end = self._world._ended()
        return self._end


def wait_until(is_so: Callable[[], bool]) -> None:
    """Ask again and again, without pause but for the asking; fails at the deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "waited in vain"


@contextmanager
def killed_world(platform_uri: str, guard_uri: str) -> Iterator[KilledWorld]:
    """A world whose processes and sessions end with the block."""
    world = KilledWorld(platform_uri, guard_uri)
    try:
        yield world
    finally:
        world.close()
