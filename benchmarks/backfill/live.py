"""Plan and force while money moves on the same tenant: what moves wait, and whether any of it is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

from benchmarks.backfill.forcing import Forced
from benchmarks.backfill.goals import Goal
from benchmarks.backfill.stage import Stage
from benchmarks.backfill.statements import DRIFT, LOST
from benchmarks.backfill.traffic import Waits, move_money

MOVES_PER_SECOND = 300


@dataclass(frozen=True)
class Live:
    """What was found after both had ended."""

    players: int
    seconds: float
    #: without force, on the same tenant
    alone: Waits
    together: Waits
    forced: Forced
    #: of `together`, the moves that were under way while force wrote
    within: Waits
    #: wallets that differ though no cause but us
    drift: int
    #: wallets that lack money which the ledger booked, and how much
    lacking: int
    lost_usd: float

    def goals(self) -> list[Goal]:
        """Nothing made to differ, nothing lost, nobody kept waiting."""
        return [
            Goal.at_most("drift made under live traffic", self.drift, 0, "wallets"),
            Goal.at_most("credits lost under live traffic", self.lacking, 0, "wallets"),
            Goal.at_most("p99 wait of a move while force writes", self.within.percentile(0.99), 50, "ms"),
        ]


def live(stage: Stage, seconds: float) -> Live:
    """MoneyMovement money alone, then for as long beside the forcing process, and check every wallet."""
    stage.clear_up()
    alone = move_money(stage.uri, MOVES_PER_SECOND, seconds, "alone")
    stage.clear_up()
    command = [sys.executable, "-m", "benchmarks.backfill.forcing", str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None, "it was asked for"
        assert process.stdout.readline() == "ready\n", "forcing did not start; what it wrote to stderr says why"
        together = move_money(stage.uri, MOVES_PER_SECOND, seconds, "together")
        forced = Forced(**json.loads(process.stdout.read()))
    [(drift,)], [(lacking, lost_usd)] = stage.run(DRIFT), stage.run(LOST)
    return Live(stage.players, seconds, alone, together, forced, together.within(forced.spans), drift, lacking, lost_usd)
