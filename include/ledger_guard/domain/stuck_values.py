"""When numbers that repeat from window to window are an exporter that is stuck, not traffic."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from ledger_guard.domain.signals import Reading

#: events and exposure by tenant
Numbers = Mapping[str, tuple[int, int]]


def numbers_by_window(readings: Iterable[Reading]) -> dict[datetime, dict[str, tuple[int, int]]]:
    """The numbers of each window that has readings, by its start."""
    found: dict[datetime, dict[str, tuple[int, int]]] = {}
    for reading in readings:
        found.setdefault(reading.window.start, {})[reading.tenant_id] = (reading.events, reading.exposure)
    return found


class StuckWatch:
    """Judges one window after another, in order of time: are its numbers those of the windows before it, all of them?

    Two Poisson counts of mean n are equal with a probability below 1/sqrt(1 + 4n); uneven traffic repeats itself more rarely
    still. Stuck are at least `windows` in a row whose numbers are equal for every tenant, where that is less likely than
    `chance`.
    """

    def __init__(self, chance: float, windows: int, before: Sequence[Numbers] = ()) -> None:
        """`windows`: 2 or more. `before`: the numbers of the last windows that counted, oldest first."""
        self._chance = math.log(chance)
        self._windows = windows
        self._last: Numbers = {}
        #: windows in a row with the same numbers
        self._equal = 0
        for numbers in before:
            self._see(numbers)

    def why_stuck(self, numbers: Numbers) -> str | None:
        """Why a window with these numbers has no data; None where they are plausible. The window counts as seen."""
        self._see(numbers)
        if self._equal < self._windows or (self._equal - 1) * _log_chance_of_a_repeat(numbers) >= self._chance:
            return None
        return (
            f"the same numbers for all {len(numbers)} tenants in {self._windows} windows in a row or more: "
            "what counts them seems stuck"
        )

    def _see(self, numbers: Numbers) -> None:
        self._equal = self._equal + 1 if numbers and numbers == self._last else 1
        self._last = numbers


def _log_chance_of_a_repeat(numbers: Numbers) -> float:
    return -0.5 * sum(math.log1p(4.0 * exposure) for _, exposure in numbers.values())
