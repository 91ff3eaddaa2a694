"""Verdicts in words and figures: everything that explains an alarm, a few figures for the rest."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ledger_guard.detection import alarms as alarm
from ledger_guard.detection.arrays import Floats
from ledger_guard.detection.counts import gamma_quantile
from ledger_guard.detection.engine import SEVERITIES, Explanation, WindowBatch
from ledger_guard.detection.judged import Judged
from ledger_guard.domain.verdicts import Severity
from ledger_guard.domain.windows import UTC, iso
from ledger_guard.policy.schema import Detection

_RISES = {
    alarm.SLIGHT: "a slight rise",
    alarm.HIGH: "a high rise",
    alarm.SUSTAINED: "a rise that lasts",
    alarm.PLATFORM: "a rise of the whole platform",
}
#: fewer attempts than this may be missing by chance
_NOTICEABLE_EXPOSURE = 7.0
#: nats that find nine in ten rises of which the policy's bound on false alarms lets an alarm come
_FOUND_NATS = 8.0
_SCORE = 1.96
_NOTHING_ATTEMPTED = "Nothing was attempted in this window."
_OWN_RATE = "%d events where %.3g are usual: the tenant's own rate, as far as its traffic can tell."
_LEARNING = "The baseline has learned %d of the %d windows that it needs."


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
    ) -> None:
        self._batch, self._judged, self._order, self._severity = batch, judged, order, severity
        self._detection, self._minutes = detection, window_minutes

    def sentences(self) -> list[str]:
        """One sentence a tenant."""
        judged, order = self._judged, self._order
        words = list(
            map(_OWN_RATE.__mod__, zip(judged.events[order].tolist(), judged.seen.expected[order].tolist(), strict=True))
        )
        for place in np.flatnonzero(self._severity != SEVERITIES.index(Severity.NONE)).tolist():
            words[place] = self._sentence(place)
        for place in np.flatnonzero(judged.is_weekly[order]).tolist():
            words[place] = self._sentence(place)
        return words

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
        severity, index, judged = SEVERITIES[self._severity[place]], int(self._order[place]), self._judged
        if severity is Severity.NO_DATA:
            return _nothing(self._batch, float(judged.usual_exposure[index]))
        if severity.is_alarm:
            return self._alarm_sentence(index)
        events, expected = float(judged.events[index]), float(judged.seen.expected[index])
        if severity is Severity.NONE and judged.is_weekly[index]:
            return f"{_count(events)} events where {_count(expected)} are usual, as at the same hours of the last weeks."
        return _OWN_RATE % (events, expected) if severity is Severity.NONE else self._lack(index)

    def _lack(self, index: int) -> str:
        """Why there is no verdict, and how long this tenant would need for which rise."""
        judged = self._judged
        if judged.exposure[index] == 0:
            return _NOTHING_ATTEMPTED
        if not judged.is_known[index]:
            return _LEARNING % (judged.learned[index], self._detection.baseline_minimum_windows)
        return (
            f"Too little traffic to tell a rise from luck: {self._detection.severe_ratio:g} times as many failures would take "
            f"about {self._needed(index, self._detection.severe_ratio)} to show, {self._detection.mild_ratio:g} times about "
            f"{self._needed(index, self._detection.mild_ratio)}."
        )

    def _alarm_sentence(self, index: int) -> str:
        judged = self._judged
        events, usual = _count(float(judged.hour_events[index])), _count(float(judged.hour_expected[index]))
        return (
            f"{events} events within the hour where {usual} are usual for this tenant: {_RISES[int(judged.rule[index])]} "
            f"by about {_count(float(judged.ratio[index]))} times since {iso(self._since(index))}; {self._way_out(index)}."
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
            float(gamma_quantile(judged.seen.expected[index : index + 1], variance, sign * _SCORE)[0]) for sign in (-1, 1)
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

    def _needed(self, index: int, ratio: float) -> str:
        """Time until nine in ten rises by `ratio` carry the evidence that a severe alarm asks for.

        A rise by r carries r·ln r - r + 1 nats for each expected event, divided by the tenant's clumping.
        """
        per_day = 1440.0 / self._minutes
        asked = math.log(1000.0 * per_day / self._detection.severe_false_alarms) + _FOUND_NATS
        usual = float(self._judged.hour_expected[index]) / 60.0
        nats = usual * (ratio * math.log(ratio) - ratio + 1.0) / float(self._judged.clumping[index])
        return _duration(asked / max(nats, 1e-9))


def _interval(ratio: float, events: float, clumping: float, variance: float) -> tuple[float, float]:
    """Between which ratios the truth lies with 95 %, given the count's chance and what the baseline does not know."""
    spread = clumping / (events + 0.5) + variance
    centre: Floats = np.array([ratio])
    low, high = (float(gamma_quantile(centre, centre**2 * spread, sign * _SCORE)[0]) for sign in (-1, 1))
    return low, high


def _nothing(batch: WindowBatch, usual: float) -> str:
    if not batch.is_complete:
        return f"The window could not be read: {batch.incomplete_reason or 'no reason given'}."
    if usual >= _NOTICEABLE_EXPOSURE:
        return f"No row where about {usual:.0f} attempts are usual: the source is silent for this tenant."
    return "No row in this window."


def _count(value: float) -> str:
    return f"{value:.0f}" if value >= 100 or float(value).is_integer() else f"{value:.2g}"


def _duration(minutes: float) -> str:
    if minutes < 120:
        return f"{minutes:.0f} minutes"
    if minutes < 48 * 60:
        return f"{minutes / 60:.0f} hours"
    days = minutes / 1440
    return f"{days:.0f} days" if days < 365 else "more than a year"
