"""The tables that are printed, one a section."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from benchmarks.backfill.floors import DIFF, PLAN, SPARING, UPSERT, FloorTimes
from benchmarks.backfill.growth import SHARE, Size
from benchmarks.backfill.live import MOVES_PER_SECOND, Live
from benchmarks.backfill.script import ScriptTimes
from benchmarks.backfill.traffic import THREADS, Waits


def floors_table(times: FloorTimes) -> Table:
    """Each step beside its floors."""
    title = f"{times.players:,} players with two ledger rows each, {times.share} of the wallets differ; median of {times.rounds}"
    caption = "sparing upsert: leaves wallets alone that are equal; it has no goal, it is here to be seen."
    took = times.took
    upserts = [floor for floor in (UPSERT, SPARING) if floor in took]
    table = _table(title, ("step", "seconds", "against", "speed"), caption if SPARING in took else None)
    for floor in (DIFF, *upserts):
        table.add_row(floor, f"{took[floor]:.3f}", "", "")

    def add(step: str, ours: float, *floors: str) -> None:
        for number, floor in enumerate(floors):
            head = ("", "") if number else (step, f"{ours:.3f}")
            table.add_row(*head, floor, f"{took[floor] / ours:.2f}")

    add(PLAN, took[PLAN], DIFF)
    for pace, forced in times.force.items():
        add(f"force, {pace}", forced, UPSERT)
        add(f"plan + force, {pace}", took[PLAN] + forced, *upserts)
    return table


def script_table(times: ScriptTimes, floors: Sequence[FloorTimes]) -> Table:
    """Players a second; ours on the tenant of the floors too, which would take the script too long."""
    title = f"Against the platform's own script; median of {times.rounds}"
    table = _table(title, ("", "players", "seconds", "players a second", "speed"))
    pace = times.players / times.script

    def add(step: str, players: int, seconds: float) -> None:
        each = players / seconds
        table.add_row(step, f"{players:,}", f"{seconds:.3f}", f"{each:,.0f}", f"{each / pace:.1f}")

    add("script --force", times.players, times.script)
    for share, ours in times.ours.items():
        add(f"plan + force, {share} differ", times.players, ours)
    for found in floors:
        add(f"plan + force, {found.share} differ", found.players, found.took[PLAN] + next(iter(found.force.values())))
    return table


def growth_table(sizes: Sequence[Size]) -> Table:
    """One row a size."""
    caption = "MB: the most that the guard's process had, before it began and at its end; the database's memory is not in it."
    headings = ("players", "rounds", "seconds", "us a player", "MB before", "MB")
    table = _table(f"Growth of plan + force, {SHARE} differ", headings, caption)
    for size in sizes:
        each = f"{size.microseconds_a_player:.2f}"
        memory = f"{size.megabytes_before:.0f}", f"{size.megabytes:.0f}"
        table.add_row(f"{size.players:,}", str(size.rounds), f"{size.seconds:.2f}", each, *memory)
    return table


def live_table(found: Live) -> Table:
    """Waits without and with force, then what was checked."""
    each = f"{MOVES_PER_SECOND} moves a second from {THREADS} sessions for {found.seconds:.0f} s"
    forced = found.forced
    caption = (
        f"force: {forced.rounds} rounds, {forced.seconds:.1f} s in all, {forced.applied:,} wallets written, {forced.drifted:,} "
        f"left alone since money moved after the plan. Drift made: {found.drift} wallets. Lacking money that was booked: "
        f"{found.lacking} wallets, {found.lost_usd:.2f} USD. Moves that were not made found no money. "
        "Wait: from when a move was due until it was committed, ms; lock: its longest row lock, ms."
    )
    waits_of = ("wait p50", "wait p99", "wait max", "lock p50", "lock p99", "lock max")
    table = _table(f"{each}, one tenant of {found.players:,} players", ("", "moves", "made", "deadlocks", *waits_of), caption)

    def add(step: str, waits: Waits, *counts: int) -> None:
        shares = (0.5, 0.99, 1)
        figures = [waits.percentile(share) for share in shares] + [waits.lock_percentile(share) for share in shares]
        told = [f"{count:,}" for count in counts] or ["", ""]
        table.add_row(step, f"{len(waits.seconds):,}", *told, *(f"{figure:.1f}" for figure in figures))

    add("alone", found.alone, found.alone.moves, found.alone.deadlocks)
    add("with plan and force", found.together, found.together.moves, found.together.deadlocks)
    add("  while force writes", found.within)
    return table


def _table(title: str, headings: Sequence[str], caption: str | None = None) -> Table:
    table = Table(title=title, title_justify="left", caption=caption, caption_justify="left")
    for heading in headings:
        table.add_column(heading)
    return table
