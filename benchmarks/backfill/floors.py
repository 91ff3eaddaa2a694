"""Plan and force against bare statements: the same change in one statement with no safety at all, and the same comparison."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.backfill.goals import Goal
from benchmarks.backfill.pace import Pace
from benchmarks.backfill.plan_and_force import force, plan
from benchmarks.backfill.stage import Stage, median_each, seconds
from benchmarks.backfill.statements import ALL, BARE_DIFF, BARE_UPSERT, SPARING_UPSERT

DIFF, UPSERT, SPARING, PLAN = "bare diff", "bare upsert", "sparing upsert", "plan"


@dataclass(frozen=True)
class FloorTimes:
    """Median seconds of one share of differing wallets."""

    players: int
    share: str
    rounds: int
    #: DIFF, UPSERT, PLAN, and SPARING where it spares something
    took: dict[str, float]
    #: name of the pace → force alone
    force: dict[str, float]

    def goals(self) -> list[Goal]:
        """What was measured against what is wanted; speeds are those of the floor's."""
        found = []
        upsert, planned = self.took[UPSERT], self.took[PLAN]
        for pace, forced in self.force.items():
            by = f"of {self.share}, {pace}, against one upsert"
            if self.share == ALL:
                found.append(Goal.at_least(f"force alone {by}", upsert / forced, 0.8))
                found.append(Goal.at_least(f"plan + force {by}", upsert / (planned + forced), 0.5))
            else:
                found.append(Goal.at_least(f"plan + force {by}", upsert / (planned + forced), 2))
        if self.share != ALL:
            found.append(Goal.at_least(f"plan of {self.share} against a bare diff", self.took[DIFF] / planned, 0.7))
        return found


def floor_times(stage: Stage, share: str, paces: Sequence[Pace], rounds: int) -> FloorTimes:
    """Time each in turn, every time on wallets that were spoilt anew and vacuumed."""
    measured = [_round(stage, share, paces) for _ in range(rounds)]
    took = median_each([bare for bare, _ in measured])
    forced = median_each([forces for _, forces in measured])
    return FloorTimes(stage.players, share, rounds, took, forced)


def _round(stage: Stage, share: str, paces: Sequence[Pace]) -> tuple[dict[str, float], dict[str, float]]:
    took: dict[str, float] = {}
    force_seconds: dict[str, float] = {}
    stage.spoil(share)
    took[DIFF] = seconds(lambda: stage.run(BARE_DIFF))
    took[UPSERT] = seconds(lambda: stage.run(BARE_UPSERT))
    if share != ALL:
        stage.spoil(share)
        took[SPARING] = seconds(lambda: stage.run(SPARING_UPSERT))
    plans: list[float] = []
    for pace in paces:
        stage.spoil(share)
        began = time.perf_counter()
        plan_id = plan(pace)
        planned = time.perf_counter()
        outcome = force(pace, plan_id)
        force_seconds[pace.name] = time.perf_counter() - planned
        plans.append(planned - began)
        assert outcome.drifted == 0, "nobody else writes here"
        assert stage.run(BARE_DIFF) == [(0,)], "force has to bring every wallet in line, or its time says nothing"
    took[PLAN] = statistics.median(plans)
    return took, force_seconds
