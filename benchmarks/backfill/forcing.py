"""Plans and forces one tenant again and again, as a process of its own.

    python -m benchmarks.backfill.forcing SECONDS

Works at the policy's pace on the tenant of the database that AIRFLOW_CONN_LEDGER_DB names; prints `ready` once it begins, and
its counts as JSON when time is up. Before each plan, a quarter of the wallets is spoilt: an amount goes from available to
pending, so that what a wallet holds in all stays true and the plan calls it stale. A few are spoilt at a time, lest that holds
money up.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict, dataclass, field

import psycopg
from typing_extensions import LiteralString

from benchmarks.backfill.pace import Pace, policy_pace
from benchmarks.backfill.plan_and_force import force, plan
from benchmarks.backfill.statements import SPOIL_WALLETS

_A_QUARTER: LiteralString = "select id from player where right(id, 1) in ('0', '4', '8', 'c') order by id"
#: wallets spoilt in one transaction
SPOILT_AT_ONCE = 50


@dataclass
class Forced:
    """Counts over all rounds."""

    rounds: int = 0
    applied: int = 0
    #: rows that force left alone since money had moved since the plan
    drifted: int = 0
    #: from when to when each force ran, by the monotonic clock, which all processes of a machine share
    spans: list[tuple[float, float]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """How long force ran in all."""
        return sum(until - since for since, until in self.spans)


def forced_again(pace: Pace, seconds: float) -> Forced:
    """Spoil, plan and force until time is up; the last round is carried to its end."""
    total = Forced()
    until = time.monotonic() + seconds
    with psycopg.connect(os.environ["AIRFLOW_CONN_LEDGER_DB"], autocommit=True) as connection:
        ids = [row[0] for row in connection.execute(_A_QUARTER)]
        while time.monotonic() < until:
            for start in range(0, len(ids), SPOILT_AT_ONCE):
                some = ids[start : start + SPOILT_AT_ONCE]
                connection.execute(SPOIL_WALLETS + "tenant_id = 'bench' and player_id = any(%(ids)s)", {"ids": some})
            plan_id = plan(pace)
            since = time.monotonic()
            outcome = force(pace, plan_id)
            total.spans.append((since, time.monotonic()))
            total.rounds += 1
            total.applied += outcome.applied
            total.drifted += outcome.drifted
    return total


def main() -> None:
    """Do so and print."""
    pace = policy_pace()
    print("ready", flush=True)
    print(json.dumps(asdict(forced_again(pace, float(sys.argv[1])))))


if __name__ == "__main__":
    main()
