"""Verdicts in words and figures: full for an alarm, a few figures for the rest."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ledger_guard.detection import alarms as alarm
from ledger_guard.detection.arrays import Flags, Floats, Numbers
from ledger_guard.detection.engine import SEVERITIES, Explanation, WindowBatch
from ledger_guard.detection.negative_binomial import BAND_SCORE, gamma_quantile
from ledger_guard.detection.reason_codes import CodedReasons, ReasonCode, Wording, duration
from ledger_guard.detection.rule_result import RuleResult
from ledger_guard.domain.verdicts import Severity
from ledger_guard.domain.windows import UTC, iso
from ledger_guard.policy.detection import Detection

_RISES = {
    alarm.SLIGHT: "a slight rise",
    alarm.HIGH: "a high rise",
    alarm.SUSTAINED: "a sustained rise",
    alarm.PLATFORM: "a rise of the whole platform",
}
_NO_DATA, _INSUFFICIENT, _NONE = map(SEVERITIES.index, (Severity.NO_DATA, Severity.INSUFFICIENT, Severity.NONE))
#: fewer attempts than this may be missing by chance
_NOTICEABLE_EXPOSURE = 7.0
#: nats that find nine in ten rises of which the policy's bound on false alarms lets an alarm come
_FOUND_NATS = 8.0


class Reasons:
    """The reasons of one result window. Tenants are told by their place in the window's `tenant_ids`."""

    def __init__(
        self,
        batch: WindowBatch,
        result: RuleResult,
        order: NDArray[np.intp],
        severity: NDArray[np.int8],
        detection: Detection,
        window_minutes: int,
        wording: Wording,
    ) -> None:
        self._wording = wording
        self._batch, self._result, self._order, self._severity = batch, result, order, severity
        self._detection, self._minutes = detection, window_minutes

    def sentences(self) -> list[str]:
        """One sentence a tenant."""
        if not self._batch.is_complete:
            return [self._unread()] * len(self._severity)
        found = self._wording.sentences(self._coded)
        for place in np.flatnonzero((self._severity > _NONE) | self._is_weekly).tolist():
            found[place] = self._own_sentence(place)
        return found

    def explain(self, place: int) -> Explanation:
        """Sentence and figures of the tenant at `place`."""
        severity, index, result = SEVERITIES[self._severity[place]], int(self._order[place]), self._result
        if severity is Severity.NO_DATA:
            figures: dict[str, Any] = {"rule": "no_data", "usual_exposure": round(float(result.usual_exposure[index]), 1)}
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
        return self._wording.sentence(self._coded, place)

    def _unread(self) -> str:
        return f"The window could not be read: {self._batch.incomplete_reason or 'no reason given'}."

    def _own_sentence(self, place: int) -> str:
        index, result = int(self._order[place]), self._result
        if self._severity[place] > _NONE:
            return self._alarm_sentence(index)
        events, expected = _count(float(result.events[index])), _count(float(result.seen.expected[index]))
        return f"{events} {self._wording.nouns.events} where {expected} are usual, as in the same hours of the last weeks."

    @cached_property
    def _is_weekly(self) -> Flags:
        """Where an hour of the week keeps an alarm down."""
        weekly: Flags = self._result.is_weekly[self._order] & (self._severity == _NONE)
        return weekly

    @cached_property
    def _band(self) -> tuple[Floats, Floats]:
        """Between which counts nineteen in twenty healthy windows stay, in the order of the result."""
        expected, variance = self._result.seen.expected, self._result.count_variance
        return gamma_quantile(expected, variance, -BAND_SCORE), gamma_quantile(expected, variance, BAND_SCORE)

    @cached_property
    def _coded(self) -> CodedReasons:
        return quiet_reasons(self._result, self._order, self._severity, self._detection, self._minutes)

    def _alarm_sentence(self, index: int) -> str:
        rise, times = _RISES[int(self._result.rule[index])], _count(float(self._result.ratio[index]))
        return (
            f"{self._compared(index)} for this tenant: {rise} by about {times} times since {iso(self._since(index))}; "
            f"{self._way_out(index)}."
        )

    def _compared(self, index: int) -> str:
        """What there is and what is usual: within the hour, or now where each window counts the same again."""
        result, nouns = self._result, self._wording.nouns
        if self._wording.events_accumulate:
            events, usual = _count(float(result.hour_events[index])), _count(float(result.hour_expected[index]))
            return f"{events} {nouns.events} within the hour, usually {usual}"
        events, usual = _count(float(result.events[index])), _count(float(result.seen.expected[index]))
        exposure = float(result.exposure[index])
        compared = "" if math.isnan(exposure) else f" of {_count(exposure)} {nouns.exposure}"
        return f"{events} {nouns.events}{compared}, usually {usual}"

    def _way_out(self, index: int) -> str:
        """What would change the verdict."""
        result = self._result
        if result.level[index] == alarm.MILD:
            grave = self._since(index) + timedelta(minutes=self._detection.sustained_minutes)
            return f"severe from {_count(self._detection.severe_ratio)} times on, or if it lasts beyond {iso(grave)}"
        return "ends when the probability of health is above 10 %"

    def _figures(self, index: int, severity: Severity) -> dict[str, Any]:
        result = self._result
        attempts, expected = float(result.exposure[index]), float(result.seen.expected[index])
        told = None if math.isnan(attempts) else int(attempts) if attempts.is_integer() else attempts
        low, high = (float(end[index]) for end in self._band)
        return {
            "rule": "as_last_week" if result.is_weekly[index] else severity.value,
            "events": int(result.events[index]),
            "exposure": told,
            "rate": float(result.events[index]) / told if told else None,
            "baseline_rate": expected / told if told else None,
            "band_low": low / told if told else None,
            "band_high": min(high / told, 1.0) if told else None,
            "expected_events": round(expected, 3),
            "healthy_probability": float(f"{result.healthy[index]:.3g}"),
        }

    def _alarm_figures(self, index: int) -> dict[str, Any]:
        result = self._result
        events, expected = float(result.hour_events[index]), float(result.hour_expected[index])
        ratio = float(result.ratio[index])
        low, high = _interval(ratio, events, float(result.overdispersion[index]), float(result.seen.free_variance[index]))
        figures: dict[str, Any] = {
            "rule": alarm.RULES[int(result.rule[index])],
            "ratio": round(ratio, 3),
            "ratio_low": round(low, 3),
            "ratio_high": round(high, 3),
            "since": iso(self._since(index)),
            "age_minutes": round(float(result.age_minutes[index])),
            "hour_events": int(events),
            "hour_expected": round(expected, 3),
            # decimal orders of magnitude by which a rise is likelier than health
            "evidence": round(-math.log10(max(float(result.healthy[index]), 1e-12)), 1),
            "overdispersion": round(float(result.overdispersion[index]), 2),
        }
        if result.movement.is_widespread:
            figures["platform_evidence_nats"] = round(result.movement.evidence, 1)
            figures["platform_tenants"] = result.movement.tenants
        figures["would_change"] = self._way_out(index)
        return figures

    def _since(self, index: int) -> datetime:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=int(self._result.since[index]) * self._minutes)


