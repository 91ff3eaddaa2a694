"""The severity engine around the rule `level_filter`: tenant ids, windows of event time, verdicts."""

from __future__ import annotations

import operator
from datetime import datetime, timedelta

import numpy as np

from ledger_guard.detection import state
from ledger_guard.detection.alarms import MILD, QUIET, SEVERE
from ledger_guard.detection.engine import PLAIN, SEVERITIES, WindowBatch, WindowResult
from ledger_guard.detection.limits import AbsoluteLimits
from ledger_guard.detection.negative_binomial import BAND_SCORE, gamma_quantile
from ledger_guard.detection.reason_codes import Wording
from ledger_guard.detection.reasons import Reasons
from ledger_guard.detection.rule import LevelFilterRule
from ledger_guard.detection.rule_result import RuleResult
from ledger_guard.domain.signals import Nouns, Trigger
from ledger_guard.domain.verdicts import Severity
from ledger_guard.domain.windows import UTC, iso
from ledger_guard.policy.detection import Detection, Limits

NO_LIMITS = Limits()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CODE = {severity: code for code, severity in enumerate(SEVERITIES)}
#: by the level of an alarm
_CODE_OF_LEVEL = np.zeros(3, np.int64)
_CODE_OF_LEVEL[MILD], _CODE_OF_LEVEL[SEVERE] = _CODE[Severity.MILD], _CODE[Severity.SEVERE]


class LevelFilterEngine:
    """Judges one trigger. `events_accumulate` is False where each window counts the same differences again.

    `nouns` say for people what is counted, `currency` what the batches' cents are of.
    """

    def __init__(
        self,
        trigger: Trigger,
        detection: Detection,
        window_minutes: int,
        *,
        events_accumulate: bool = True,
        nouns: Nouns = PLAIN,
        limits: Limits = NO_LIMITS,
        currency: str = "USD",
    ) -> None:
        self._trigger = trigger
        self._length = timedelta(minutes=window_minutes)
        self._rule = LevelFilterRule(detection, window_minutes, events_accumulate=events_accumulate)
        self._tenant_ids: list[str] = []
        self._index: dict[str, int] = {}
        self._order = np.zeros(0, np.intp)
        self._sorted_ids: tuple[str, ...] = ()
        #: the last batch's tenants and their rows: mostly they come again
        self._batch_ids: tuple[str, ...] = ()
        self._rows = np.zeros(0, np.intp)
        self._wording = Wording(detection, nouns, events_accumulate=events_accumulate)
        self._limits = AbsoluteLimits(limits, nouns, currency)
        #: number of the last window
        self._last: int | None = None

    def judge(self, batch: WindowBatch) -> WindowResult:
        """As `SeverityEngine.judge`."""
        now = self._number(batch)
        if self._last is not None and now > self._last + 1:
            self._rule.skip(now - self._last - 1)
        known = [self._index[tenant] for tenant in sorted(batch.quarantined) if tenant in self._index]
        result = self._rule.step(now, batch, self._rows, np.array(known, dtype=np.intp))
        self._last = now
        return self._verdicts(batch, result)

    def dump(self) -> bytes:
        """As `SeverityEngine.dump`."""
        return state.dump(self._rule, {"trigger": self._trigger.value, "tenant_ids": self._tenant_ids, "last": self._last})

    def load(self, saved: bytes) -> None:
        """As `SeverityEngine.load`; raises ValueError too for another trigger's state."""
        rule = self._rule
        fresh = LevelFilterRule(rule.detection, rule.window_minutes, events_accumulate=rule.events_accumulate)
        about = state.load(fresh, saved)
        if about["trigger"] != self._trigger.value:
            raise ValueError(f"engine state: is of trigger {about['trigger']}; allowed: {self._trigger.value}")
        self._rule, self._last, self._tenant_ids = fresh, about["last"], about["tenant_ids"]
        self._batch_ids, self._rows = (), np.zeros(0, np.intp)
        self._number_tenants()

    def _number(self, batch: WindowBatch) -> int:
        """The window's number since the epoch; admits its tenants when all is well."""
        if batch.window.length != self._length:
            raise ValueError(f"window {iso(batch.window.start)} lasts {batch.window.length}; allowed: {self._length}")
        now, beside = divmod(batch.window.start - _EPOCH, self._length)
        if beside:
            raise ValueError(f"window {iso(batch.window.start)} is off the grid; allowed: whole multiples of {self._length}")
        if self._last is not None and now <= self._last:
            last = _EPOCH + self._last * self._length
            raise ValueError(f"window {iso(batch.window.start)} comes after {iso(last)}; allowed: later windows only")
        if batch.tenant_ids != self._batch_ids:
            if not all(map(operator.lt, batch.tenant_ids, batch.tenant_ids[1:])):
                raise ValueError(
                    f"window {iso(batch.window.start)}: tenants are not sorted or repeat; allowed: each once, sorted"
                )
            self._admit(batch.tenant_ids)
            self._rows = np.fromiter(map(self._index.__getitem__, batch.tenant_ids), np.intp, len(batch.tenant_ids))
            self._batch_ids = batch.tenant_ids
        return now

    def _admit(self, tenant_ids: tuple[str, ...]) -> None:
        new = [tenant for tenant in tenant_ids if tenant not in self._index]
        if new:
            self._tenant_ids.extend(new)
            self._rule.grow(len(new))
            self._number_tenants()

    def _number_tenants(self) -> None:
        self._index = {tenant: index for index, tenant in enumerate(self._tenant_ids)}
        self._sorted_ids = tuple(sorted(self._tenant_ids))
        self._order = np.array([self._index[tenant] for tenant in self._sorted_ids], dtype=np.intp)

    def _verdicts(self, batch: WindowBatch, result: RuleResult) -> WindowResult:
        order = self._order
        severity = _severity(result)[order]
        attempts = np.where(np.isnan(result.exposure), 1.0, np.where(result.exposure > 0, result.exposure, np.nan))
        attempts = np.where(result.present, attempts, np.nan)
        variance = result.count_variance
        low, high = (gamma_quantile(result.seen.expected, variance, score) for score in (-BAND_SCORE, BAND_SCORE))
        reasons = Reasons(batch, result, order, severity, self._rule.detection, self._rule.window_minutes, self._wording)
        explain, say = reasons.explain, reasons.sentences
        if self._limits.are_set:
            limited = self._limits.applied(batch, self._rows, order, result.present, severity, reasons)
            severity, explain, say = limited.severity, limited.explain, limited.sentences
        return WindowResult(
            trigger=self._trigger,
            window=batch.window,
            tenant_ids=self._sorted_ids,
            severity=severity,
            is_widespread=(severity >= _CODE[Severity.MILD]) & result.is_widespread[order],
            rate=(result.events / attempts)[order],
            usual_rate=(result.seen.expected / attempts)[order],
            band_low=(low / attempts)[order],
            band_high=(high / attempts)[order],
            explain=explain,
            say=say,
        )


def _severity(result: RuleResult) -> np.ndarray[tuple[int, ...], np.dtype[np.int8]]:
    is_healthy = result.is_known & (result.is_sufficient | result.is_recovering)
    quiet = np.where(is_healthy, _CODE[Severity.NONE], _CODE[Severity.INSUFFICIENT])
    codes = np.where(result.level > QUIET, _CODE_OF_LEVEL[result.level], quiet)
    is_empty = (result.exposure == 0) & (result.events == 0)
    codes[is_empty] = _CODE[Severity.INSUFFICIENT]
    codes[~result.present] = _CODE[Severity.NO_DATA]
    return codes.astype(np.int8)
