"""What sensing and judging cost: `python -m benchmarks sensing [PART]`, one part or all of them."""

from __future__ import annotations

import os
from collections.abc import Callable

import click
from rich.console import Console

from benchmarks.backfill.goals import goals_table
from benchmarks.backfill.stage import open_stages
from benchmarks.sensing import classify_cost, history, quiet_check, storage
from benchmarks.sensing.comparison import comparison_goals, comparison_table, comparison_times

USUAL_PLAYERS, ALL_PLAYERS = 200_000, 1_000_000
_FULL = click.option("--full", is_flag=True, help="Measure the whole size; takes gigabytes and many minutes.")


@click.group(invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """Time what sensing costs, one part or all of them. A shared machine's figures vary: quote the ratios."""
    if context.invoked_subcommand is None:
        parts: tuple[Callable[..., None], ...] = (comparison, history_of_events, storage_of_a_year, classify, check)
        for part in parts:
            context.invoke(part)


@command.command()
@_FULL
def comparison(full: bool = False) -> None:
    """Time T3's incremental comparison as a share of a whole one: 0.1, 1 and 10 % of 200,000 players (1,000,000) moved since."""
    console, load = Console(width=max(Console().width, 120)), os.getloadavg()[0]
    players = ALL_PLAYERS if full else USUAL_PLAYERS
    with open_stages() as stages, console.status(f"{players:,} players"), stages.stage(players) as stage:
        times = comparison_times(stage, rounds=3)
    console.print(comparison_table(times))
    console.print(
        goals_table(comparison_goals(times), f"{os.cpu_count()} cores; load average of the minute before the start: {load:.1f}")
    )


@command.command("history")
@_FULL
@click.option("--windows", default=15, show_default=True, help="Timed windows of each, in turn.")
def history_of_events(full: bool = False, windows: int = 15) -> None:
    """Sense one window with a long history of events behind it and with a short one."""
    history.report(windows, full=full)


@command.command("storage")
@_FULL
def storage_of_a_year(full: bool = False) -> None:
    """Store a day of 500 tenants (10,000), and tell what a year with the retention takes."""
    storage.report(full=full)


@command.command()
@click.option("--tenants", default=10_000, show_default=True)
@click.option("--days", type=float, multiple=True, default=(0.25, 2.0), show_default=True, help="History behind the window.")
@click.option("--windows", default=5, show_default=True, help="Timed windows of each.")
def classify(tenants: int = 10_000, days: tuple[float, ...] = (0.25, 2.0), windows: int = 5) -> None:
    """Sense and classify one window of many tenants."""
    classify_cost.report(tenants, days, windows)


@command.command()
@click.option("--pairs", default=5, show_default=True, help="Checks of each kind, in turn.")
def check(pairs: int = 5) -> None:
    """Run a quiet health check on the real scheduler, against the same tasks without a body."""
    quiet_check.report(pairs)