def quiet_reasons(
    result: RuleResult, order: NDArray[np.intp], severity: NDArray[np.int8], detection: Detection, window_minutes: int
) -> CodedReasons:
    """Why each tenant is not in alarm, parallel to `severity`; what is said of a tenant in alarm means nothing."""
    codes = np.full(len(order), ReasonCode.OWN_RATE, np.int8)
    coded = CodedReasons(codes, result.events[order].astype(np.int64), result.seen.expected[order])
    lacking = np.flatnonzero(severity == _INSUFFICIENT)
    if len(lacking):
        which = order[lacking]
        durations = _durations_needed(result, which, detection, window_minutes)
        coded.put(lacking, ReasonCode.TOO_LITTLE_TRAFFIC, *durations)
        learning = ~result.is_known[which]
        coded.put(lacking[learning], ReasonCode.LEARNING, result.learned[which[learning]])
        coded.put(lacking[result.exposure[which] == 0], ReasonCode.NOTHING_ATTEMPTED)
    missing = np.flatnonzero(severity == _NO_DATA)
    if len(missing):
        usual = result.usual_exposure[order[missing]]
        is_noticeable = usual >= _NOTICEABLE_EXPOSURE
        coded.put(missing, ReasonCode.NO_ROW)
        coded.put(missing[is_noticeable], ReasonCode.MISSING_ROW, np.rint(usual[is_noticeable]))
    return coded


def _durations_needed(
    result: RuleResult, which: NDArray[np.intp], detection: Detection, window_minutes: int
) -> tuple[Numbers, Numbers]:
    """How long these tenants would need to show a severe and a mild rise.

    That is the time until nine in ten such rises carry the evidence that a severe alarm asks for. A rise by r carries
    r·ln r - r + 1 nats for each expected event, divided by the tenant's overdispersion.
    """
    windows = 1000.0 * 1440.0 / window_minutes
    asked = math.log(windows / detection.severe_false_alarms) + _FOUND_NATS
    usual = result.hour_expected[which] / 60.0 / result.overdispersion[which]

    def needed(ratio: float) -> Numbers:
        return duration(np.asarray(asked / np.maximum(usual * (ratio * math.log(ratio) - ratio + 1.0), 1e-9)))

    return needed(detection.severe_ratio), needed(detection.mild_ratio)


def _interval(ratio: float, events: float, overdispersion: float, variance: float) -> tuple[float, float]:
    """Between which ratios the truth lies with 95 %, given the count's chance and what the baseline does not know."""
    spread = overdispersion / (events + 0.5) + variance
    centre: Floats = np.array([ratio])
    low, high = (float(gamma_quantile(centre, centre**2 * spread, sign * BAND_SCORE)[0]) for sign in (-1, 1))
    return low, high


def _count(value: float) -> str:
    return f"{value:.0f}" if value >= 100 or float(value).is_integer() else f"{value:.2g}"
