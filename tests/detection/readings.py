"""Small worlds of readings for the severity engine's tests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

import numpy as np

from ledger_guard.detection.engine import WindowBatch
from ledger_guard.detection.rule import TenantBaselineRule
from ledger_guard.detection.tenant_baseline import TenantBaselineEngine
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.verdicts import Verdict
from ledger_guard.domain.windows import Window
from ledger_guard.policy.schema import Detection

START = datetime(2026, 3, 2, tzinfo=timezone.utc)
LENGTH = timedelta(minutes=5)
DETECTION = Detection()


def batch(number: int, rows: Mapping[str, tuple[float, float]], *, subjects=None, quarantined=(), reason="") -> WindowBatch:
    """Window `number` from START with (events, exposure) by tenant; a `reason` makes it incomplete."""
    tenants = tuple(sorted(rows))
    return WindowBatch(
        window=Window(START + number * LENGTH, LENGTH),
        tenant_ids=tenants,
        events=np.array([rows[tenant][0] for tenant in tenants], dtype=np.int64),
        exposure=np.array([rows[tenant][1] for tenant in tenants], dtype=np.float64),
        subjects=np.array([(subjects or {}).get(tenant, np.nan) for tenant in tenants], dtype=np.float64),
        is_complete=not reason,
        incomplete_reason=reason,
        quarantined=frozenset(quarantined),
    )


class Platform:
    """An engine fed window by window, with seeded traffic around each tenant's size and rate."""

    def __init__(
        self, tenants: Mapping[str, tuple[float, float]], *, seed: int = 1, detection=DETECTION, accumulate=True
    ) -> None:
        self.tenants = dict(tenants)
        self.engine = TenantBaselineEngine(Trigger.INSUFFICIENT_FUNDS, DETECTION, 5, events_accumulate=accumulate)
        self.number = 0
        self._rng = np.random.default_rng(seed)

    def traffic(self, *, rise: Mapping[str, float] | float = 1.0, surge: float = 1.0) -> dict[str, tuple[int, int]]:
        rows = {}
        for tenant, (size, rate) in self.tenants.items():
            factor = rise if isinstance(rise, float) else rise.get(tenant, 1.0)
            exposure = self._rng.poisson(size * surge)
            rows[tenant] = (int(self._rng.binomial(exposure, min(rate * factor, 1.0))), int(exposure))
        return rows

    def judge(self, rows, **kwargs) -> dict[str, Verdict]:
        verdicts = self.engine.judge(batch(self.number, rows, **kwargs))
        self.number += 1
        return {verdict.tenant_id: verdict for verdict in verdicts}

    def rate(self, tenant: str) -> float:
        """The tenant's learned rate over the whole day."""
        return float(self.engine._rule.baselines.rate[self.engine._index[tenant]])

    def live(self, windows: int, **kwargs) -> list[dict[str, Verdict]]:
        return [self.judge(self.traffic(**kwargs)) for _ in range(windows)]


class Learned:
    """A rule that knows one tenant's rate exactly, is as sure as it can be, and takes counts as they are given."""

    def __init__(self, *, rate: float, detection: Detection = DETECTION, tenants: int = 1, accumulate: bool = True) -> None:
        self.rule = TenantBaselineRule(detection, 5, events_accumulate=accumulate)
        self.rule.grow(tenants)
        self.rule.windows_seen = 10_000
        memory = self.rule.baselines.memory
        memory["events"][:], memory["exposure"][:], memory["learned"][:] = 1e9 * rate, 1e9, 1e6
        for name in ("overdispersion", "restlessness"):
            memory[f"{name}_weight"][:] = 1e9
        self.number = 0
        self._tenants = tuple(f"t{i:02d}" for i in range(tenants))

    def step(self, *counts: tuple[float, float], subjects: float = np.nan):
        """One window with (events, exposure) of each tenant, without season: what was learned stays as it is."""
        rows = dict(zip(self._tenants, counts, strict=True))
        told = batch(self.number, rows, subjects=dict.fromkeys(rows, subjects))
        nothing = np.array([], dtype=np.intp)
        judged = self.rule.step(self.number, told, np.arange(len(rows)), nothing)
        self.number += 1
        return judged

    @property
    def levels(self) -> list[int]:
        return self.rule.alarms.level.tolist()
