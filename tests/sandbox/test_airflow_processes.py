"""Airflow's processes in the sandbox are kept running, and end when they are stopped."""

from __future__ import annotations

import os
import select
import signal
import sys

import pytest

from ledger_sandbox.airflow_processes import COMPONENTS, MOST_RESTARTS, AirflowPlaces, AirflowProcesses

LONG_SECONDS = 30.0
SAY = "import os, signal, sys; os.write(os.open(os.environ['TOLD'], os.O_WRONLY), f'{sys.argv[1]} {os.getpid()}\\n'.encode());"
STAYS = SAY + "signal.pause()"
ENDS = SAY + "sys.exit(7)"


@pytest.fixture
def told(tmp_path):
    """A pipe with a name, into which each component says that it has begun."""
    os.mkfifo(tmp_path / "told")
    descriptor = os.open(tmp_path / "told", os.O_RDWR)
    with os.fdopen(descriptor, "rb", buffering=0) as pipe:
        yield pipe


@pytest.fixture
def processes_of(tmp_path):
    """Components that run this code in place of Airflow's; stopped at the end."""
    made: list[AirflowProcesses] = []

    def processes(code: str) -> AirflowProcesses:
        places = AirflowPlaces(tmp_path, tmp_path, metadata_uri="", api_port=9, log_port=9)
        environment = {**os.environ, "TOLD": str(tmp_path / "told")}
        made.append(AirflowProcesses(places, environment, command=(sys.executable, "-S", "-c", code), look_seconds=0.01))
        made[-1].start()
        return made[-1]

    yield processes
    for each in made:
        each.stop()


def begun(told, count: int) -> list[tuple[str, int]]:
    """The next so many beginnings: component and process id."""
    found: list[tuple[str, int]] = []
    while len(found) < count:
        assert select.select([told], [], [], LONG_SECONDS)[0], f"only {found} began"
        lines = told.read(4096).decode().splitlines()
        found += [(name, int(pid)) for name, pid in (line.split() for line in lines)]
    assert len(found) == count, found
    return found


def test_a_component_that_ends_by_itself_is_started_again(processes_of, told):
    processes = processes_of(STAYS)
    first = dict(begun(told, len(COMPONENTS)))
    assert set(first) == set(COMPONENTS)
    os.kill(first["scheduler"], signal.SIGKILL)
    [(name, pid)] = begun(told, 1)
    assert (name, pid != first["scheduler"]) == ("scheduler", True)
    assert processes.restarts == {"api-server": 0, "scheduler": 1, "dag-processor": 0}


def test_one_that_keeps_ending_is_given_up_and_its_log_named(processes_of, told, tmp_path):
    processes = processes_of(ENDS)
    begun(told, len(COMPONENTS) * (1 + MOST_RESTARTS))
    with pytest.raises(RuntimeError, match=r"airflow [a-z-]+ ended with 7; read .*\.log"):
        processes.wait_until_healthy(LONG_SECONDS, lambda _: None)


def test_nothing_is_started_again_once_it_is_stopped(processes_of, told):
    processes = processes_of(STAYS)
    pids = [pid for _, pid in begun(told, len(COMPONENTS))]
    processes.stop()
    assert not select.select([told], [], [], 0.2)[0]
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
