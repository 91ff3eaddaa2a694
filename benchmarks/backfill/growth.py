"""What plan and force take of a tenant ten and a hundred times as big: seconds a player and memory."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.backfill.goals import Goal
from benchmarks.backfill.plan_and_force import in_own_process
from benchmarks.backfill.stage import Stage

SHARE = "1 %"


@dataclass(frozen=True)
class Size:
    """Medians of one tenant size; memory is the guard's own, not the database's."""

    players: int
    rounds: int
    seconds: float
    megabytes_before: float
    megabytes: float

    @property
    def microseconds_a_player(self) -> float:
        """Of all the tenant's players, differing or not."""
        return self.seconds / self.players * 1e6


def size_taken(stage: Stage, rounds: int) -> Size:
    """Measure in processes of their own, so that one's memory is not another's."""
    runs = []
    for _ in range(rounds):
        stage.spoil(SHARE)
        runs.append(in_own_process())
    return Size(
        stage.players,
        rounds,
        statistics.median(run.seconds for run in runs),
        statistics.median(run.megabytes_before for run in runs),
        statistics.median(run.megabytes for run in runs),
    )


def growth_goals(sizes: Sequence[Size]) -> list[Goal]:
    """The biggest against the smallest: cost at most linear, memory flat."""
    small, big = sizes[0], sizes[-1]
    span = f"{big.players:,} players against {small.players:,}"
    return [
        Goal.at_most(f"seconds a player, {span}", big.microseconds_a_player / small.microseconds_a_player, 1.2, "x"),
        Goal.at_most(f"peak memory, {span}", big.megabytes / small.megabytes, 1.1, "x"),
    ]
