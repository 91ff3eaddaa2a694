"""What looks like trouble and is none: surges, recoveries, late rows, lucklessness, and peaks of the season."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.calendar import Calendar
from benchmarks.detection.curves import Floats
from benchmarks.detection.rates import HealthyRates
from benchmarks.detection.settings import WorldSettings

PLACES_TRIED = 300


@dataclass(frozen=True)
class Trap:
    """One of them, by index of window and tenant."""

    kind: str
    tenants: tuple[int, ...]
    start: int
    end: int


class Trapper:
    """Sets traps in a world: first in what the counts are drawn from, then in the counts."""

    def __init__(self, rng: np.random.Generator, settings: WorldSettings, calendar: Calendar) -> None:
        self._rng, self._settings, self._calendar = rng, settings, calendar
        self.traps: list[Trap] = []

    def in_the_means(self, attempts: Floats, factor: Floats) -> None:
        """Surges of `attempts`, and spells in which the rate (`factor` times the healthy one) is low; changed in place."""
        for start, end, tenant in self._places("traffic_surge", self._settings.surges, (60, 360)):
            attempts[start:end, tenant] *= self._rng.uniform(3, 10)
        busy = np.flatnonzero(attempts.mean(axis=0) >= 30)
        for start, end, tenant in self._places("recovery_after_low", self._settings.recoveries, (300, 960), busy):
            factor[start:end, tenant] *= self._rng.uniform(0.1, 0.4)

    def in_the_counts(self, events: Floats, attempts: Floats, is_missing: NDArray[np.bool_]) -> None:
        """Luckless singles, and rows and events that come late; the three arrays are changed in place."""
        size = attempts.mean(axis=0)
        for start, end, tenant in self._places("late_batch", self._settings.late_batches, (20, 60), margin=1):
            is_missing[start : end - 1, tenant] = True
            is_missing[end - 1, tenant] = False
            events[end - 1, tenant] = events[start:end, tenant].sum()
            attempts[end - 1, tenant] = attempts[start:end, tenant].sum()
        busy = np.flatnonzero(events.mean(axis=0) >= 0.5)
        for start, end, tenant in self._places("late_events", self._settings.late_events, (20, 60), busy, margin=1):
            events[end - 1, tenant] = events[start:end, tenant].sum()
            events[start : end - 1, tenant] = 0
        small = np.flatnonzero(size < 4)
        for start, end, tenant in self._places("unlucky_single", self._settings.unlucky_singles, (1, 1), small):
            attempts[start:end, tenant] = np.clip(attempts[start:end, tenant], 1, 3)
            events[start:end, tenant] = 1

    def outages(self, is_missing: NDArray[np.bool_]) -> None:
        """Spells in which the measurement says nothing, of all tenants or half of them; to be booked before anything else."""
        for _ in range(self._settings.outages):
            length = self._settings.in_windows(self._rng.uniform(60, 180))
            start = int(self._rng.integers(self._settings.first_scored, self._settings.windows - length))
            count = self._settings.tenants if self._rng.uniform() < 0.5 else self._settings.tenants // 2
            chosen = sorted(int(index) for index in self._rng.permutation(self._settings.tenants)[:count])
            for tenant in chosen:
                is_missing[start : start + length, tenant] = True
                self._calendar.take(tenant, start, start + length)
            self.traps.append(Trap("data_outage", tuple(chosen), start, start + length))

    def peaks(self, rates: HealthyRates) -> None:
        """Note where the season itself rises, from the first scored window on."""
        for kind, mask in (("seasonal_peak", rates.in_daily_peak), ("weekly_peak", rates.in_weekly_peak)):
            edges = np.diff(np.pad(mask[self._settings.first_scored :].astype(np.int8), ((1, 1), (0, 0))), axis=0)
            for tenant in np.flatnonzero(mask.any(axis=0)):
                starts, ends = np.flatnonzero(edges[:, tenant] == 1), np.flatnonzero(edges[:, tenant] == -1)
                for start, end in zip(starts, ends, strict=True):
                    first = self._settings.first_scored
                    self.traps.append(Trap(kind, (int(tenant),), int(start) + first, int(end) + first))

    def _places(
        self,
        kind: str,
        density: float,
        minutes: tuple[float, float],
        among: NDArray[np.int64] | None = None,
        *,
        margin: int = 0,
    ) -> list[tuple[int, int, int]]:
        """Free places for as many traps as the density makes, booked and noted: start, end, tenant."""
        found: list[tuple[int, int, int]] = []
        tenants = np.arange(self._settings.tenants) if among is None else among
        if not len(tenants):
            return found
        for _ in range(self._settings.count(density)):
            for _ in range(PLACES_TRIED):
                tenant, length = int(self._rng.choice(tenants)), self._settings.in_windows(self._rng.uniform(*minutes)) + margin
                start = int(self._rng.integers(self._settings.first_scored, self._settings.windows - length))
                if self._calendar.is_free(tenant, start, start + length):
                    self._calendar.take(tenant, start, start + length)
                    self.traps.append(Trap(kind, (tenant,), start, start + length))
                    found.append((start, start + length, tenant))
                    break
        return found
