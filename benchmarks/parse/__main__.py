"""`python -m benchmarks.parse [--pairs N]`: CPU seconds from a process' start to a parsed DAG file, against an empty one.

The floor is a file with an empty DAG that imports the same operators. Both are run one after the other, so that a noisy machine
hits both alike; told is the median of the pairs' ratios. The goal is at most 1.3.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).parents[2]
GOAL = 1.3
FLOOR = """\
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Param, TriggerRule, XComArg, dag, get_current_context, task, task_group
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException


@dag(dag_id="floor", schedule=None)
def floor():
    EmptyOperator(task_id="nothing")


floor()
"""


def cpu_seconds(file: Path, home: str) -> float:
    """CPU seconds of a Python process that does nothing but run the file."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "include"), "AIRFLOW_HOME": home}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, str(file)], check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print one line a DAG file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5)
    pairs = parser.parse_args().pairs
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "floor.py"
        empty.write_text(FLOOR)
        files = sorted((PROJECT / "dags").glob("*.py"))
        for file in (empty, *files):
            cpu_seconds(file, folder)
        print(f"CPU from start to parsed, against an empty DAG file with the same operators; goal: at most {GOAL}")
        for file in files:
            taken = [(cpu_seconds(empty, folder), cpu_seconds(file, folder)) for _ in range(pairs)]
            ratio = statistics.median(own / floor for floor, own in taken)
            seconds = statistics.median(own for _, own in taken)
            print(f"  {file.name:26} {ratio:5.2f} times  {seconds:5.2f} s  {'' if ratio <= GOAL else 'beyond the goal'}")


if __name__ == "__main__":
    main()
