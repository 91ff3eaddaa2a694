"""A killed demo or test run leaves no server behind."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys

import pytest

PARENT = """
import os, signal, subprocess, sys
from ledger_sandbox.ends_with_us import EndsWithUs
# a run in the background of a shell hands on that SIGINT is ignored
signal.signal(signal.SIGINT, signal.default_int_handler)
kept_open, child = int(sys.argv[1]), sys.argv[2]
server = subprocess.Popen([sys.executable, "-c", child], pass_fds=[kept_open], start_new_session=True, stdout=subprocess.PIPE)
assert server.stdout.readline()
watch = EndsWithUs([server.pid], signal.SIGTERM, patience_seconds=0.2)
if sys.argv[3] == "dismissed":
    watch.dismiss()
    watch.dismiss()
print(server.pid, flush=True)
sys.stdin.read()
"""
#: each holds the pipe's write end for as long as it lives, and so does its child
SERVER = "import signal; print(1, flush=True); signal.pause()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); signal.pause()"
WITH_CHILD = "import os, signal; os.fork(); signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); signal.pause()"
LONG_SECONDS = 20.0


@pytest.fixture
def started():
    """Starts a server and its parent; gives the parent, the server's pid and an end of a pipe that closes with the server."""
    left: list[int] = []
    parents: list[subprocess.Popen[bytes]] = []
    pipes: list[int] = []

    def start(server: str, word: str = "watched") -> tuple[subprocess.Popen[bytes], int, int]:
        reading, writing = os.pipe()
        parent = subprocess.Popen(
            [sys.executable, "-c", PARENT, str(writing), server, word],
            pass_fds=[writing],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        os.close(writing)
        assert parent.stdout is not None, "piped"
        pid = int(parent.stdout.readline())
        left.extend([parent.pid, pid])
        parents.append(parent)
        pipes.append(reading)
        return parent, pid, reading

    yield start
    for pid in left:
        try:
            os.killpg(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    for parent in parents:
        parent.communicate()
    for pipe in pipes:
        os.close(pipe)


def is_closed(reading: int, seconds: float) -> bool:
    """Whether nobody holds the pipe's other end any more, within so many seconds."""
    return bool(select.select([reading], [], [], seconds)[0])


@pytest.mark.parametrize(
    "server",
    [
        pytest.param(SERVER, id="a server that ends when asked"),
        pytest.param(STUBBORN, id="a server that does not"),
        pytest.param(WITH_CHILD, id="a server with a child"),
    ],
)
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_what_was_started_ends_with_who_started_it_however_that_went(started, server, how):
    parent, _, reading = started(server)
    assert not is_closed(reading, 0)
    os.killpg(parent.pid, how)
    assert is_closed(reading, LONG_SECONDS)


def test_a_watch_that_was_dismissed_ends_nothing(started):
    parent, pid, reading = started(SERVER, "dismissed")
    parent.kill()
    parent.wait()
    assert not is_closed(reading, 0.5)
    os.kill(pid, signal.SIGTERM)
    assert is_closed(reading, LONG_SECONDS)


def test_the_embedded_postgres_ends_with_a_killed_process(tmp_path_factory):
    """Its socket no longer answers: the postmaster's own pid file goes with it."""
    folder = tmp_path_factory.mktemp("killed") / "pgdata"
    script = (
        "import sys; from pathlib import Path; from ledger_sandbox.postgres import EmbeddedPostgres;"
        "server = EmbeddedPostgres(Path(sys.argv[1])); print('up', flush=True); sys.stdin.read()"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert parent.stdout is not None, "piped"
    assert parent.stdout.readline() == b"up\n"
    pid = int((folder / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
    gone = os.pidfd_open(pid)
    parent.kill()
    parent.communicate()
    assert is_closed(gone, LONG_SECONDS)
    os.close(gone)
