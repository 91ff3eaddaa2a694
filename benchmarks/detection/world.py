"""A seeded world: counts of many tenants over weeks, and the truth about them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection import labels
from benchmarks.detection.calendar import Calendar
from benchmarks.detection.curves import Floats
from benchmarks.detection.incidents import Incident, Troublemaker, information
from benchmarks.detection.noise import CountNoise, draw_events, draw_noise
from benchmarks.detection.rates import healthy_rates
from benchmarks.detection.rows import lifetimes, missing_rows
from benchmarks.detection.settings import WorldSettings
from benchmarks.detection.traffic import mean_attempts, sizes
from benchmarks.detection.traps import Trap, Trapper


@dataclass(frozen=True)
class World:
    """What was counted, and what was true."""

    settings: WorldSettings
    seed: int
    tenant_ids: tuple[str, ...]
    #: failures and attempts, [window, tenant]; both NaN where there is no row
    events: Floats
    exposure: Floats
    #: the tenants' own rate without any trouble, and how many times that it was
    healthy_rate: Floats
    ratio: Floats
    #: incidents, traps and gaps by name and moment, JSON-able
    truth: labels.Labels


def make_world(settings: WorldSettings, seed: int) -> World:
    """The world of a seed; the same settings and seed make the same world, with one version of numpy."""

    def rng(part: int) -> np.random.Generator:
        # a stream for each part, so that more troubles do not change the traffic
        return np.random.default_rng([seed, part])

    size = sizes(rng(0), settings)
    mean = mean_attempts(rng(1), settings, size)
    rates = healthy_rates(rng(2), settings)
    noise = draw_noise(rng(3), settings)
    first, last = lifetimes(rng(4), settings)
    calendar = Calendar(settings, first, last)
    is_missing = missing_rows(rng(5), settings)
    trapper = Trapper(rng(6), settings, calendar)
    trapper.outages(is_missing)
    incidents = Troublemaker(rng(7), settings, calendar, mean, rates.rate, noise).all()
    ratio = np.ones_like(mean)
    for incident in incidents:
        for tenant, course in incident.courses.items():
            ratio[incident.start : incident.end, tenant] = course
    trapper.in_the_means(mean, ratio)
    exposure = rng(8).poisson(mean).astype(np.float64)
    events = draw_events(rng(9), settings, noise, exposure, rates.rate * ratio)
    trapper.in_the_counts(events, exposure, is_missing)
    trapper.peaks(rates)
    is_missing |= ~calendar.is_present
    events[is_missing] = np.nan
    exposure[is_missing] = np.nan
    truth = _truth(settings, incidents, trapper.traps, exposure, rates.rate, noise)
    return World(settings, seed, tuple(truth["tenants"]), events, exposure, rates.rate, ratio, truth)


def _truth(
    settings: WorldSettings, incidents: list[Incident], traps: list[Trap], exposure: Floats, rate: Floats, noise: CountNoise
) -> labels.Labels:
    minutes, names = settings.window_minutes, labels.tenant_names(settings.tenants)
    is_missing = np.isnan(exposure)
    dispersion = noise.dispersion(np.nan_to_num(exposure) * rate)
    return {
        "window_minutes": minutes,
        "start": labels.moment(0, minutes),
        "windows": settings.windows,
        "scored_from": labels.moment(settings.first_scored, minutes),
        "tenants": names,
        "high_ratio": labels.HIGH_RATIO,
        "sustained_minutes": labels.SUSTAINED_MINUTES,
        "size": _mean_size(exposure),
        "first_row": [int(index) for index in np.argmin(is_missing, axis=0)],
        "missing_bitmap": labels.packed(is_missing),
        "zero_exposure_bitmap": labels.packed(exposure == 0),
        "incidents": [_incident(one, minutes, names, exposure, rate, dispersion) for one in incidents],
        "traps": [
            {
                "kind": trap.kind,
                "tenants": labels.as_text(names, trap.tenants),
                "start": labels.moment(trap.start, minutes),
                "end": labels.moment(trap.end, minutes),
            }
            for trap in traps
        ],
    }


def _mean_size(exposure: Floats) -> list[float]:
    rows: NDArray[np.int64] = (~np.isnan(exposure)).sum(axis=0)
    return [round(float(mean), 2) for mean in np.nansum(exposure, axis=0) / np.maximum(rows, 1)]


def _incident(
    incident: Incident, minutes: int, names: list[str], exposure: Floats, rate: Floats, dispersion: Floats
) -> labels.Labels:
    windows = slice(incident.start, incident.end)
    return {
        "class": incident.kind,
        "scored": incident.scored,
        "scope": "widespread" if incident.is_widespread else "isolated",
        "start": labels.moment(incident.start, minutes),
        "end": labels.moment(incident.end, minutes),
        "ratio": round(incident.ratio, 2),
        "flag_enabled_at": labels.moment(incident.start, minutes) if incident.is_flag else None,
        "tenants": {
            names[tenant]: {
                "info_nats": round(
                    information(course, exposure[windows, tenant], rate[windows, tenant], dispersion[windows, tenant]), 1
                ),
                "segments": labels.segments(course, incident.start, minutes),
            }
            for tenant, course in incident.courses.items()
        },
    }
