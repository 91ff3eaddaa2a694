"""A severity engine without memory of rates: its verdicts can be read off a window's figures."""

from __future__ import annotations

import json

import numpy as np

from ledger_guard.detection.engine import SEVERITIES, Explanation, WindowBatch, WindowResult
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.verdicts import Severity

VERSION = "plain-1"


class PlainEngine:
    """Half of the attempts failing is severe, a fifth mild, fewer than five attempts insufficient.

    Widespread when three tenants or more are in alarm. Knows again every tenant it ever saw.
    """

    def __init__(self, trigger: Trigger) -> None:
        self._trigger = trigger
        self.known: set[str] = set()
        self.judged: list[str] = []
        self.quarantined: list[list[str]] = []

    def judge(self, batch: WindowBatch) -> WindowResult:
        if self.judged and batch.window.start.isoformat() <= self.judged[-1]:
            raise ValueError(f"{batch.window.start} is not later than {self.judged[-1]}")
        self.judged.append(batch.window.start.isoformat())
        self.quarantined.append(sorted(batch.quarantined))
        self.known.update(batch.tenant_ids)
        figures = zip(batch.events, batch.exposure, strict=True)
        rates = dict(zip(batch.tenant_ids, figures, strict=True)) if batch.is_complete else {}
        found = {tenant: self._severity(rates.get(tenant)) for tenant in sorted(self.known)}
        codes = np.array([SEVERITIES.index(severity) for severity in found.values()], dtype=np.int8)
        is_alarm = codes >= SEVERITIES.index(Severity.MILD)
        unknown = np.full(len(found), np.nan)
        words = [f"{severity.value} by plain rule" for severity in found.values()]
        return WindowResult(
            trigger=self._trigger,
            window=batch.window,
            tenant_ids=tuple(found),
            severity=codes,
            is_widespread=is_alarm & (is_alarm.sum() >= 3),
            rate=unknown,
            usual_rate=unknown,
            band_low=unknown,
            band_high=unknown,
            explain=lambda index: Explanation(words[index], {}),
        )

    def _severity(self, rate: tuple[int, float] | None) -> Severity:
        if rate is None:
            return Severity.NO_DATA
        events, exposure = rate
        if exposure < 5:
            return Severity.INSUFFICIENT
        return Severity.SEVERE if events >= exposure / 2 else Severity.MILD if events >= exposure / 5 else Severity.NONE

    def dump(self) -> bytes:
        return json.dumps([VERSION, sorted(self.known), self.judged, self.quarantined]).encode()

    def load(self, state: bytes) -> None:
        version, known, self.judged, self.quarantined = json.loads(state)
        if version != VERSION:
            raise ValueError(f"state of {version}")
        self.known = set(known)
