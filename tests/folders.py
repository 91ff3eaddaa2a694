"""Folders for what lives as long as a test run: its database servers and its Airflow. In memory where there is room.

A database is a few hundred files, and the tests make more than a thousand of them: a disk makes each cost ten times as much.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

_IN_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 3 * 1024**3
_PREFIX = "ledger-guard-tests-"


def run_folder(what: str) -> Path:
    """A new folder, to be removed by whoever asked for it; its name holds the id of this process."""
    in_memory = _IN_MEMORY.is_dir() and shutil.disk_usage(_IN_MEMORY).free >= _ROOM_BYTES
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-{what}-", dir=_IN_MEMORY if in_memory else None))


def remove_left_behind() -> None:
    """Remove what killed runs left in memory: the folders whose process is gone."""
    for folder in _IN_MEMORY.glob(f"{_PREFIX}*"):
        process = folder.name.removeprefix(_PREFIX).split("-")[0]
        if not Path("/proc", process).exists():
            shutil.rmtree(folder, ignore_errors=True)
