"""Small worlds of readings for the severity engine's tests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

import numpy as np
from tests.triggers import T1

from ledger_guard.detection.engine import WindowBatch, WindowResult
from ledger_guard.detection.level_filter import LevelFilterEngine
from ledger_guard.detection.rule import LevelFilterRule
from ledger_guard.detection.spread import FAST_MINUTES
from ledger_guard.domain.verdicts import Verdict
from ledger_guard.domain.windows import Window
from ledger_guard.policy.detection import Detection

#: a Monday
START = datetime(2026, 3, 2, tzinfo=timezone.utc)
LENGTH = timedelta(minutes=5)
HOUR, DAY = 12, 288
DETECTION = Detection()


def changed(**numbers) -> Detection:
    return DETECTION.model_copy(update=numbers)


def batch(
    number: int, rows: Mapping[str, tuple[float, float]], *, subjects=None, quarantined=(), reason="", length=LENGTH, cents=None
) -> WindowBatch:
    """Window `number` from START with (events, exposure) by tenant; a `reason` makes it incomplete."""
    tenants = tuple(sorted(rows))
    return WindowBatch(
        window=Window(START + number * length, length),
        tenant_ids=tenants,
        events=np.array([rows[tenant][0] for tenant in tenants], dtype=np.int64),
        exposure=np.array([rows[tenant][1] for tenant in tenants], dtype=np.float64),
        subjects=np.array([(subjects or {}).get(tenant, np.nan) for tenant in tenants], dtype=np.float64),
        cents=None if cents is None else np.array([cents.get(tenant, np.nan) for tenant in tenants], dtype=np.float64),
        is_complete=not reason,
        incomplete_reason=reason,
        quarantined=frozenset(quarantined),
    )


class Platform:
    """An engine fed window by window, with seeded traffic around each tenant's size and rate.

    Where days and weeks are lived through, longer windows do it in fewer steps.
    """

    def __init__(
        self, tenants: Mapping[str, tuple[float, float]], *, seed: int = 1, detection=DETECTION, accumulate=True, minutes: int = 5
    ) -> None:
        self.tenants = dict(tenants)
        self.length = timedelta(minutes=minutes)
        self.engine = LevelFilterEngine(T1, detection, minutes, events_accumulate=accumulate)
        self.number = 0
        self._rng = np.random.default_rng(seed)

    def traffic(self, *, rise: Mapping[str, float] | float = 1.0, surge: float = 1.0) -> dict[str, tuple[int, int]]:
        rows = {}
        for tenant, (size, rate) in self.tenants.items():
            factor = rise if isinstance(rise, float) else rise.get(tenant, 1.0)
            exposure = self._rng.poisson(size * surge)
            rows[tenant] = (int(self._rng.binomial(exposure, min(rate * factor, 1.0))), int(exposure))
        return rows

    def window(self, rows, **kwargs) -> WindowResult:
        judged = self.engine.judge(batch(self.number, rows, length=self.length, **kwargs))
        self.number += 1
        return judged

    def judge(self, rows, **kwargs) -> dict[str, Verdict]:
        return {verdict.tenant_id: verdict for verdict in self.window(rows, **kwargs)}

    def learn(self, windows: int) -> None:
        """Live through quiet windows without looking at the verdicts."""
        for _ in range(windows):
            self.window(self.traffic())

    def live(self, windows: int, **kwargs) -> list[dict[str, Verdict]]:
        return [self.judge(self.traffic(**kwargs)) for _ in range(windows)]

    def rate(self, tenant: str) -> float:
        """The tenant's learned rate over the whole day."""
        return float(self.engine._rule.baselines.rate[self.engine._index[tenant]])


class Learned:
    """A rule that knows every tenant's rate, hours and spread exactly, and takes counts as they are given."""

    def __init__(
        self,
        *,
        rate: float,
        detection: Detection = DETECTION,
        tenants: int = 1,
        accumulate: bool = True,
        white: float = 0.003,
        fast: float = 0.003,
        slow: float = 0.001,
    ) -> None:
        self.rule = LevelFilterRule(detection, 5, events_accumulate=accumulate)
        self.rule.grow(tenants)
        baselines, spread = self.rule.baselines, self.rule.spread
        baselines.events[:], baselines.exposure[:], baselines.days[:], baselines.learned[:] = 1e9 * rate, 1e9, 1e6, 1e6
        products = slow + fast * np.exp(-np.array([0.0, 5.0, 120.0]) / FAST_MINUTES)
        products[0] += white
        spread.weights[:], spread.products[:] = 1e9, 1e9 * products[:, None]
        spread.excess_events[:], spread.excess[:] = 1e9, 0.02e9
        self.number = 0
        self._tenants = tuple(f"t{i:02d}" for i in range(tenants))

    def step(self, *counts: tuple[float, float], subjects: float = np.nan):
        """One window with (events, exposure) of each tenant."""
        rows = dict(zip(self._tenants, counts, strict=True))
        told = batch(self.number, rows, subjects=dict.fromkeys(rows, subjects))
        judged = self.rule.step(self.number, told, np.arange(len(rows)), np.array([], dtype=np.intp))
        self.number += 1
        return judged

    def steps(self, windows: int, *counts: tuple[float, float]) -> list[list[int]]:
        """The same counts window after window; returns the alarms' levels after each."""
        return [self.step(*counts).level.tolist() for _ in range(windows)]

    @property
    def levels(self) -> list[int]:
        return self.rule.alarms.level.tolist()


#: eight tenants of 400 attempts a window
USUAL = {f"t{i:02d}": (400.0, 0.01 + 0.002 * i) for i in range(8)}
TWO_DAYS = 2 * DAY
#: and a ninth of two attempts
TINY = {**USUAL, "tiny": (2.0, 0.02)}


def remembered(tenants) -> bytes:
    """What an engine remembers after two quiet days."""
    platform = Platform(tenants)
    platform.learn(TWO_DAYS)
    return platform.engine.dump()


def resumed(tenants, saved: bytes, seed: int = 7) -> Platform:
    platform = Platform(tenants, seed=seed)
    platform.engine.load(saved)
    platform.number = TWO_DAYS
    return platform


def words(judged, tenant) -> list[str]:
    return [verdicts[tenant].severity.value for verdicts in judged]


def alarms(judged) -> list[tuple[int, str]]:
    return [(i, each.tenant_id) for i, verdicts in enumerate(judged) for each in verdicts.values() if each.severity.is_alarm]
