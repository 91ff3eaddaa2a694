"""Troubles: how a tenant's rate rises, for how long, and for whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.detection.calendar import Calendar
from benchmarks.detection.curves import Floats
from benchmarks.detection.noise import HIGHEST_SHARE, CountNoise
from benchmarks.detection.settings import WorldSettings

#: attempts to find a place for one trouble
PLACES_TRIED = 300
#: nats that a trouble has to carry where it is not placed blindly
LEAST_NATS = 15.0


@dataclass(frozen=True)
class Incident:
    """One trouble of one tenant or many, by index."""

    kind: str
    scored: bool
    is_widespread: bool
    start: int
    end: int
    #: how many times the usual rate, at the highest
    ratio: float
    is_flag: bool
    #: of each tenant: the ratio in each window of [start, end)
    courses: dict[int, Floats]


def flat(rng: np.random.Generator, settings: WorldSettings, minutes: tuple[float, float], ratios: tuple[float, float]) -> Floats:
    """One ratio, from the first window to the last."""
    ratio = np.exp(rng.uniform(np.log(ratios[0]), np.log(ratios[1])))
    return np.full(settings.in_windows(rng.uniform(*minutes)), ratio)


def blip(rng: np.random.Generator, settings: WorldSettings) -> Floats:
    """A short and slight rise."""
    return flat(rng, settings, (10, 40), (1.6, 4.9))


def spike(rng: np.random.Generator, settings: WorldSettings) -> Floats:
    """A high rise, that half the time fades away."""
    course = flat(rng, settings, (20, 150), (5.5, 30))
    fade = np.linspace(0, rng.uniform(0.5, 1.0) if rng.uniform() < 0.5 else 0, len(course))
    return np.asarray(course ** (1 - 0.8 * fade), dtype=np.float64)


def sustained(rng: np.random.Generator, settings: WorldSettings) -> Floats:
    """A slight rise that stays for hours."""
    return flat(rng, settings, (180, 720), (1.7, 4.0))


def ramp(rng: np.random.Generator, settings: WorldSettings) -> Floats:
    """A rise that grows, and then stays."""
    peak = np.exp(rng.uniform(np.log(3), np.log(10)))
    length = settings.in_windows(rng.uniform(60, 180))
    grows = (np.arange(length) + 0.5) / length
    risen = peak**grows if rng.uniform() < 0.5 else 1 + (peak - 1) * grows
    return np.concatenate([risen, np.full(settings.in_windows(rng.uniform(30, 180)), peak)])


def flag(rng: np.random.Generator, settings: WorldSettings) -> Floats:
    """What an enabled flag breaks at once."""
    return flat(rng, settings, (60, 300), (2.5, 12))


def whole(rng: np.random.Generator, settings: WorldSettings) -> Floats:
    """A trouble of the platform."""
    return flat(rng, settings, (40, 150), (3, 12))


def information(course: Floats, attempts: Floats, rate: Floats, dispersion: Floats) -> float:
    """Nats that the expected counts of a course carry against the tenant's own true rate, over windows."""
    gain = course * np.log(np.maximum(course, 1e-12)) - course + 1
    return float(np.nansum(attempts * rate * gain / dispersion))


