"""Readings to backtest, and the command run over them."""

import csv
import gzip
from datetime import datetime, timedelta, timezone

import numpy as np
from tests.triggers import T1

from ledger_guard.detection.engine import SEVERITIES, Explanation, WindowBatch, WindowResult
from ledger_guard.domain.verdicts import Severity
from ledger_guard.domain.windows import iso
from ledger_guard.entrypoints.cli.main import main

START = datetime(2026, 3, 2, tzinfo=timezone.utc)
HEADER = "window_start,tenant_id,events,exposure"


def recorded(
    windows: int, *, minutes: int = 5, rise_from: int | None = None, missing: dict[int, set[str]] | None = None
) -> list[str]:
    """Readings of three tenants; `big` rises tenfold from a window on, and some rows are missing."""
    rng = np.random.default_rng(11)
    lines = [HEADER]
    for number in range(windows):
        for tenant, size in (("big", 900), ("middle", 200), ("tiny", 2)):
            exposure = int(rng.poisson(size))
            rate = 0.2 if tenant == "big" and rise_from is not None and number >= rise_from else 0.02
            events = int(rng.binomial(exposure, rate))
            if tenant not in (missing or {}).get(number, set()):
                lines.append(f"{iso(START + number * timedelta(minutes=minutes))},{tenant},{events},{exposure}")
    return lines


class Backtest:
    """Writes readings into a folder, runs the command over them, and keeps what it said."""

    def __init__(self, folder, capsys) -> None:
        self._folder = folder
        self._capsys = capsys
        self.out = ""

    def __call__(self, lines, *options, trigger="T1", name="readings.csv", output="verdicts.csv"):
        """Exit code, stderr, and the verdicts written."""
        source = self._folder / name
        if isinstance(lines, bytes):
            source.write_bytes(lines)
        elif name.endswith(".gz"):
            source.write_bytes(gzip.compress("\n".join([*lines, ""]).encode()))
        else:
            source.write_text("\n".join([*lines, ""]))
        target = self._folder / output
        code = main(["backtest", "--trigger", trigger, "--input", str(source), "--output", str(target), *options])
        said = self._capsys.readouterr()
        self.out = said.out
        if not target.exists():
            return code, said.err, []
        text = gzip.decompress(target.read_bytes()).decode() if output.endswith(".gz") else target.read_text()
        return code, said.err, list(csv.DictReader(text.splitlines()))


def severities(rows, tenant) -> list[str]:
    return [row["severity"] for row in rows if row["tenant_id"] == tenant]


class ReadableEngine:
    """Verdicts that can be read off a window's figures, so that a test's readings say what is found in them.

    The share of attempts that fail makes an alarm; fewer than five attempts are insufficient; three tenants in alarm make it
    widespread.
    """

    def __init__(self, severe_at: float = 0.5, mild_at: float = 0.2) -> None:
        self._severe_at, self._mild_at = severe_at, mild_at
        self._known: set[str] = set()
        self.batches: list[WindowBatch] = []

    def judge(self, batch: WindowBatch) -> WindowResult:
        self.batches.append(batch)
        self._known.update(batch.tenant_ids)
        rates = {
            tenant: (events / exposure if exposure >= 5 else -1.0)
            for tenant, events, exposure in zip(batch.tenant_ids, batch.events, batch.exposure, strict=True)
        }
        tenant_ids = tuple(sorted(self._known))
        words = [self._severity(rates.get(tenant_id)) for tenant_id in tenant_ids]
        severity = np.array([SEVERITIES.index(word) for word in words], np.int8)
        alarms = np.array([word.is_alarm for word in words])
        known = np.array([max(rates.get(tenant_id, np.nan), 0) for tenant_id in tenant_ids])
        usual = np.full(len(words), 0.1)
        return WindowResult(
            trigger=T1,
            window=batch.window,
            tenant_ids=tenant_ids,
            severity=severity,
            is_widespread=alarms & (alarms.sum() >= 3),
            rate=known,
            usual_rate=usual,
            band_low=usual / 2,
            band_high=usual * 2,
            explain=lambda index: Explanation(f'said "{words[index].value}", at {batch.window.start:%H:%M}', {}),
        )

    def _severity(self, rate: float | None) -> Severity:
        if rate is None:
            return Severity.NO_DATA
        if rate < 0:
            return Severity.INSUFFICIENT
        if rate >= self._severe_at:
            return Severity.SEVERE
        return Severity.MILD if rate >= self._mild_at else Severity.NONE


#: failures out of ten attempts, by the letter that stands for them in `drawn`
FAILURES = {".": 1, "m": 3, "S": 7}


def drawn(**tenants: str) -> list[str]:
    """Readings in windows of 5 minutes, one letter a window: `.` healthy, `m` mild, `S` severe, `i` too little traffic,
    a blank no row."""
    lines = [HEADER]
    for number in range(max(map(len, tenants.values()))):
        start = iso(START + number * timedelta(minutes=5))
        for tenant, letters in tenants.items():
            letter = letters[number : number + 1] or "."
            if letter == "i":
                lines.append(f"{start},{tenant},0,3")
            elif letter != " ":
                lines.append(f"{start},{tenant},{FAILURES[letter]},10")
    return lines
