"""The severity engine around the rule `tenant_baseline`: tenant ids, windows of event time, verdicts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np

from ledger_guard.detection import state
from ledger_guard.detection.alarms import SEVERE
from ledger_guard.detection.engine import SEVERITIES, Explanation, JudgedWindow, WindowBatch
from ledger_guard.detection.reasons import as_json_number, explain_alarm, insufficient_sentences
from ledger_guard.detection.rule import Judged, TenantBaselineRule
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.verdicts import Severity
from ledger_guard.domain.windows import UTC, iso
from ledger_guard.policy.schema import Detection

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SEVERITIES = (Severity.NO_DATA, Severity.INSUFFICIENT, Severity.SEVERE, Severity.MILD, Severity.NONE)
#: fewer attempts than this may be missing by chance
_NOTICEABLE_EXPOSURE = 7.0


class TenantBaselineEngine:
    """Judges one trigger. `events_accumulate` is False where each window counts the same standing matter anew."""

    def __init__(self, trigger: Trigger, detection: Detection, window_minutes: int, *, events_accumulate: bool = True) -> None:
        self._trigger = trigger
        self._length = timedelta(minutes=window_minutes)
        self._rule = TenantBaselineRule(detection, window_minutes, events_accumulate=events_accumulate)
        self._tenant_ids: list[str] = []
        self._index: dict[str, int] = {}
        self._in_order: list[int] = []
        #: number of the last window
        self._last: int | None = None

    def judge(self, batch: WindowBatch) -> JudgedWindow:
        """As `SeverityEngine.judge`."""
        now = self._number(batch)
        if self._last is not None:
            self._rule.skip(self._last + 1, now - self._last - 1)
        self._admit(batch.tenant_ids)
        rows = np.array([self._index[tenant] for tenant in batch.tenant_ids], dtype=np.intp)
        known = [self._index[tenant] for tenant in sorted(batch.quarantined) if tenant in self._index]
        judged = self._rule.step(now, batch, rows, np.array(known, dtype=np.intp))
        self._last = now
        return self._verdicts(batch, judged)

    def dump(self) -> bytes:
        """As `SeverityEngine.dump`."""
        return state.dump(self._rule, {"trigger": self._trigger.value, "tenant_ids": self._tenant_ids, "last": self._last})

    def load(self, saved: bytes) -> None:
        """As `SeverityEngine.load`; raises ValueError too for another trigger's state."""
        fresh = TenantBaselineRule(
            self._rule.detection, self._rule.window_minutes, events_accumulate=self._rule.events_accumulate
        )
        about: dict[str, Any] = state.load(fresh, saved)
        if about["trigger"] != self._trigger.value:
            raise ValueError(f"engine state: is of trigger {about['trigger']}; allowed: {self._trigger.value}")
        self._rule, self._last = fresh, about["last"]
        self._tenant_ids = about["tenant_ids"]
        self._number_tenants()

    def _number(self, batch: WindowBatch) -> int:
        if batch.window.length != self._length:
            raise ValueError(f"window {iso(batch.window.start)} lasts {batch.window.length}; allowed: {self._length}")
        now, beside = divmod(batch.window.start - _EPOCH, self._length)
        if beside:
            raise ValueError(f"window {iso(batch.window.start)} is off the grid; allowed: whole multiples of {self._length}")
        if self._last is not None and now <= self._last:
            last = _EPOCH + self._last * self._length
            raise ValueError(f"window {iso(batch.window.start)} comes after {iso(last)}; allowed: later windows only")
        if any(first >= second for first, second in zip(batch.tenant_ids, batch.tenant_ids[1:], strict=False)):
            raise ValueError(f"window {iso(batch.window.start)}: tenants are not sorted or repeat; allowed: each once, sorted")
        return now

    def _admit(self, tenant_ids: tuple[str, ...]) -> None:
        new = [tenant for tenant in tenant_ids if tenant not in self._index]
        if new:
            self._tenant_ids.extend(new)
            self._rule.grow(len(new))
            self._number_tenants()

    def _number_tenants(self) -> None:
        self._index = {tenant: index for index, tenant in enumerate(self._tenant_ids)}
        self._in_order = [self._index[tenant] for tenant in sorted(self._index)]

    def _verdicts(self, batch: WindowBatch, judged: Judged) -> JudgedWindow:
        order = np.array(self._in_order, dtype=np.intp)
        severities = self._severities(judged)
        explained = self._explanations(batch, judged, severities)
        codes = np.array([SEVERITIES.index(severities[index]) for index in order], dtype=np.int8)
        unit = np.where(judged.exposure > 0, judged.exposure, np.nan)
        counted = np.where(np.isnan(judged.exposure), 1.0, unit)
        spread = 1.96 * np.sqrt(self._rule.baselines.variance(judged.normal.expected))
        return JudgedWindow(
            trigger=self._trigger,
            window=batch.window,
            tenant_ids=tuple(self._tenant_ids[index] for index in order),
            severity=codes,
            is_widespread=(codes >= SEVERITIES.index(Severity.MILD)) & judged.movement.is_widespread,
            rate=(judged.events / counted)[order],
            usual_rate=(judged.normal.expected / counted)[order],
            band_low=(np.maximum(judged.normal.expected - spread, 0) / counted)[order],
            band_high=((judged.normal.expected + spread) / counted)[order],
            explain=lambda index: explained[order[index]],
        )

    def _severities(self, judged: Judged) -> list[Severity]:
        is_empty = (judged.exposure == 0) & (judged.events == 0)
        is_healthy = judged.is_known & (judged.is_sufficient | judged.is_recovering)
        level = self._rule.alarms.level
        conditions = [~judged.present, is_empty, level == SEVERE, level > 0, is_healthy]
        codes = np.select(conditions, [0, 1, 2, 3, 4], 1)
        return [_SEVERITIES[code] for code in codes.tolist()]

    def _explanations(self, batch: WindowBatch, judged: Judged, severities: list[Severity]) -> list[Explanation]:
        tenants = range(len(severities))
        weak = [tenant for tenant in tenants if severities[tenant] is Severity.INSUFFICIENT]
        sentences = dict(zip(weak, insufficient_sentences(self._rule, judged, weak), strict=True))
        usual = self._rule.baselines.usual_exposure().tolist()
        events, exposure = judged.events.tolist(), judged.exposure.tolist()
        rate, normal = judged.normal.rate.tolist(), judged.normal.expected.tolist()
        explained = []
        for tenant in tenants:
            severity = severities[tenant]
            if severity.is_alarm:
                explained.append(explain_alarm(self._rule, judged, tenant))
                continue
            if severity is Severity.NO_DATA:
                explained.append(_nothing(batch, usual[tenant]))
                continue
            told = as_json_number(exposure[tenant])
            reasons = {
                "rule": severity.value,
                "events": int(events[tenant]),
                "exposure": told,
                "rate": events[tenant] / told if told else None,
                "baseline_rate": normal[tenant] / told if told else rate[tenant],
                "expected_events": normal[tenant],
            }
            sentence = sentences.get(tenant, "The tenant's own rate, as far as its traffic can tell.")
            explained.append(Explanation(sentence, reasons))
        return explained


def _nothing(batch: WindowBatch, usual: float) -> Explanation:
    if not batch.is_complete:
        sentence = f"The window could not be read: {batch.incomplete_reason or 'no reason given'}."
    elif usual >= _NOTICEABLE_EXPOSURE:
        sentence = f"No row where about {usual:.0f} attempts are usual: the source is silent for this tenant."
    else:
        sentence = "No row in this window."
    return Explanation(sentence, {"rule": "no_data", "usual_exposure": round(usual, 1)})
