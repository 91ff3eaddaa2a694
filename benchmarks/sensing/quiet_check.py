"""A quiet health check on the real scheduler, against a DAG of the same shape whose tasks do nothing, in turn.

CPU is that of the executor's workers and the tasks' processes. The world is the sandbox's: three days of ordinary traffic behind
it, and one new window for each check, as every five minutes.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.sensing.processes import cpu_seconds_below
from ledger_sandbox.airflow_api import wait_for
from ledger_sandbox.demo_scenario import seed
from ledger_sandbox.rehearsal import Rehearsal
from ledger_sandbox.running import REPOSITORY
from ledger_sandbox.stack import Stack

GOAL = 1.5
SAME_SHAPE = Path(__file__).with_name("same_shape.py")


@dataclass(frozen=True)
class Cost:
    """One run of a DAG."""

    wall_seconds: float
    cpu_seconds: float


def measure(pairs: int, *, preloaded: bool) -> list[tuple[Cost, Cost]]:
    """Costs of the empty DAG and of the health check, run in turn after one of each to warm up.

    `preloaded`: the scheduler has loaded the guard's code before it forks its tasks, as docs/operations.md advises.
    """
    folder = Path(tempfile.mkdtemp(prefix="ledger-guard-bench-"))
    dags = folder / "dags"
    shutil.copytree(REPOSITORY / "dags", dags, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(SAME_SHAPE, dags)
    try:
        settings = {"AIRFLOW__CORE__DAGS_FOLDER": str(dags)}
        with Stack(folder / "sandbox", _say, airflow_settings=settings, preloads=preloaded) as stack:
            seed(stack, _say)
            stack.wait_until_ready()
            rehearsal = Rehearsal(stack, _say)
            wait_for(lambda: "same_shape" in rehearsal.oncall.dag_ids(), "the empty DAG to be parsed", 120, _say)
            return [_pair(rehearsal) for _ in range(pairs + 1)][1:]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def report(pairs: int) -> None:
    """Print the ratios, with and without what the scheduler loads before."""
    print(f"quiet health check on the real scheduler, against the same tasks without a body; goal: at most {GOAL}")
    for preloaded in (False, True):
        taken = measure(pairs, preloaded=preloaded)
        for what, of in (("wall", lambda cost: cost.wall_seconds), ("CPU", lambda cost: cost.cpu_seconds)):
            _line(f"{what}, {'code loaded before' if preloaded else 'plain scheduler'}", taken, of)


def _line(what: str, taken: list[tuple[Cost, Cost]], of: Callable[[Cost], float]) -> None:
    ratio = statistics.median(of(check) / of(empty) for empty, check in taken)
    empty, check = (statistics.median(of(cost) for cost in side) for side in zip(*taken, strict=True))
    print(f"  {what:26} {ratio:5.2f} times  {check:5.1f} s, {empty:5.1f} s empty  {'' if ratio <= GOAL else 'beyond the goal'}")


def _pair(rehearsal: Rehearsal) -> tuple[Cost, Cost]:
    rehearsal.pass_time(1)
    return _cost(rehearsal, "same_shape"), _cost(rehearsal, "ledger_health_check")


def _cost(rehearsal: Rehearsal, dag_id: str) -> Cost:
    processes = rehearsal.stack.processes
    assert processes is not None, "entered"
    scheduler = processes.running["scheduler"].pid
    cpu, start = cpu_seconds_below(scheduler), time.monotonic()
    run_id = rehearsal.oncall.trigger(dag_id, {})
    rehearsal.ended(dag_id, run_id, must_be="success")
    return Cost(time.monotonic() - start, cpu_seconds_below(scheduler) - cpu)


def _say(what: str) -> None:
    print(f"\r  waiting for {what}"[:100].ljust(100), end="\r", file=sys.stderr)
