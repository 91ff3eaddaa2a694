"""A program gets its time and no more, and takes all its children with it, however it ends."""

from __future__ import annotations

import subprocess
import sys
import threading

import psutil
import pytest
from tests.adapters.platform_script.script_worlds import HANGING, INCLUDE, is_running, until

from ledger_guard.adapters.platform_script.bounded_process import Bounds, run_bounded
from ledger_guard.domain.command_outcome import CommandEnd

PATIENT = Bounds(timeout_seconds=60, term_grace_seconds=0.2)


class Lines(list[str]):
    """Lines as they come; `pids` of the hanging program, once it has told them."""

    @property
    def pids(self) -> list[int]:
        return [int(word) for line in self if line.startswith("pids ") for word in line.split()[1:]]


def run(code: str, lines: Lines, bounds: Bounds = PATIENT, is_cancelled=lambda: False, on_line=None):
    return run_bounded([sys.executable, "-c", code], "/", {}, bounds, is_cancelled, on_line or lines.append)


def test_lines_of_both_streams_come_while_the_program_runs():
    cancelled, lines = threading.Event(), Lines()

    def note(line: str) -> None:
        lines.append(line)
        if len(lines) == 2:
            cancelled.set()

    code = "import sys, time; print('out', flush=True); print('err', file=sys.stderr, flush=True); time.sleep(600)"
    end, _ = run(code, lines, is_cancelled=cancelled.is_set, on_line=note)
    assert (end, sorted(lines)) == (CommandEnd.CANCELLED, ["err", "out"])


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [("pass", 0), ("raise SystemExit(3)", 3), ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 137)],
    ids=["done", "failed", "killed by somebody else"],
)
def test_the_exit_code_is_what_a_shell_would_tell(code, exit_code):
    assert run(code, Lines()) == (CommandEnd.EXITED, exit_code)


def test_a_last_line_without_an_end_and_bytes_that_are_no_text_are_reported_too():
    lines = Lines()
    run(r"import sys; sys.stdout.buffer.write(b'caf\xe9\nlast')", lines)
    assert lines == ["caf�", "last"]


def test_a_line_without_end_fills_no_memory():
    lines = Lines()
    run("import sys; sys.stdout.write('x' * 5_000_000 + '\\nnext\\n')", lines)
    assert [len(lines[0]) <= 70_000, lines[1:]] == [True, ["next"]]


def test_a_program_that_hangs_is_ended_with_its_children_at_the_timeout():
    lines = Lines()
    found = run(HANGING, lines, Bounds(timeout_seconds=3, term_grace_seconds=0.2))
    assert found == (CommandEnd.TIMED_OUT, None)
    assert len(lines.pids) == 2
    until(lambda: not any(map(is_running, lines.pids)))


def test_cancelling_ends_it_with_its_children():
    lines = Lines()
    assert run(HANGING, lines, is_cancelled=lambda: bool(lines.pids)) == (CommandEnd.CANCELLED, None)
    until(lambda: not any(map(is_running, lines.pids)))


def test_what_was_cancelled_before_is_not_started(tmp_path):
    marker = tmp_path / "started"
    assert run(f"open({str(marker)!r}, 'w')", Lines(), is_cancelled=lambda: True) == (CommandEnd.CANCELLED, None)
    assert not marker.exists()


def test_a_keeper_that_is_killed_takes_nothing_with_it_that_lives_on():
    lines = Lines()

    def kill_keeper(line: str) -> None:
        lines.append(line)
        psutil.Process(lines.pids[0]).parent().kill()

    assert run(HANGING, lines, on_line=kill_keeper) == (CommandEnd.EXITED, 137)
    until(lambda: not any(map(is_running, lines.pids)))


def test_a_program_may_end_by_itself_between_sigterm_and_sigkill():
    code = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (os.write(1, b"put away\\n"), sys.exit(0)))
os.write(1, b"ready\\n")
time.sleep(600)
"""
    lines = Lines()
    run(code, lines, Bounds(timeout_seconds=60, term_grace_seconds=30), is_cancelled=lambda: bool(lines))
    assert lines == ["ready", "put away"]


def test_an_interrupted_call_leaves_nothing_behind():
    lines = Lines()

    def interrupt(line: str) -> None:
        lines.append(line)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(HANGING, lines, on_line=interrupt)
    assert len(lines.pids) == 2
    until(lambda: not any(map(is_running, lines.pids)))


def test_children_that_outlive_the_program_are_ended_too():
    """Left alone they could go on writing after the writer lock is free."""
    code = HANGING.replace("time.sleep(600)\n", "")
    lines = Lines()
    assert run(code, lines) == (CommandEnd.EXITED, 0)
    assert len(lines.pids) == 2
    until(lambda: not any(map(is_running, lines.pids)))


def test_a_guard_that_is_killed_takes_the_program_with_it():
    code = f"""
import sys
sys.path.insert(0, {str(INCLUDE)!r})
from ledger_guard.adapters.platform_script.bounded_process import Bounds, run_bounded
command = [sys.executable, "-c", {HANGING!r}]
run_bounded(command, "/", {{}}, Bounds(600, 1), lambda: False, lambda line: print(line, flush=True))
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as guard:
        assert guard.stdout is not None
        lines = Lines([guard.stdout.readline()])
        assert len(lines.pids) == 2
        assert all(map(is_running, lines.pids))
        guard.kill()
    until(lambda: not any(map(is_running, lines.pids)))
