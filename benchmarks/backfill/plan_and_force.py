"""One plan and its force, without the approval that a person would give; run as a module, in a process of its own.

    python -m benchmarks.backfill.plan_and_force

Works at the policy's pace on the tenant of the database that AIRFLOW_CONN_LEDGER_DB names, and prints its figures as JSON.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.backfill.pace import Pace, policy_pace
from benchmarks.backfill.statements import TENANT
from ledger_guard.domain.plans import BackfillMode, ForceOutcome
from ledger_guard.use_cases.backfill.dry_run import dry_run

_STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class OwnProcess:
    """What one plan and force took, start of the interpreter and imports left out."""

    seconds: float
    applied: int
    #: the most memory that the process had before it began, and at its end
    megabytes_before: float
    megabytes: float


def plan(pace: Pace) -> str:
    """Make a plan of every differing wallet; returns its id."""
    return dry_run(pace.deps, TENANT, BackfillMode.FORCE, "bench").plan_id


def force(pace: Pace, plan_id: str) -> ForceOutcome:
    """Carry it out as the use case would once it is approved."""
    return pace.deps.backfill.force(plan_id, "bench", pace.batch_rows)


def in_own_process() -> OwnProcess:
    """Run this module on the database of this process's environment."""
    command = [sys.executable, "-m", "benchmarks.backfill.plan_and_force"]
    return OwnProcess(**json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))


def peak_megabytes() -> float:
    """The most memory that this process had.

    Linux counts into ru_maxrss what the parent had when it started this process; the figure in /proc begins at zero.
    """
    if _STATUS.exists():
        line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def main() -> None:
    """Measure and print."""
    pace, before = policy_pace(), peak_megabytes()
    began = time.perf_counter()
    outcome = force(pace, plan(pace))
    took = time.perf_counter() - began
    print(json.dumps(asdict(OwnProcess(took, outcome.applied, before, peak_megabytes()))))


if __name__ == "__main__":
    main()
