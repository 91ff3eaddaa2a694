"""Options, and what is run."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import click
from rich.console import Console

from benchmarks.backfill.goals import goals_table
from benchmarks.ingest.measures import Measured, goals, ingest_table, measure
from ledger_sandbox.postgres import EmbeddedPostgres

LINES = 100_000
#: columns that the tables need where there is no terminal
WIDTH = 120


@click.command()
@click.option("--lines", default=LINES, show_default=True, type=click.IntRange(min=5_000), help="Of the log that is brought in.")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(min=1), help="Each figure is the median of so many.")
def command(lines: int, rounds: int) -> None:
    """Time the ingest of a JSON log, and its parts, against a bare COPY of the rows that it gives; a minute."""
    console = Console(width=max(Console().width, WIDTH))
    load = os.getloadavg()[0]
    folder = Path(tempfile.mkdtemp(prefix="ledger-guard-bench-"))
    server = EmbeddedPostgres(folder)
    try:
        with console.status(f"{lines:,} lines"):
            found: Measured = measure(server, lines, rounds)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    console.print(ingest_table(found))
    console.print(goals_table(goals(found), f"{os.cpu_count()} cores; load average of the minute before the start: {load:.1f}"))
