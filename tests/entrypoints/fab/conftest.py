"""The stack under FAB as Airflow's documentation sets it up: users from its command line, tokens from its login."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest
from tests.attacks.scene import Run, Scene
from tests.folders import run_folder

from ledger_sandbox.airflow_processes import AirflowProcesses, password_of

FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
#: Airflow's own roles of FAB; the policy names payments-lead and ops-lead as approvers, and mallory nowhere
USERS = {"admin": "Admin", "oncall": "User", "payments-lead": "User", "ops-lead": "User", "mallory": "User"}


#: Airflow's command line for one command after the other: Airflow is imported once, not once a person
COMMANDS = """
import json, sys
from airflow.cli.cli_parser import get_parser

for command in json.load(sys.stdin):
    arguments = get_parser().parse_args(command)
    arguments.func(arguments)
"""


def create_users(processes: AirflowProcesses) -> None:
    """Run `airflow users create` once for each."""
    with (processes.places.home / "users.log").open("ab") as log:
        commands = json.dumps([_create(name) for name in USERS]).encode()
        ended = subprocess.run(
            [sys.executable, "-c", COMMANDS], env=dict(processes.environment), input=commands, stdout=log, stderr=log, check=False
        )
    assert ended.returncode == 0, log_of(processes)


def _create(name: str) -> list[str]:
    person = ["--username", name, "--password", password_of(name), "--role", USERS[name], "--email", f"{name}@example.com"]
    return ["users", "create", *person, "--firstname", "The same", "--lastname", "for everybody"]


def log_of(processes: AirflowProcesses) -> str:
    return (processes.places.home / "users.log").read_text(encoding="utf-8")[-4000:]


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    from ledger_sandbox.stack import Stack

    folder = run_folder("fab")
    settings = {"airflow_settings": {"AIRFLOW__CORE__AUTH_MANAGER": FAB}, "before_airflow_starts": create_users}
    try:
        with Stack(folder / "sandbox", lambda _: None, preferred_port=0, **settings) as stack:
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
