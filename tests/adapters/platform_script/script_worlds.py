"""A platform in Postgres with a guard over it, and scripts that stand in for the platform's own."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import psutil
import psycopg

from ledger_guard.adapters.memory.clock import SettableClock
from ledger_guard.adapters.platform_script.command_runner import PlatformCommandRunner
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.movement_witness import PostgresMovementWitness
from ledger_guard.domain.command_outcome import CommandOutcome
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.plans import Plan
from ledger_guard.domain.writer_leases import NO_RUN, WriterClaim
from ledger_guard.policy.command_runner import CommandRunner
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.backfill.dry_run import dry_run
from ledger_guard.use_cases.backfill.run_platform_script import run_platform_script

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)
TENANT = "casino_7"
INCLUDE = Path(__file__).parents[3] / "include"

#: the sandbox's script, which first leaves a line with its arguments in the file `started`
STAND_IN = """
import pathlib, sys
with pathlib.Path("started").open("a") as file:
    file.write(" ".join(sys.argv[1:]) + "\\n")
from ledger_sandbox.backfill_wallet_balances import main
main()
"""
#: starts a child that ignores SIGTERM, names both processes, and never ends
HANGING = """
import os, subprocess, sys, time
code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
child.stdout.readline()
print("pids", os.getpid(), child.pid, flush=True)
time.sleep(600)
"""


def until(holds: Callable[[], object], seconds: float = 20.0) -> None:
    """Look again and again, until a deadline, whether something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came true"


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def settings_for(folder: Path, **more: object) -> CommandRunner:
    """Settings that run the module `script` in `folder` with the tests' own Python."""
    given = {
        "interpreter": sys.executable,
        "module": "script",
        "working_directory": str(folder),
        "environment": ("PYTHONPATH",),
        "batch_rows": 2,
        "timeout_seconds": 60,
        **more,
    }
    return CommandRunner.model_validate(given)


@dataclass
class ScriptWorld:
    """One tenant of one platform; `folder` holds the script."""

    deps: Dependencies
    clock: SettableClock
    uri: str
    folder: Path
    own_environment: dict[str, str]

    def write_script(self, text: str) -> None:
        (self.folder / "script.py").write_text(text)

    def started(self) -> list[str]:
        """The arguments of each start of the stand-in."""
        file = self.folder / "started"
        return file.read_text().splitlines() if file.exists() else []

    def runner(self, **settings: object) -> PlatformCommandRunner:
        connection = ConnectionSettings.parse(self.uri, "ledger_db")
        tables = self.deps.policy.platform
        return PlatformCommandRunner(settings_for(self.folder, **settings), connection, tables, self.own_environment)

    def run_script(self, plan: Plan, runner: PlatformCommandRunner | None = None, claim: WriterClaim = NO_RUN) -> CommandOutcome:
        witness = PostgresMovementWitness(ConnectionSettings.parse(self.uri, "ledger_db"), self.deps.policy.platform)
        return run_platform_script(self.deps, runner or self.runner(), witness, plan.plan_id, "oncall", claim)

    def planned(self, mode: str = "force") -> Plan:
        return dry_run(self.deps, TENANT, mode, "oncall")

    def audited(self) -> list[dict[str, object]]:
        with self.deps.state.transaction() as state:
            entries = [entry for entry in state.audit.entries() if entry.event.verb == "run_script"]
            return [json.loads(json.dumps(entry.event.detail)) for entry in entries]

    def execute(self, query: str, *values: object) -> list[tuple[object, ...]]:
        with psycopg.connect(self.uri) as connection:
            cursor = connection.execute(query.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def add_player(self, player_id: str, available: float, wallet: float | None, tenant_id: str = TENANT) -> None:
        """A player whose wallet, where it holds less, never got a hand of poker; no wallet row with None."""
        self.execute("insert into tenant (id, name) values (%s, %s) on conflict do nothing", tenant_id, tenant_id)
        self.execute(
            "insert into player (id, tenant_id, username, email, balance_real, balance_bonus, balance_real_available,"
            " balance_real_held) values (%s, %s, 'u', 'e', %s, 7, %s, 0)",
            *(player_id, tenant_id, available, available),
        )
        if wallet is not None and wallet < available:
            self.book(player_id, "poker_win", round(available - wallet, 2), "success", tenant_id)
        else:
            self.book(player_id, "wallet", available if wallet is None else wallet, "manual_adjust", tenant_id)
        if wallet is not None:
            self.set_wallet(player_id, wallet, tenant_id)

    def add_depositor(self, player_id: str, available: float, deposit: float) -> None:
        """A player whose wallet alone got a deposit, and holds it."""
        self.add_player(player_id, available, None)
        self.set_wallet(player_id, available + deposit)
        self.book(player_id, "deposit", deposit, "deposit_captured")

    def set_wallet(self, player_id: str, available: float, tenant_id: str = TENANT) -> None:
        self.execute(
            "insert into walletbalance values (%s, %s, 'USD', %s, 0, 3, 0, '2020-01-01')"
            " on conflict (tenant_id, player_id, currency) do update"
            " set balance_real_available = excluded.balance_real_available",
            *(tenant_id, player_id, available),
        )

    def book(self, player_id: str, type_: str, amount: float, status: str, tenant_id: str = TENANT) -> None:
        self.execute(BOOK, new_id(), new_id(), tenant_id, player_id, type_, amount, status, new_id())

    def wallet(self, player_id: str) -> float | None:
        rows = self.execute("select balance_real_available from walletbalance where player_id = %s", player_id)
        return float(str(rows[0][0])) if rows else None


BOOK = (
    "insert into ledgertransaction (id, tx_id, tenant_id, player_id, type, direction, amount, currency, status, idempotency_key)"
    " values (%s, %s, %s, %s, %s, 'credit', %s, 'USD', %s, %s)"
)
