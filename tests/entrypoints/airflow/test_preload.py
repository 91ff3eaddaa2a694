"""What a process loads in advance that starts tasks: everything that they need, and only there."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.airflow

PROJECT = Path(__file__).parents[3]
LOADED = f"""
import json, runpy, sys
sys.argv, files = json.loads(sys.argv[1])
sys.path.append({str(PROJECT / "config")!r})
import airflow_local_settings
before = set(sys.modules)
for name in files:
    runpy.run_path(name)
print(json.dumps([sorted(name for name in names if name.split(".")[0] in ("ledger_guard", "scipy", "numpy"))
    for names in (before, set(sys.modules) - before)]))
"""


def loaded(*arguments: str, dags: str = "*") -> tuple[list[str], list[str]]:
    """The guard's modules, NumPy's and SciPy's: after Airflow has read its local settings, and what the DAG files then add."""
    files = [str(path) for path in sorted((PROJECT / "dags").glob(f"{dags}.py"))]
    command = [sys.executable, "-W", "ignore", "-c", LOADED, json.dumps([arguments, files])]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    before, added = json.loads(result.stdout.splitlines()[-1])
    return before, added


@pytest.mark.parametrize("component", ["scheduler", "dag-processor", "celery"])
def test_a_process_that_starts_tasks_loads_all_that_dag_files_and_judging_need(component):
    before, added = loaded("/usr/local/bin/airflow", component)
    assert {"ledger_guard.wiring", "ledger_guard.use_cases.health_check.classify", "numpy", "scipy.special"} <= set(before)
    assert added == []


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("/usr/local/bin/airflow", "tasks", "run"), id="one task"),
        pytest.param(("/usr/local/bin/airflow", "api-server"), id="API"),
        pytest.param(("/usr/local/bin/airflow",), id="no component"),
        pytest.param(("/usr/local/bin/gunicorn", "scheduler"), id="not Airflow"),
    ],
)
def test_any_other_process_loads_nothing_in_advance_and_the_health_checks_file_brings_no_numpy(arguments):
    before, added = loaded(*arguments, dags="ledger_health_check")
    assert "ledger_guard.wiring" not in before
    assert [name for name in before + added if name.startswith(("numpy", "scipy"))] == []
