"""CPU seconds of a process and all that it started, from /proc."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
#: fields of /proc/PID/stat behind the name: parent, then own user and system time, then those of children that were waited for
_PARENT, _OWN, _WAITED_FOR = 1, slice(11, 13), slice(13, 15)


def cpu_seconds_below(top: int) -> float:
    """CPU seconds of everything that a process started, ended processes included, without its own."""
    stats = _stats()
    children = defaultdict(list)
    for process, fields in stats.items():
        children[int(fields[_PARENT])].append(process)
    ticks = sum(map(int, stats[top][_WAITED_FOR]))
    below = [*children[top]]
    while below:
        process = below.pop()
        ticks += sum(map(int, [*stats[process][_OWN], *stats[process][_WAITED_FOR]]))
        below += children[process]
    return ticks / _TICKS


def _stats() -> dict[int, list[str]]:
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                found[int(folder.name)] = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                # ended meanwhile: its time is in its parent's by the next look
                continue
    return found
