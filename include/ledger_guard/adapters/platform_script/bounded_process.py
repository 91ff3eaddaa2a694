"""Runs a program in its own process group, within limits, and passes on its lines as they come."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ledger_guard.domain.command_outcome import CommandEnd

#: of a line, more bytes than these are dropped
LONGEST_LINE_BYTES = 65_536
_KEEPER = Path(__file__).with_name("command_keeper.py")
_READ_BYTES = 65_536
#: how often cancellation and deadlines are looked at
_LOOK_SECONDS = 0.1
#: how long output is still read when the group is gone: only a process that left the group can hold the pipes open
_DRAIN_SECONDS = 1.0


@dataclass(frozen=True)
class Bounds:
    """How long a program may take, and from SIGTERM to SIGKILL."""

    timeout_seconds: float
    term_grace_seconds: float


def run_bounded(
    command: Sequence[str],
    working_directory: str,
    environment: Mapping[str, str],
    bounds: Bounds,
    is_cancelled: Callable[[], bool],
    on_line: Callable[[str], None],
) -> tuple[CommandEnd, int | None]:
    """Run `command`, an argument list, to its end; returns how that came, and the exit code or None when it was ended here.

    Cancelled before, it is not started.

    `on_line` gets each line of stdout and stderr while the program runs, undecodable bytes replaced. Whatever ends this call,
    an exception included, the program and all of its group are gone and reaped when it returns; a process that left the group
    (setsid) is not reached. When this process itself is killed, the keeper ends the group.
    """
    if is_cancelled():
        return CommandEnd.CANCELLED, None
    with _started(command, working_directory, environment) as process:
        return _Follower(process, bounds, is_cancelled, on_line).followed()


@contextmanager
def _started(command: Sequence[str], working_directory: str, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(  # noqa: S603  an argument list, never a shell
        [sys.executable, "-I", "-S", str(_KEEPER), *command],
        cwd=working_directory,
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            # Before the leader is reaped its group's number can't belong to another process.
            _signal_group(process, signal.SIGKILL)
            process.wait()


class _Follower:
    """Reads one process to its end, minding bounds and cancellation."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        bounds: Bounds,
        is_cancelled: Callable[[], bool],
        on_line: Callable[[str], None],
    ) -> None:
        self._process = process
        self._bounds = bounds
        self._is_cancelled = is_cancelled
        self._selector = selectors.DefaultSelector()
        self._end = CommandEnd.EXITED
        self._deadline = time.monotonic() + bounds.timeout_seconds
        for pipe in (process.stdout, process.stderr):
            assert pipe is not None, "both were asked for"
            self._selector.register(pipe, selectors.EVENT_READ, _Lines(on_line))

    def followed(self) -> tuple[CommandEnd, int | None]:
        with self._selector:
            while not _has_exited(self._process):
                self._read(_LOOK_SECONDS)
                self._mind_bounds()
            # What the program left behind could still write.
            _signal_group(self._process, signal.SIGKILL)
            drained_by = time.monotonic() + _DRAIN_SECONDS
            while self._selector.get_map() and time.monotonic() < drained_by:
                self._read(_LOOK_SECONDS)
        code = self._process.wait()
        if self._end is not CommandEnd.EXITED:
            return self._end, None
        # Negative: the keeper itself was killed.
        return self._end, 128 - code if code < 0 else code

    def _read(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            chunk = os.read(key.fd, _READ_BYTES)
            key.data.feed(chunk)
            if not chunk:
                self._selector.unregister(key.fileobj)

    def _mind_bounds(self) -> None:
        now = time.monotonic()
        if self._end is not CommandEnd.EXITED:
            if now >= self._deadline:
                _signal_group(self._process, signal.SIGKILL)
        elif self._is_cancelled() or now >= self._deadline:
            self._end = CommandEnd.CANCELLED if self._is_cancelled() else CommandEnd.TIMED_OUT
            self._deadline = now + self._bounds.term_grace_seconds
            _signal_group(self._process, signal.SIGTERM)


class _Lines:
    """Puts the chunks of one pipe together to lines; an empty chunk is its end."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._pending = b""

    def feed(self, chunk: bytes) -> None:
        *lines, pending = (self._pending + chunk).split(b"\n")
        for line in lines:
            self._hand_on(line)
        self._pending = pending[:LONGEST_LINE_BYTES]
        if not chunk and self._pending:
            self._hand_on(self._pending)
            self._pending = b""

    def _hand_on(self, line: bytes) -> None:
        self._on_line(line[:LONGEST_LINE_BYTES].decode(errors="replace").rstrip("\r"))


def _has_exited(process: subprocess.Popen[bytes]) -> bool:
    """Whether the process has ended, leaving it to be reaped later."""
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    # Reaped already: the number is free, and nothing of the group is left that this call could mean.
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
