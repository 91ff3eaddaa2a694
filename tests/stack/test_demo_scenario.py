"""The demo's story, played on the real scheduler: three Airflow processes, a real Postgres, real HTTP."""

import shutil

import pytest
from tests.folders import run_folder

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]


def test_the_whole_demo_scenario_happens_on_the_real_scheduler():
    from ledger_sandbox.demo_scenario import DemoScenario, seed
    from ledger_sandbox.rehearsal import Rehearsal
    from ledger_sandbox.stack import Stack

    folder = run_folder("stack")
    said: list[str] = []
    try:
        with Stack(folder / "sandbox", said.append, preferred_port=0) as stack:
            seed(stack, said.append)
            stack.wait_until_ready()
            for title, step in DemoScenario(Rehearsal(stack, said.append)).steps():
                try:
                    assert step().happened, title
                except Exception:
                    # what Airflow logged goes with the folder, so the end of it is shown with the failure
                    print((folder / "sandbox" / "airflow" / "scheduler.log").read_text()[-8000:])  # noqa: T201
                    for log in sorted((folder / "sandbox" / "airflow" / "logs").rglob("task_id=request_approval/*.log")):
                        print(log, log.read_text()[-4000:])  # noqa: T201
                    raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
