"""How likely each tenant's rate has risen, and by how much: a forward Bayes filter over health and a grid of rate ratios.

Health is one state, a rise by ratio r another, for each r of the grid. Between windows a rise may begin, end, or move
to the next ratio; within one, each state is weighed by how well it explains the count. For every such state the filter
also keeps the healthy level that the rise started from and how long ago that was, both averaged over the ways into that state.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ledger_guard.detection.arrays import Blank, Flags, Floats, TenantMemory, left_as_it_was
from ledger_guard.detection.healthy_level import BACK_AT_ONCE, HealthyLevel, Prediction
from ledger_guard.detection.negative_binomial import log_likelihood, log_likelihoods
from ledger_guard.detection.spread import Spread
from ledger_guard.policy.detection import Detection

#: a tenant-day sees a rise begin as often as this
_BEGINNINGS_PER_TENANT_DAY = 0.06
#: chance in a window to move to the next higher ratio; half as much to the next lower one
_RISES_FURTHER = 0.03
#: chance that a window's count is a freak that says nothing of the rate: one player who tries again and again
_FREAK = 2e-3
#: and the same when several players or webhooks are known to be behind it
_FREAK_OF_SEVERAL = 1e-5
#: a freak's size, and how far above the expectation it lies
_FREAK_SIZE, _FREAK_RATIO = 0.7, 3.0
#: a rise is taken from no lower level than this, and from no higher one
_LOWEST_START, _HIGHEST_START = -0.1, 0.4
#: ratios of the grid in units of the severe ratio, from there on
_HIGH = (1.0, 1.3, 1.8, 2.6, 4.0, 7.0, 14.0, 35.0, 90.0)
_SLIGHT_CELLS = 5
_SURE = 1e-12
#: likelihoods further apart than this are brought nearer before they become numbers (which end at e to the power 709)
_MOST_NATS = 600.0
_LOG_NEVER = math.log(1e-300)
_LOG_STAYS_SUNK, _LOG_BACK_AT_ONCE = math.log1p(-BACK_AT_ONCE), math.log(BACK_AT_ONCE)
_LOG_FREAK, _LOG_USUAL = math.log(_FREAK), math.log1p(-_FREAK)
_LOG_FREAK_OF_SEVERAL, _LOG_USUAL_OF_SEVERAL = math.log(_FREAK_OF_SEVERAL), math.log1p(-_FREAK_OF_SEVERAL)


def ratio_grid(detection: Detection) -> tuple[Floats, Floats]:
    """The ratios that are told apart, and how likely a new rise has each of them.

    Ratios just above the mild one are a fifth as likely: a wobble looks like them most.
    """
    slight = np.geomspace(detection.mild_ratio * 16 / 15, detection.severe_ratio * 0.8, _SLIGHT_CELLS)
    high = detection.severe_ratio * np.array(_HIGH)
    prior = np.concatenate([[0.2], np.ones(_SLIGHT_CELLS - 1), np.where(np.array(_HIGH) >= 4.0, 0.5, 1.0)])
    return np.concatenate([slight, high]), prior / prior.sum()


@dataclass(frozen=True)
class Weighed:
    """How well each state explained one window."""

    #: how much likelier the count is after a rise by each ratio (rows) than in health, over e to the power `beyond`: that is 0
    #: except where the likelihoods lie further apart than a number can tell
    odds: Floats
    beyond: Floats
    #: probability that a sunken level went back at once
    returned: Floats


@dataclass(frozen=True)
class Believed:
    """What is believed of each tenant after a window."""

    #: probability of health, and of any rise
    healthy: Floats
    doubt: Floats
    #: of a rise against health
    odds: Floats
    #: the most believed rise's ratio and age
    ratio: Floats
    age_minutes: Floats


class RiseFilter(TenantMemory):
    """State of the filter over tenants; the first axis of a matrix is the ratio grid."""

    def __init__(self, detection: Detection, window_minutes: int) -> None:
        self.ratios, self.prior = ratio_grid(detection)
        cells = (len(self.ratios),)
        blank: Blank = {
            "healthy": (1.0, (), np.float64),
            "rise": (0.0, cells, np.float64),
            "start_slow": (0.0, cells, np.float64),
            "start_fast": (0.0, cells, np.float64),
            "age_minutes": (0.0, cells, np.float64),
        }
        super().__init__(blank)
        self.healthy: Floats
        self.rise: Floats
        self.start_slow: Floats
        self.start_fast: Floats
        self.age_minutes: Floats
        self._log_ratios = np.log(self.ratios)
        self._log_ratio_column, self._prior_column = self._log_ratios[:, None], self.prior[:, None]
        self._minutes = window_minutes
        self.begins = _BEGINNINGS_PER_TENANT_DAY * window_minutes / 1440.0
        self._ends = min(window_minutes / detection.trouble_minutes, 0.5)
        self._moves = (_moves(len(self.ratios)) * (1.0 - self._ends)).T

    @property
    def in_rise(self) -> Floats:
        """Probability of any rise."""
        likely: Floats = 1.0 - self.healthy
        return likely

    def typical_ratio(self) -> Floats:
        """The ratio of the rise that is most believed in (geometric mean)."""
        ratio: Floats = np.exp((self._log_ratios @ self.rise) / np.maximum(self.rise.sum(axis=0), _SURE))
        return ratio

    def typical_age_minutes(self) -> Floats:
        """Minutes since the rise began, on average over what is believed."""
        age: Floats = (self.rise * self.age_minutes).sum(axis=0) / np.maximum(self.rise.sum(axis=0), _SURE)
        return age

    def believed(self) -> Believed:
        """All of it at once."""
        doubt = self.in_rise
        return Believed(self.healthy, doubt, doubt / self.healthy, self.typical_ratio(), self.typical_age_minutes())

    def pass_time(self, level: HealthyLevel, present: Flags, begins: float) -> None:
        """One window later, before it is looked at: rises begin, end and move where there is something to look at.

        A window without data carries everything on as it was, a window older.
        """
        absent = np.flatnonzero(~present)
        begin = self.healthy * begins
        ended = self.rise.sum(axis=0) * self._ends
        entering = self._prior_column * begin
        # what goes on in each state, and what it carries along in sums over the ways into it; all in one product
        going_on = np.empty((4, *self.rise.shape))
        going_on[0] = self.rise
        np.multiply(self.rise, self.start_slow, out=going_on[1])
        np.multiply(self.rise, self.start_fast, out=going_on[2])
        np.multiply(self.rise, self.age_minutes + self._minutes, out=going_on[3])
        moved, slow, fast, age = self._moves @ going_on
        moved += entering
        mass = np.maximum(moved, 1e-300)
        slow *= level.keep_slow
        slow += entering * np.minimum(np.maximum(level.slow, _LOWEST_START), _HIGHEST_START)
        slow /= mass
        fast *= level.keep_fast
        fast += entering * np.maximum(level.fast, _LOWEST_START)
        fast /= mass
        age /= mass
        if len(absent):
            age[:, absent] = self.age_minutes[:, absent] + self._minutes
        self.healthy = left_as_it_was(self.healthy - begin + ended, self.healthy, absent)
        self.start_slow = left_as_it_was(slow, self.start_slow, absent)
        self.start_fast = left_as_it_was(fast, self.start_fast, absent)
        self.rise = left_as_it_was(moved, self.rise, absent)
        self.age_minutes = age

    def grow_old(self, minutes: float) -> None:
        """Let time pass without data."""
        self.age_minutes = self.age_minutes + minutes

    def weigh(self, events: Floats, is_several: Flags, seen: Prediction, spread: Spread) -> Weighed:
        """How well health and each ratio explain `events`; `is_several` where they are known not to be one player's."""
        excess = spread.overdispersion - 1.0
        size = 1.0 / (spread.white + seen.level_variance + excess / np.maximum(seen.expected, 0.05))
        free_size = 1.0 / (spread.white + seen.free_variance + excess / np.maximum(seen.baseline, 0.05))
        rise_size = 1.0 / (spread.white + spread.fast + 0.01 + excess / np.maximum(3.0 * seen.expected, 0.05))
        means, sizes = np.empty((3, len(events))), np.empty((3, len(events)))
        means[0], means[1], means[2] = seen.expected, seen.baseline, _FREAK_RATIO * seen.expected + 0.5
        sizes[0], sizes[1], sizes[2] = size, free_size, _FREAK_SIZE
        tracked, at_once, freak = log_likelihood(events, means, sizes)
        sunk = seen.level < 0
        tracked += np.where(sunk, _LOG_STAYS_SUNK, 0.0)
        at_once += np.where(sunk, _LOG_BACK_AT_ONCE, _LOG_NEVER)
        health = np.logaddexp(tracked, at_once)
        freak += np.where(is_several, _LOG_FREAK_OF_SEVERAL, _LOG_FREAK)
        usual = np.where(is_several, _LOG_USUAL_OF_SEVERAL, _LOG_USUAL)
        healthy = np.logaddexp(usual + health, freak)
        log_means = self.start_slow + self.start_fast
        log_means += self._log_ratio_column
        log_means += np.log(np.maximum(seen.baseline, 1e-300))
        nats = log_likelihoods(events, log_means, rise_size)
        nats += usual - healthy
        beyond = np.maximum(nats.max(axis=0) - _MOST_NATS, 0.0)
        nats -= beyond
        odds = np.exp(nats, out=nats)
        odds += np.exp(freak - healthy - beyond)
        return Weighed(odds, beyond, np.exp(at_once - health))

    def update(self, weighed: Weighed, tells: Flags) -> None:
        """Bayes' rule, for the tenants whose window `tells` something."""
        untold = np.flatnonzero(~tells)
        health = self.healthy * np.exp(-weighed.beyond)
        rise = self.rise * weighed.odds
        total = np.maximum(health + rise.sum(axis=0), 1e-300)
        rise /= total
        self.healthy = left_as_it_was(np.maximum(health / total, _SURE), self.healthy, untold)
        self.rise = left_as_it_was(rise, self.rise, untold)

    def suppose(self, which: Flags, probability: Floats, shares: Floats, age_minutes: float) -> None:
        """Believe in a rise with a new probability, shared over the ratios, that began `age_minutes` ago."""
        self.rise = np.where(which, probability * shares, self.rise)
        self.healthy = np.where(which, np.clip(1.0 - probability, _SURE, 1.0), self.healthy)
        self.age_minutes = np.where(which, age_minutes, self.age_minutes)


def _moves(cells: int) -> Floats:
    up = np.where(np.arange(cells) < cells - 1, _RISES_FURTHER, 0.0)
    down = np.where(np.arange(cells) > 0, _RISES_FURTHER / 2.0, 0.0)
    moves: Floats = np.diag(1.0 - up - down) + np.diag(up[:-1], 1) + np.diag(down[1:], -1)
    return moves
