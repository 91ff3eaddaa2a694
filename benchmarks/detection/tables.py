"""The tables that are printed."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence

from rich.table import Table

from benchmarks.detection.score import Score
from benchmarks.detection.settings import WorldSettings
from benchmarks.detection.speed import Speed
from benchmarks.detection.whole_backtest import WholeSpeed

#: figures that every rule gets: heading, what is read, digits after the point
FIGURES: tuple[tuple[str, Callable[[Score], float], int], ...] = (
    ("G", lambda score: score.headline, 1),
    ("U", lambda score: score.credit, 2),
    ("severe false alarms *", lambda score: score.severe_false_rate, 2),
    ("mild false alarms *", lambda score: score.mild_false_rate, 2),
    ("severe delay, median, min", lambda score: score.severe_delay_minutes, 0),
    ("found of detectable, %", lambda score: 100 * score.recall, 0),
)


def spread(figures: Sequence[float], digits: int, *, with_ends: bool) -> str:
    """The middle of a rule's figures over the worlds, with the lowest and the highest if asked; a dash where there is none."""
    known = [figure for figure in figures if not math.isnan(figure)]
    if not known:
        return "-"
    middle = f"{statistics.median(known):.{digits}f}"
    return f"{middle} ({min(known):.{digits}f}..{max(known):.{digits}f})" if with_ends and len(known) > 1 else middle


def scores_table(scores: dict[str, list[Score]], settings: WorldSettings, seeds: Sequence[int]) -> Table:
    """One column a rule; the last is ours, with its spread over the worlds."""
    *published, ours = scores
    tenant_days = sum(score.tenant_days for score in scores[ours])
    title = (
        f"{len(seeds)} worlds (from seed {seeds[0]}) of {settings.tenants} tenants, {settings.days} days of "
        f"{settings.window_minutes}-minute windows, the first {settings.learning_days} unscored; "
        f"{tenant_days:,.0f} healthy tenant-days. Medians over the worlds (lowest..highest)."
    )
    caption = (
        "* per 1,000 tenant-days. G = 100 U N / (1 + severe/2 + mild/20); U: credit for the detectable incidents, "
        "N: share of missing rows called missing."
    )
    table = Table(title=title, title_justify="left", caption=caption, caption_justify="left")
    for heading in ("", *published, ours):
        table.add_column(heading)

    def add(heading: str, read: Callable[[Score], float], digits: int) -> None:
        rows = {name: [read(score) for score in found] for name, found in scores.items()}
        table.add_row(heading, *(spread(row, digits, with_ends=name == ours) for name, row in rows.items()))

    for heading, read, digits in FIGURES:
        add(heading, read, digits)
    for kind in sorted(set().union(*(score.found for score in scores[ours]))):
        add(f"  {kind.replace('_', ' ')}", lambda score, kind=kind: 100 * score.found[kind].value, 0)  # type: ignore[misc]
    for scope in ("isolated", "widespread"):
        add(f"scope right, {scope}, %", lambda score, scope=scope: 100 * score.scope[scope].value, 0)  # type: ignore[misc]
    table.add_row("worst trap, severe, %", *(worst_trap(found) for found in scores.values()))
    return table


def worst_trap(found: Sequence[Score]) -> str:
    """The kind of trap that a rule fell into most often, with a severe alarm, in the worst of its worlds."""
    kind, share = max((score.worst_trap for score in found), key=lambda trap: trap[1])
    return f"{kind.replace('_', ' ')} {100 * share:.0f}" if share else "none"


def speed_table(speeds: Sequence[Speed], timed_windows: int) -> Table:
    """One row a number of tenants."""
    title = f"The engine on one core: median of {timed_windows} live windows; and its dumped state"
    table = Table(title=title, title_justify="left")
    for heading in ("tenants", "ms a window", "verdicts a second", "bytes a tenant"):
        table.add_column(heading)
    for speed in speeds:
        state = ", ".join(f"{size:,.0f} after {windows} windows" for windows, size in speed.bytes_a_tenant.items())
        table.add_row(f"{speed.tenants:,}", f"{speed.milliseconds_a_window:.1f}", f"{speed.verdicts_a_second:,.0f}", state)
    return table


def whole_table(speeds: Sequence[WholeSpeed]) -> Table:
    """One row a file."""
    title = "The whole backtest command on one core: starting, reading, judging, writing"
    table = Table(title=title, title_justify="left")
    for heading in ("tenants", "windows", "MB read", "seconds", "verdicts a second"):
        table.add_column(heading)
    for speed in speeds:
        figures = f"{speed.megabytes_read:.0f}", f"{speed.seconds:.1f}", f"{speed.verdicts_a_second:,.0f}"
        table.add_row(f"{speed.tenants:,}", f"{speed.windows:,}", *figures)
    return table
