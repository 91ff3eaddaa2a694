"""Options, and what is run."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click
from rich.console import Console

from benchmarks.backfill.floors import FloorTimes, floor_times
from benchmarks.backfill.goals import Goal, goals_table
from benchmarks.backfill.growth import Size, growth_goals, size_taken
from benchmarks.backfill.live import live
from benchmarks.backfill.pace import fixed_pace, policy_pace
from benchmarks.backfill.script import script_times
from benchmarks.backfill.stage import Stages, open_stages
from benchmarks.backfill.statements import SHARES
from benchmarks.backfill.tables import floors_table, growth_table, live_table, script_table
from ledger_guard.policy.loader import load_policy

BIG, SMALL, HUGE = 200_000, 20_000, 2_000_000
SCRIPT_PLAYERS = 10_000
#: columns that the tables need where there is no terminal
WIDTH = 120


@click.command()
@click.option(
    "--full", is_flag=True, help="2,000,000 players and whole batches too; traffic for 60 s, not 10; five rounds, not three."
)
@click.option("--batch-rows", multiple=True, type=click.IntRange(min=1), help="Force in batches of exactly so many rows too.")
@click.option("--players", default=BIG, show_default=True, type=click.IntRange(min=1000), help="Of the tenant that is timed.")
def command(full: bool, batch_rows: tuple[int, ...], players: int) -> None:
    """Time plan and force, as multiples of what they are measured against; 5:38 minutes on two busy cores, more with --full.

    \b
    - against one upsert and one diff query without any safety, 1 % and 100 % of the wallets differing
    - against the stand-in of the platform's own script, on 10,000 players
    - growth: 20,000 and 200,000 players, with --full 2,000,000
    - live traffic on the tenant that is forced: waits, drift, lost credits

    Force goes at the policy's pace throughout, in the first part also in batches of the sizes named. A shared machine's
    figures vary: quote the ratios.
    """
    rounds = 5 if full else 3
    sizes_too = batch_rows or ((load_policy().guardrails.batch_rows,) if full else ())
    console = Console(width=max(Console().width, WIDTH))
    load = os.getloadavg()[0]
    goals: list[Goal] = []
    with open_stages() as stages:
        with console.status(f"{players:,} players"):
            floors, middle = _floors(stages, players, sizes_too, rounds)
        for found in floors:
            console.print(floors_table(found))
            goals += found.goals()
        with console.status("script"), stages.stage(SCRIPT_PLAYERS) as stage:
            scripted = script_times(stage, policy_pace(), rounds)
        console.print(script_table(scripted, floors))
        goals += scripted.goals()
        with console.status("growth"):
            sizes = [_size(stages, SMALL, rounds), middle]
            if full:
                sizes.append(_size(stages, HUGE, 3))
        console.print(growth_table(sizes))
        goals += growth_goals(sizes)
        with console.status("live traffic"), stages.stage(SMALL) as stage:
            lived = live(stage, 60 if full else 10)
        console.print(live_table(lived))
        goals += lived.goals()
    console.print(goals_table(goals, f"{os.cpu_count()} cores; load average of the minute before the start: {load:.1f}"))


def _floors(stages: Stages, players: int, batch_sizes: Sequence[int], rounds: int) -> tuple[list[FloorTimes], Size]:
    with stages.stage(players) as stage:
        paces = [policy_pace(), *(fixed_pace(rows) for rows in batch_sizes)]
        return [floor_times(stage, share, paces, rounds) for share in SHARES], size_taken(stage, rounds)


def _size(stages: Stages, players: int, rounds: int) -> Size:
    with stages.stage(players) as stage:
        return size_taken(stage, rounds)