class Troublemaker:
    """Places troubles in a world."""

    def __init__(
        self,
        rng: np.random.Generator,
        settings: WorldSettings,
        calendar: Calendar,
        attempts: Floats,
        rate: Floats,
        noise: CountNoise,
    ) -> None:
        self._rng, self._settings, self._calendar = rng, settings, calendar
        self._attempts, self._rate = attempts, rate
        self._dispersion = noise.dispersion(attempts * rate)
        self._size = attempts.mean(axis=0)

    def all(self) -> list[Incident]:
        """Every trouble of the world; those of the platform are placed first."""
        made = [self._fleet("widespread", whole) for _ in range(self._settings.widespread)]
        made += [self._fleet("flag", flag) for _ in range(self._settings.fleet_flags)]
        made += self._contaminations()
        counts: tuple[tuple[str, float, Callable[[np.random.Generator, WorldSettings], Floats]], ...] = (
            ("low_traffic", self._settings.low_traffic, whole),
            ("sustained", self._settings.sustained, sustained),
            ("ramp", self._settings.ramps, ramp),
            ("flag", self._settings.flags, flag),
            ("spike", self._settings.spikes, spike),
            ("blip", self._settings.blips, blip),
        )
        for kind, density, shape in counts:
            made += [self._isolated(kind, shape) for _ in range(self._settings.count(density))]
        return [incident for incident in made if incident is not None]

    def _capped(self, course: Floats, start: int, tenant: int) -> Floats:
        """A course that leaves the rate below one."""
        room = HIGHEST_SHARE / self._rate[start : start + len(course), tenant]
        return np.asarray(np.minimum(course, room), dtype=np.float64)

    def _start(self, length: int) -> int:
        return int(
            self._rng.integers(self._settings.first_scored, max(self._settings.first_scored + 1, len(self._rate) - length))
        )

    def _isolated(self, kind: str, shape: Callable[[np.random.Generator, WorldSettings], Floats]) -> Incident | None:
        """A trouble of one tenant, where there is room and (mostly) where the counts can show it; None if nowhere."""
        is_blind = self._rng.uniform() < self._settings.blind_share
        for _ in range(PLACES_TRIED):
            course, tenant = shape(self._rng, self._settings), int(self._rng.integers(self._settings.tenants))
            start = self._start(len(course))
            if kind == "low_traffic":
                if self._size[tenant] > 6 * self._settings.window_minutes / 5:
                    continue
                course = np.full(self._settings.in_windows(self._rng.uniform(65, 240)), 1.0)
                course *= self._rng.uniform(0.6, 0.95) / self._rate[start : start + len(course), tenant].max()
            if not self._calendar.is_free(tenant, start, start + len(course)):
                continue
            course = self._capped(course, start, tenant)
            where = (slice(start, start + len(course)), tenant)
            told = information(course, self._attempts[where], self._rate[where], self._dispersion[where])
            if is_blind or told >= LEAST_NATS:
                self._calendar.take(tenant, start, start + len(course))
                ratio = float(course.max())
                return Incident(kind, True, False, start, start + len(course), ratio, kind == "flag", {tenant: course})
        return None

    def _fleet(self, kind: str, shape: Callable[[np.random.Generator, WorldSettings], Floats]) -> Incident | None:
        """A trouble of three to nine tenths of the tenants, each with a ratio of its own."""
        for _ in range(PLACES_TRIED):
            course, share = shape(self._rng, self._settings), self._rng.uniform(0.3, 0.9)
            start = self._start(len(course))
            end = start + len(course)
            free = [tenant for tenant in range(self._settings.tenants) if self._calendar.is_free(tenant, start, end)]
            if len(free) < share * self._settings.tenants:
                continue
            chosen = self._rng.permutation(free)[: max(2, round(share * self._settings.tenants))]
            courses = {}
            for tenant in sorted(int(index) for index in chosen):
                own = course * np.exp(0.15 * self._rng.standard_normal())
                courses[tenant] = self._capped(np.maximum(own, 1.5), start, tenant)
                self._calendar.take(tenant, start, end)
            return Incident(kind, True, True, start, end, float(course.max()), kind == "flag", courses)
        return None

    def _contaminations(self) -> list[Incident]:
        """Troubles of the days that are learned from: six hours to two days, never scored."""
        made = []
        for tenant in np.flatnonzero(self._rng.uniform(size=self._settings.tenants) < self._settings.contaminated_share):
            length = self._settings.in_windows(self._rng.uniform(360, 2880))
            start = int(
                self._rng.integers(
                    12 * self._settings.per_hour, max(13 * self._settings.per_hour, self._settings.first_scored - length)
                )
            )
            end = min(start + length, self._settings.first_scored)
            if self._calendar.is_present[start:end, tenant].all():
                course = np.full(end - start, np.exp(self._rng.uniform(np.log(2.5), np.log(10))))
                course = self._capped(course, start, int(tenant))
                self._calendar.take(int(tenant), start, end)
                made.append(
                    Incident("contamination", False, False, start, end, float(course.max()), False, {int(tenant): course})
                )
        return made
