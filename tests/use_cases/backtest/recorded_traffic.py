"""Two days of eight tenants with all that happens to readings, by seed: what was measured in the end, and what came late."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from tests.triggers import T1

from ledger_guard.domain.signals import Reading
from ledger_guard.domain.windows import UTC, Window, iso

START = datetime(2026, 3, 2, tzinfo=UTC)
LENGTH = timedelta(minutes=5)
#: attempts in a usual window
SIZES = {"t1": 900, "t2": 300, "t3": 120, "t4": 60, "t5": 40, "t6": 15, "t7": 4, "late": 200}
DAY = 288
#: the tenant `late` joins here
JOINS = DAY + 30
#: nothing reached the log at all
EMPTY = frozenset({100, 101, DAY + 22, DAY + 110, DAY + 111, DAY + 112})
#: delivered at once after the last of them, when the health check has given up waiting for the first ones
LATE_BATCH = range(DAY + 12, DAY + 17)
#: the health check does not run
OUTAGE = range(DAY + 90, DAY + 97)


def window(number: int) -> Window:
    """The window of this number."""
    return Window(START + number * LENGTH, LENGTH)


@dataclass
class Recorded:
    """What the log holds in the end, and how it came there."""

    #: by window number: the final readings
    final: dict[int, list[Reading]] = field(default_factory=dict)
    #: by window number at whose end it is known: readings, some of them of earlier windows or not whole yet
    deliveries: dict[int, list[Reading]] = field(default_factory=dict)

    def write(self, path: Path, windows: range) -> None:
        """Write the final readings of these windows as a file for `backtest`."""
        lines = ["window_start,tenant_id,events,exposure,subjects"]
        for number in windows:
            for each in sorted(self.final[number], key=lambda reading: reading.tenant_id):
                lines.append(f"{iso(each.window.start)},{each.tenant_id},{each.events},{each.exposure},{each.subjects}")
        path.write_text("\n".join([*lines, ""]))


def recorded(windows: int, seed: int) -> Recorded:
    """Traffic of the first so many windows."""
    chance = random.Random(seed)
    found = Recorded({number: [] for number in range(windows)}, {number: [] for number in range(windows)})
    for number in range(windows):
        for tenant, size in SIZES.items():
            is_there = number not in EMPTY and (tenant != "late" or number >= JOINS) and chance.random() > 0.02
            if is_there:
                whole = _reading(chance, number, tenant, size)
                found.final[number].append(whole)
                for due, reading in _arrivals(chance, number, whole):
                    found.deliveries[min(due, windows - 1)].append(reading)
    return found


def _reading(chance: random.Random, number: int, tenant: str, size: int) -> Reading:
    exposure = int(chance.gauss(size, size**0.5))
    events = sum(chance.random() < _rate(number, tenant) for _ in range(max(exposure, 1)))
    return Reading(T1, tenant, window(number), events, max(exposure, 1), chance.randint(min(events, 1), events))


def _rate(number: int, tenant: str) -> float:
    """Trouble of one tenant, a slight and lasting one of another, one of a tenant that is new, and one of all."""
    if tenant == "t2" and DAY <= number < DAY + 8:
        return 0.3
    if tenant == "t4" and DAY + 40 <= number < DAY + 75:
        return 0.08
    if tenant == "late" and DAY + 200 <= number < DAY + 206:
        return 0.4
    if DAY + 140 <= number < DAY + 148:
        return 0.2
    return 0.02


def _arrivals(chance: random.Random, number: int, whole: Reading) -> Iterable[tuple[int, Reading]]:
    """At which windows' ends how much of a reading is known; within an hour all of it."""
    if number in LATE_BATCH:
        return [(LATE_BATCH.stop, whole)]
    if number == OUTAGE.start - 6:
        # comes while the health check does not run
        return [(OUTAGE.start + 2, whole)]
    if chance.random() < 0.99:
        return [(number, whole)]
    due = number + chance.randint(1, 11)
    if chance.random() < 0.5:
        return [(due, whole)]
    part = Reading(T1, whole.tenant_id, whole.window, whole.events // 3, whole.exposure // 2, min(whole.events // 3, 1))
    return [(number, part), (due, whole)]
