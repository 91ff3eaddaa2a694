"""Verdicts in words and figures: everything that explains an alarm, a few figures for the rest."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ledger_guard.detection import alarms as alarm
from ledger_guard.detection.arrays import Flags, Floats, Numbers
from ledger_guard.detection.common_words import CommonWords
from ledger_guard.detection.engine import SEVERITIES, Explanation, WindowBatch
from ledger_guard.detection.judged import Judged
from ledger_guard.detection.negative_binomial import BAND_SCORE, gamma_quantile
from ledger_guard.detection.quiet_words import quiet_sentences
from ledger_guard.domain.verdicts import Severity
from ledger_guard.domain.windows import UTC, iso
from ledger_guard.policy.detection import Detection

_RISES = {
    alarm.SLIGHT: "a slight rise",
    alarm.HIGH: "a high rise",
    alarm.SUSTAINED: "a rise that lasts",
    alarm.PLATFORM: "a rise of the whole platform",
}
_NONE = SEVERITIES.index(Severity.NONE)


class Reasons:
    """The reasons of one judged window. Tenants are told by their place in the window's `tenant_ids`."""

    def __init__(
        self,
        batch: WindowBatch,
        judged: Judged,
        order: NDArray[np.intp],
        severity: NDArray[np.int8],
        detection: Detection,
        window_minutes: int,
        common: CommonWords,
    ) -> None:
        self._common = common
        self._batch, self._judged, self._order, self._severity = batch, judged, order, severity
        self._detection, self._minutes = detection, window_minutes

    def sentences(self) -> list[str]:
        """One sentence a tenant."""
        if not self._batch.is_complete:
            return [self._unread()] * len(self._severity)
        found = self._common.sentences(self._numbers)
        for place in np.flatnonzero((self._severity > _NONE) | self._is_weekly).tolist():
            found[place] = self._own_sentence(place)
        return found

    def explain(self, place: int) -> Explanation:
        """Sentence and figures of the tenant at `place`."""
        severity, index, judged = SEVERITIES[self._severity[place]], int(self._order[place]), self._judged
        if severity is Severity.NO_DATA:
            figures: dict[str, Any] = {"rule": "no_data", "usual_exposure": round(float(judged.usual_exposure[index]), 1)}
        else:
            figures = self._figures(index, severity)
        if severity.is_alarm:
            figures |= self._alarm_figures(index)
        return Explanation(self._sentence(place), figures)

    def _sentence(self, place: int) -> str:
        if not self._batch.is_complete:
            return self._unread()
        if self._severity[place] > _NONE or self._is_weekly[place]:
            return self._own_sentence(place)
        return self._common[int(self._numbers[place])]

    def _unread(self) -> str:
        return f"The window could not be read: {self._batch.incomplete_reason or 'no reason given'}."

    def _own_sentence(self, place: int) -> str:
        index, judged = int(self._order[place]), self._judged
        if self._severity[place] > _NONE:
            return self._alarm_sentence(index)
        events, expected = _count(float(judged.events[index])), _count(float(judged.seen.expected[index]))
        return f"{events} {self._common.nouns.events} where {expected} are usual, as at the same hours of the last weeks."

    @cached_property
    def _is_weekly(self) -> Flags:
        """Where an hour of the week keeps an alarm down."""
        weekly: Flags = self._judged.is_weekly[self._order] & (self._severity == _NONE)
        return weekly

    @cached_property
    def _numbers(self) -> Numbers:
        return quiet_sentences(self._judged, self._order, self._severity, self._detection, self._minutes)

    def _alarm_sentence(self, index: int) -> str:
        judged = self._judged
        events, usual = _count(float(judged.hour_events[index])), _count(float(judged.hour_expected[index]))
        rise, times = _RISES[int(judged.rule[index])], _count(float(judged.ratio[index]))
        return (
            f"{events} {self._common.nouns.events} within the hour where {usual} are usual for this tenant: {rise} "
            f"by about {times} times since {iso(self._since(index))}; {self._way_out(index)}."
        )

    def _way_out(self, index: int) -> str:
        """What would change the verdict."""
        judged = self._judged
        if judged.level[index] == alarm.MILD:
            grave = self._since(index) + timedelta(minutes=self._detection.sustained_minutes)
            return f"severe from {_count(self._detection.severe_ratio)} times on, or if it lasts beyond {iso(grave)}"
        return "over once health is likelier than one in ten"

    def _figures(self, index: int, severity: Severity) -> dict[str, Any]:
        judged = self._judged
        attempts, expected = float(judged.exposure[index]), float(judged.seen.expected[index])
        told = None if math.isnan(attempts) else int(attempts) if attempts.is_integer() else attempts
        variance = judged.count_variance[index : index + 1]
        low, high = (
            float(gamma_quantile(judged.seen.expected[index : index + 1], variance, sign * BAND_SCORE)[0]) for sign in (-1, 1)
        )
        return {
            "rule": "as_last_week" if judged.is_weekly[index] else severity.value,
            "events": int(judged.events[index]),
            "exposure": told,
            "rate": float(judged.events[index]) / told if told else None,
            "baseline_rate": expected / told if told else None,
            "band_low": low / told if told else None,
            "band_high": min(high / told, 1.0) if told else None,
            "expected_events": round(expected, 3),
            "healthy_probability": float(f"{judged.healthy[index]:.3g}"),
        }

    def _alarm_figures(self, index: int) -> dict[str, Any]:
        judged = self._judged
        events, expected = float(judged.hour_events[index]), float(judged.hour_expected[index])
        ratio = float(judged.ratio[index])
        low, high = _interval(ratio, events, float(judged.clumping[index]), float(judged.seen.free_variance[index]))
        figures: dict[str, Any] = {
            "rule": alarm.RULES[int(judged.rule[index])],
            "ratio": round(ratio, 3),
            "ratio_low": round(low, 3),
            "ratio_high": round(high, 3),
            "since": iso(self._since(index)),
            "age_minutes": round(float(judged.age_minutes[index])),
            "hour_events": int(events),
            "hour_expected": round(expected, 3),
            # decimal orders of magnitude by which trouble is likelier than health
            "evidence": round(-math.log10(max(float(judged.healthy[index]), 1e-12)), 1),
            "overdispersion": round(float(judged.clumping[index]), 2),
        }
        if judged.movement.is_widespread:
            figures["platform_evidence_nats"] = round(judged.movement.evidence, 1)
            figures["platform_tenants"] = judged.movement.tenants
        figures["would_change"] = self._way_out(index)
        return figures

    def _since(self, index: int) -> datetime:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=int(self._judged.since[index]) * self._minutes)


def _interval(ratio: float, events: float, clumping: float, variance: float) -> tuple[float, float]:
    """Between which ratios the truth lies with 95 %, given the count's chance and what the baseline does not know."""
    spread = clumping / (events + 0.5) + variance
    centre: Floats = np.array([ratio])
    low, high = (float(gamma_quantile(centre, centre**2 * spread, sign * BAND_SCORE)[0]) for sign in (-1, 1))
    return low, high


def _count(value: float) -> str:
    return f"{value:.0f}" if value >= 100 or float(value).is_integer() else f"{value:.2g}"
