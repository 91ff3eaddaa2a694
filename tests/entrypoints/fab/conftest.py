"""The stack under FAB as Airflow's documentation sets it up: users from its command line, tokens from its login."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

import pytest
from tests.attacks.scene import Run, Scene
from tests.folders import run_folder

from ledger_sandbox.airflow_processes import AirflowProcesses, password_of

FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
#: Airflow's own roles of FAB; the policy names payments-lead and ops-lead as approvers, and mallory nowhere
USERS = {"admin": "Admin", "oncall": "User", "payments-lead": "User", "ops-lead": "User", "mallory": "User"}


def create_users(processes: AirflowProcesses) -> None:
    """Run `airflow users create` once for each; the first makes FAB's roles, so it goes ahead."""
    first, *others = USERS
    assert _created(processes, first).wait(120) == 0, log_of(processes)
    started = [_created(processes, name) for name in others]
    assert [each.wait(120) for each in started] == [0] * len(started), log_of(processes)


def _created(processes: AirflowProcesses, name: str) -> subprocess.Popen[bytes]:
    person = ["--username", name, "--password", password_of(name), "--role", USERS[name], "--email", f"{name}@example.com"]
    command = ["airflow", "users", "create", *person, "--firstname", "The same", "--lastname", "for everybody"]
    with (processes.places.home / "users.log").open("ab") as log:
        return subprocess.Popen(command, env=dict(processes.environment), stdout=log, stderr=log)


def log_of(processes: AirflowProcesses) -> str:
    return (processes.places.home / "users.log").read_text(encoding="utf-8")[-4000:]


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    from ledger_sandbox.stack import Stack

    folder = run_folder("fab")
    under_fab = {"AIRFLOW__CORE__AUTH_MANAGER": FAB}
    try:
        with Stack(folder / "sandbox", lambda _: None, airflow_settings=under_fab, before_airflow_starts=create_users) as stack:
            stack.wait_until_ready()
            yield Scene(stack)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def runs(scene) -> dict[str, Run]:
    """Backfills that payments-lead asked for, each waiting for an answer."""
    found = {name: scene.backfill(f"f-{name}", "payments-lead") for name in ("own", "others", "unnamed", "unnamed_reject")}
    *early, last = found.values()
    for run in early:
        scene.parked(run, pause=0)
    scene.parked(last)
    return found
