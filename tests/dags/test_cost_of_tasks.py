"""What a task of the health check loads, where nothing was loaded before it; and what its cost is measured against."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.airflow, pytest.mark.postgres]

ROOT = Path(__file__).parents[2]
QUIET = f"""
import json, runpy, sys
dag = runpy.run_path({str(ROOT / "dags" / "ledger_health_check.py")!r})
from ledger_guard.domain.signals import Trigger
from ledger_guard.entrypoints.airflow.adapters import judge, open_dependencies
from ledger_guard.use_cases.health_check.decide import decide
from ledger_guard.use_cases.health_check.sense import sense

loaded = {{}}
def note(what):
    loaded[what] = [name for name in ("numpy", "scipy", "matplotlib", "alembic", "slack_sdk") if name in sys.modules]
deps = open_dependencies()
dag["watching"].watch_and_verify(deps), dag["flag_reminders"].watch_and_remind(deps), dag["calling"].remind_and_call(deps)
dag["modes"].see_modes(deps), dag["restored"].watch_restored(deps)
note("housekeeping")
if sys.argv[1] == "new windows":
    sense(deps, Trigger("T1"))
    note("sense")
decide(deps, judge(deps, Trigger("T1")))
note(sys.argv[1])
print(json.dumps(loaded))
"""


def loaded_by_a_quiet_check(what: str) -> dict[str, list[str]]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "include")}
    command = [sys.executable, "-W", "ignore", "-c", QUIET, what]
    result = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return json.loads(result.stdout.splitlines()[-1])


def test_a_task_loads_what_it_needs_and_judging_scipy_only_for_a_new_window(lived, channel):
    new = loaded_by_a_quiet_check("new windows")
    assert (new["housekeeping"], new["sense"]) == ([], [])
    assert new["new windows"] == ["numpy", "scipy"]
    assert "scipy" not in loaded_by_a_quiet_check("nothing new")["nothing new"]


def test_the_benchmarks_empty_dag_has_the_tasks_of_the_health_check(dag_bag):
    from airflow.dag_processing.dagbag import DagBag

    empty = DagBag(str(ROOT / "benchmarks" / "sensing" / "same_shape.py")).dags["same_shape"]
    assert shape(empty) == shape(dag_bag.dags["ledger_health_check"])


def shape(dag) -> dict[str, tuple]:
    """Each task's operator, what follows it, and when it starts."""
    return {
        task.task_id: (task.task_type, sorted(task.downstream_task_ids), str(task.trigger_rule), task.is_mapped)
        for task in dag.tasks
    }
