"""Options, and what is run."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import click
from rich.console import Console

from benchmarks.audit.measures import Measured, goals, measure, verify_table
from benchmarks.backfill.goals import goals_table
from ledger_sandbox.postgres import EmbeddedPostgres

ENTRIES = 100_000
#: columns that the tables need where there is no terminal
WIDTH = 120


@click.command()
@click.option("--entries", default=ENTRIES, show_default=True, type=click.IntRange(min=100), help="Of the log that is verified.")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(min=1), help="Each figure is the median of so many.")
def command(entries: int, rounds: int) -> None:
    """Time verification against a bare read of the same rows, and appends with a key against appends without; half a minute."""
    console = Console(width=max(Console().width, WIDTH))
    load = os.getloadavg()[0]
    folder = Path(tempfile.mkdtemp(prefix="ledger-guard-bench-"))
    server = EmbeddedPostgres(folder)
    try:
        with console.status(f"{entries:,} entries"):
            found: Measured = measure(server, entries, rounds)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    console.print(verify_table(found))
    console.print(goals_table(goals(found), f"{os.cpu_count()} cores; load average of the minute before the start: {load:.1f}"))
