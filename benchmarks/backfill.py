"""Plan and force one tenant's backfill, against one set-based statement each that does the same with no safety at all.

    python -m benchmarks.backfill

Prints the median of the rounds; the ratio is what to quote, since machines differ and are shared.
"""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table

from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.migrate import upgrade
from ledger_guard.domain.plans import BackfillMode
from ledger_guard.policy.loader import load_policy
from ledger_guard.wiring import open_guard
from ledger_sandbox.platform_schema import create_platform
from ledger_sandbox.postgres import EmbeddedPostgres

PLAYERS = 20_000
ROUNDS = 5
TENANT = "bench"

FILL = f"""
    insert into tenant (id, name, type) values ('{TENANT}', 'Bench', 'renter');
    insert into player (id, tenant_id, username, email, balance_real, balance_bonus, balance_real_available, balance_real_held,
                        status, kyc_status)
    select 'p' || n, '{TENANT}', 'p' || n, 'p' || n || '@example.com', 100, 0, 100, 0, 'active', 'verified'
    from generate_series(1, {PLAYERS}) n;
    insert into walletbalance (tenant_id, player_id, currency, balance_real_available, balance_real_pending,
                               balance_bonus_available, balance_bonus_pending)
    select '{TENANT}', 'p' || n, 'USD', 100, 0, 0, 0 from generate_series(1, {PLAYERS}) n;
"""
SPOIL = "update walletbalance set balance_real_available = 40 where right(player_id, 2) = '00'"
BARE_DIFF = f"""
    select count(*) from player p join walletbalance w on w.tenant_id = p.tenant_id and w.player_id = p.id and w.currency = 'USD'
    where p.tenant_id = '{TENANT}' and round(w.balance_real_available::numeric, 2) <> round(p.balance_real_available::numeric, 2)
"""
BARE_UPSERT = f"""
    insert into walletbalance (tenant_id, player_id, currency, balance_real_available, balance_real_pending,
                               balance_bonus_available, balance_bonus_pending)
    select tenant_id, id, 'USD', balance_real_available, balance_real_held, 0, 0 from player where tenant_id = '{TENANT}'
    on conflict (tenant_id, player_id, currency) do update
    set balance_real_available = excluded.balance_real_available, balance_real_pending = excluded.balance_real_pending
"""


def seconds(work: Callable[[], object]) -> float:
    """How long it took."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def measured(uri: str) -> dict[str, float]:
    """Median seconds of each step."""
    guard, policy = open_guard(), load_policy()
    took: dict[str, list[float]] = {"bare diff": [], "plan": [], "bare upsert": [], "plan + force": []}

    def run(statement: str) -> None:
        with psycopg.connect(uri) as connection:
            connection.execute(statement.encode())

    def plan_and_force() -> None:
        # imported here: the use cases are what is measured, their import is not
        from ledger_guard.use_cases.dry_run import dry_run  # noqa: PLC0415
        from ledger_guard.use_cases.force import force  # noqa: PLC0415

        force(guard, dry_run(guard, TENANT, BackfillMode.FORCE, "bench").plan_id, "bench")

    for _ in range(ROUNDS):
        run(SPOIL)
        took["bare diff"].append(seconds(lambda: run(BARE_DIFF)))
        took["plan"].append(seconds(lambda: guard.ledger.compare(TENANT, BackfillMode.FORCE)))
        took["bare upsert"].append(seconds(lambda: run(BARE_UPSERT)))
        run(SPOIL)
        took["plan + force"].append(seconds(plan_and_force))
    assert policy.guardrails.max_rows >= PLAYERS // 100, "the plan has to fit the guardrails"
    return {step: statistics.median(rounds) for step, rounds in took.items()}


def main() -> None:
    """Set a platform up, measure, print, and remove it again."""
    folder = Path(tempfile.mkdtemp(prefix="ledger-guard-bench-"))
    server = EmbeddedPostgres(folder)
    try:
        uri = server.create_database("bench")
        create_platform(uri)
        upgrade(ConnectionSettings.parse(uri, "ledger_guard_db"))
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute(FILL.encode())
            connection.execute("analyze")
        os.environ.update(AIRFLOW_CONN_LEDGER_DB=uri, AIRFLOW_CONN_LEDGER_GUARD_DB=uri)
        found = measured(uri)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    table = Table(title=f"{PLAYERS:,} players of one tenant, 1 % of the wallets differ; median of {ROUNDS}", title_justify="left")
    for heading in ("step", "seconds", "floor", "speed against the floor"):
        table.add_column(heading)
    for step, floor in (("plan", "bare diff"), ("plan + force", "bare upsert")):
        table.add_row(step, f"{found[step]:.3f}", f"{floor}: {found[floor]:.3f}", f"{found[floor] / found[step]:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
