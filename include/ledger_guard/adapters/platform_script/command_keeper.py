"""Runs one command and takes it down when whoever started the keeper is gone, even by SIGKILL.

    python -I -S command_keeper.py PROGRAM ARGUMENT…

Started as leader of a process group of its own, with a pipe on stdin that its parent holds open and never writes to: the
pipe ends when the parent does, and then the whole group is killed. Otherwise the command could go on writing after the
tenant's writer lock has ended with its holder. Exit code: the command's, or 128 + n when signal n ended it; 127 when it
can't be started. Imports the standard library only.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from types import FrameType


def _leave_it_to_the_command(_number: int, _frame: FrameType | None) -> None:
    """SIGTERM goes to the whole group: the command decides how it ends, the keeper reports it."""


def _kill_group_when_parent_is_gone() -> None:
    os.read(0, 1)
    os.killpg(0, signal.SIGKILL)


def main(command: list[str]) -> int:
    """Run `command` to its end and return its exit code."""
    # A handler, not SIG_IGN: the command would inherit that.
    signal.signal(signal.SIGTERM, _leave_it_to_the_command)
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603  an argument list, never a shell
    except OSError as error:
        print(f"can't be started: {error.strerror}", file=sys.stderr)  # noqa: T201  this is a program
        return 127
    threading.Thread(target=_kill_group_when_parent_is_gone, daemon=True).start()
    code = child.wait()
    return 128 - code if code < 0 else code


if __name__ == "__main__":
    # Not sys.exit: nothing is to wait for the thread that reads.
    os._exit(main(sys.argv[1:]))
