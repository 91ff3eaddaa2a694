"""How fast the `backtest` command is as a whole: starting, reading, judging, putting into words, writing."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import ledger_guard
from benchmarks.detection.labels import START
from benchmarks.detection.speed import WINDOW_LENGTH, healthy_traffic, tenant_names
from ledger_guard.domain.windows import iso


@dataclass(frozen=True)
class WholeSpeed:
    """One run of the command over a plain file."""

    tenants: int
    windows: int
    megabytes_read: float
    seconds: float

    @property
    def verdicts_a_second(self) -> float:
        """Verdicts written, over the time from the command's start to its end."""
        return self.tenants * self.windows / self.seconds


def whole_backtest(tenants: int, windows: int) -> WholeSpeed:
    """Write a file of healthy traffic and run the command over it, in a process of its own; making the file is not timed."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "readings.csv"), Path(folder, "verdicts.csv")
        _write(source, tenants, windows)
        command = [sys.executable, "-m", "ledger_guard", "backtest", "--trigger", "T1", "--json"]
        path = os.pathsep.join([str(Path(ledger_guard.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
        began = time.perf_counter()
        subprocess.run(
            [*command, "--input", str(source), "--output", str(target)],
            check=True,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
        )
        seconds = time.perf_counter() - began
        return WholeSpeed(tenants, windows, source.stat().st_size / 1e6, seconds)


def _write(target: Path, tenants: int, windows: int) -> None:
    names = tenant_names(tenants)
    with target.open("w") as file:
        file.write("window_start,tenant_id,events,exposure\n")
        for window, (attempts, events) in enumerate(healthy_traffic(tenants, windows)):
            start = iso(START + window * WINDOW_LENGTH)
            rows = zip(names, events.tolist(), attempts.tolist(), strict=True)
            file.writelines(f"{start},{name},{failed},{tried}\n" for name, failed, tried in rows)
