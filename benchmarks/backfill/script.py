"""Plan and force against the stand-in of the platform's own script, on the same tenant."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from dataclasses import dataclass

from benchmarks.backfill.goals import Goal
from benchmarks.backfill.pace import Pace
from benchmarks.backfill.plan_and_force import force, plan
from benchmarks.backfill.stage import Stage, seconds
from benchmarks.backfill.statements import ALL, SHARES, TENANT

SCRIPT = "ledger_sandbox.backfill_wallet_balances"


@dataclass(frozen=True)
class ScriptTimes:
    """Median seconds over one tenant."""

    players: int
    rounds: int
    script: float
    #: share of differing wallets → plan and force; the script takes the same time whatever differs
    ours: dict[str, float]

    def goals(self) -> list[Goal]:
        """Players a second as a multiple of the script's."""
        return [
            Goal.at_least(f"plan + force of {share}, {self.players:,} players, against the script", self.script / ours, 60)
            for share, ours in self.ours.items()
        ]


def script_times(stage: Stage, pace: Pace, rounds: int) -> ScriptTimes:
    """Time both; the script with its start, since it is only ever run as a process."""
    script: list[float] = []
    ours: dict[str, list[float]] = {share: [] for share in SHARES}
    for _ in range(rounds):
        stage.spoil(ALL)
        script.append(seconds(lambda: _run_script(stage.uri)))
        for share, took in ours.items():
            stage.spoil(share)
            took.append(seconds(lambda: force(pace, plan(pace))))
    return ScriptTimes(
        stage.players, rounds, statistics.median(script), {share: statistics.median(took) for share, took in ours.items()}
    )


def _run_script(uri: str) -> None:
    subprocess.run(
        [sys.executable, "-m", SCRIPT, "--tenant-id", TENANT, "--force"], check=True, env={**os.environ, "DATABASE_URL": uri}
    )
