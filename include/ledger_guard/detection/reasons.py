"""Verdicts in words and figures: everything that explains an alarm, a few figures for the rest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from ledger_guard.detection import alarms as alarm
from ledger_guard.detection.engine import Explanation
from ledger_guard.detection.rule import Judged, TenantBaselineRule
from ledger_guard.detection.tails import gamma_quantile
from ledger_guard.domain.windows import UTC, iso

_RISES = {
    alarm.SLIGHT: "a slight rise",
    alarm.HIGH: "a high rise",
    alarm.SUSTAINED: "a rise that lasts",
    alarm.PLATFORM: "a rise of the whole platform",
}


def as_json_number(value: float) -> int | float | None:
    """A count as JSON tells it: None for NaN, whole where it is whole."""
    if math.isnan(value):
        return None
    return int(value) if value.is_integer() else value


def explain_alarm(rule: TenantBaselineRule, judged: Judged, tenant: int) -> Explanation:
    """Why this tenant is in alarm: this window, the stretch that decided, the band of health, and since when."""
    kind = int(rule.alarms.rule[tenant])
    windows, events, expected, log_p = _deciding_stretch(rule, judged, tenant)
    now_expected = float(rule.recent.memory["adjusted"][0, tenant])
    band = _band(rule, tenant, now_expected)
    exposure = as_json_number(float(judged.exposure[tenant]))
    attempts = exposure if exposure else None
    ratio = events / max(expected, 1e-9)
    low, high = _interval(rule, tenant, events, expected)
    since = _moment(int(rule.alarms.since[tenant]), rule.window_minutes)
    minutes = windows * rule.window_minutes
    sentence = (
        f"{_count(events)} events within {_duration(minutes)} where {_count(expected)} are usual for this tenant, "
        f"{_count(ratio)} times as many: {_RISES[kind]} since {iso(since)}."
    )
    reasons: dict[str, Any] = {
        "rule": alarm.RULES[kind],
        "events": int(judged.events[tenant]),
        "exposure": exposure,
        "rate": float(judged.events[tenant]) / attempts if attempts else None,
        "baseline_rate": now_expected / attempts if attempts else None,
        "band_low": band[0] / attempts if attempts else None,
        "band_high": min(band[1] / attempts, 1.0) if attempts else None,
        "expected_events": round(now_expected, 3),
        "ratio": round(ratio, 3),
        "ratio_low": round(low, 3),
        "ratio_high": round(high, 3),
        "since": iso(since),
        "horizon_minutes": minutes,
        "horizon_events": int(events),
        "horizon_expected": round(expected, 3),
        "p_value": float(np.exp(log_p)) if log_p < 0 else None,
        "evidence": round(-log_p / float(np.log(10.0)), 1) if log_p < 0 else None,
        "overdispersion": round(float(rule.baselines.overdispersion[tenant]), 2),
        "common_factor": round(judged.common_factor, 3),
    }
    if judged.movement.is_widespread:
        reasons["platform_ratio"] = round(judged.movement.ratio, 3)
        reasons["platform_share"] = round(judged.movement.share, 3)
    return Explanation(sentence, reasons)


def insufficient_sentences(rule: TenantBaselineRule, judged: Judged, tenants: Sequence[int]) -> list[str]:
    """For each tenant why it can't be judged now, and how long it would need for which rise."""
    detection, fewest = rule.detection, rule.detection.baseline_minimum_windows
    usual = rule.baselines.typical(judged.hour)
    severe = _needed_minutes(rule, usual, detection.severe_ratio).tolist()
    mild = _needed_minutes(rule, usual, detection.mild_ratio).tolist()
    learned, exposure = rule.baselines.memory["learned"].tolist(), judged.exposure.tolist()
    sentences = []
    for tenant in tenants:
        if exposure[tenant] == 0:
            sentences.append("Nothing was attempted in this window.")
        elif not judged.is_known[tenant]:
            sentences.append(f"The baseline has learned {int(learned[tenant])} of the {fewest} windows that it needs.")
        else:
            sentences.append(
                f"Too little traffic to tell a rise from luck: {detection.severe_ratio:g} times as many failures would take "
                f"about {_duration(severe[tenant])} to show, {detection.mild_ratio:g} times about {_duration(mild[tenant])}."
            )
    return sentences


def _deciding_stretch(rule: TenantBaselineRule, judged: Judged, tenant: int) -> tuple[int, float, float, float]:
    """Windows, events, expectation and log probability of the most telling horizon, of those that passed if any did.

    Where none was tested (an alarm that only stands, or follows the platform) the longest one speaks.
    """
    evidence = judged.evidence
    passed, log_p = evidence.passed[:, tenant], evidence.log_p[:, tenant]
    told = np.where(passed, log_p, 0.0) if passed.any() else log_p
    best = int(np.argmin(told)) if told.min() < 0 else len(log_p) - 1
    events, expected = float(evidence.events[best, tenant]), float(evidence.expected[best, tenant])
    return rule.tests.horizons[best], events, expected, float(log_p[best])


def _interval(rule: TenantBaselineRule, tenant: int, events: float, expected: float) -> tuple[float, float]:
    """Between which ratios the truth lies with 95 %, given the count's chance and what the baseline does not know."""
    middle = (events + 0.5) / max(expected, 1e-9)
    spread = rule.baselines.overdispersion[tenant] / (events + 0.5) + rule.baselines.ratio_variance[tenant]
    centre, variance = np.array([middle]), np.array([spread * middle**2])
    low, high = (float(gamma_quantile(centre, variance, score)[0]) for score in (-1.96, 1.96))
    return low, high


def _band(rule: TenantBaselineRule, tenant: int, expected: float) -> tuple[float, float]:
    """Counts between which nineteen in twenty windows of a healthy tenant stay."""
    variance = rule.baselines.variance(np.array([expected]), np.array([tenant]))
    low, high = (float(gamma_quantile(np.array([expected]), variance, score)[0]) for score in (-1.96, 1.96))
    return low, high


def _needed_minutes(rule: TenantBaselineRule, usual: np.ndarray[Any, np.dtype[np.float64]], ratio: float) -> Any:
    """Minutes until nine in ten rises by `ratio` carry the evidence that an alarm asks for.

    A rise by r carries r·ln r - r + 1 nats for each expected event, divided by the tenant's overdispersion; the level itself
    asks for -ln(probability), and nine in ten for about half as much again.
    """
    asked = -1.6 * float(np.log(rule.detection.false_alarm_probability))
    nats = usual * (ratio * float(np.log(ratio)) - ratio + 1.0) / rule.baselines.overdispersion
    return asked / np.maximum(nats, 1e-9) * rule.window_minutes


def _moment(window: int, window_minutes: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=window * window_minutes)


def _count(value: float) -> str:
    return f"{value:.0f}" if value >= 100 or float(value).is_integer() else f"{value:.2g}"


def _duration(minutes: float) -> str:
    if minutes < 120:
        return f"{minutes:.0f} minutes"
    if minutes < 48 * 60:
        return f"{minutes / 60:.0f} hours"
    days = minutes / 1440
    return f"{days:.0f} days" if days < 365 else "more than a year"
