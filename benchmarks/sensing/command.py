"""Options, and what is run."""

from __future__ import annotations

import os

import click
from rich.console import Console

from benchmarks.backfill.goals import goals_table
from benchmarks.backfill.stage import open_stages
from benchmarks.sensing.comparison import comparison_goals, comparison_table, comparison_times

USUAL, FULL = 200_000, 1_000_000


@click.command()
@click.option("--full", is_flag=True, help="1,000,000 players, not 200,000.")
def command(full: bool) -> None:
    """Time T3's incremental comparison as a share of a whole one, with 0.1, 1 and 10 % of the players moved since.

    A shared machine's figures vary: quote the ratios.
    """
    console, load = Console(width=max(Console().width, 120)), os.getloadavg()[0]
    players = FULL if full else USUAL
    with open_stages() as stages, console.status(f"{players:,} players"), stages.stage(players) as stage:
        times = comparison_times(stage, rounds=3)
    console.print(comparison_table(times))
    console.print(
        goals_table(comparison_goals(times), f"{os.cpu_count()} cores; load average of the minute before the start: {load:.1f}")
    )
