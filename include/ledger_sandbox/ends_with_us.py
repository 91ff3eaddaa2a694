"""Ends processes when this one ends, also when killed: a killed demo or test run leaves no server behind.

A separate process watches: it reads from a pipe that only this process holds open, so it notices every end of this one, even by
SIGKILL. It imports only the standard library and sleeps until then.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

_DISMISSED = b"."


class EndsWithUs:
    """A watch over process groups, from now until `dismiss`."""

    def __init__(self, leaders: Sequence[int], first: signal.Signals = signal.SIGTERM, *, patience_seconds: float = 10.0) -> None:
        """`leaders` get `first` when this process has ended; after the patience the rest of their groups gets SIGKILL."""
        arguments = [str(int(first)), str(patience_seconds), *map(str, leaders)]
        self._watch = subprocess.Popen(  # noqa: S603
            [sys.executable, "-I", "-S", __file__, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # what ends this process's group must not end the watch
            start_new_session=True,
        )

    def dismiss(self) -> None:
        """End the watch; the processes are left alone. Does nothing the second time."""
        with suppress(BrokenPipeError, ValueError):
            self._watch.communicate(_DISMISSED)


def _end(leaders: Sequence[int], first: int, patience_seconds: float) -> None:
    for leader in leaders:
        with suppress(ProcessLookupError):
            os.kill(leader, first)
    deadline = time.monotonic() + patience_seconds
    while time.monotonic() < deadline and any(map(_is_there, leaders)):
        time.sleep(0.1)
    for leader in leaders:
        with suppress(ProcessLookupError):
            os.killpg(leader, signal.SIGKILL)


def _is_there(leader: int) -> bool:
    try:
        os.kill(leader, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    # the pipe's end, without a word before it, is the other process's end
    if sys.stdin.buffer.read() != _DISMISSED:
        _end([int(each) for each in sys.argv[3:]], int(sys.argv[1]), float(sys.argv[2]))
