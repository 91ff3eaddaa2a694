"""How likely each tenant is in trouble, and in which: a forward Bayes filter over health and a grid of rate ratios.

Health is one state, a trouble at ratio r another, for each r of the grid. Between windows a trouble may begin, end, or move
to the next ratio; within one, each state is weighed by how well it explains the count. For every state of trouble the filter
also keeps the healthy level that the rise started from and how long ago that was, both averaged over the ways into that state.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ledger_guard.detection.arrays import Blank, Flags, Floats, TenantMemory
from ledger_guard.detection.counts import log_likelihood, log_likelihoods
from ledger_guard.detection.healthy_level import BACK_AT_ONCE, HealthyLevel, Prediction
from ledger_guard.detection.spread import Spread
from ledger_guard.policy.schema import Detection

#: a tenant-day sees a trouble begin as often as this
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


def ratio_grid(detection: Detection) -> tuple[Floats, Floats]:
    """The ratios that are told apart, and how likely a new trouble has each of them.

    Ratios just above the mild one are a fifth as likely: a wobble looks like them most.
    """
    slight = np.geomspace(detection.mild_ratio * 16 / 15, detection.severe_ratio * 0.8, _SLIGHT_CELLS)
    high = detection.severe_ratio * np.array(_HIGH)
    prior = np.concatenate([[0.2], np.ones(_SLIGHT_CELLS - 1), np.where(np.array(_HIGH) >= 4.0, 0.5, 1.0)])
    return np.concatenate([slight, high]), prior / prior.sum()


@dataclass(frozen=True)
class Weighed:
    """How well each state explained one window: log likelihoods, and how much speaks for a level that went back at once."""

    healthy: Floats
    trouble: Floats
    returned: Floats


class Troubles(TenantMemory):
    """State of the filter over tenants; the second axis of a matrix is the ratio grid."""

    def __init__(self, detection: Detection, window_minutes: int) -> None:
        self.ratios, self.prior = ratio_grid(detection)
        cells = (len(self.ratios),)
        blank: Blank = {
            "healthy": (1.0, (), np.float64),
            "trouble": (0.0, cells, np.float64),
            "start_slow": (0.0, cells, np.float64),
            "start_fast": (0.0, cells, np.float64),
            "age_minutes": (0.0, cells, np.float64),
        }
        super().__init__(blank)
        self.healthy: Floats
        self.trouble: Floats
        self.start_slow: Floats
        self.start_fast: Floats
        self.age_minutes: Floats
        self._log_ratios = np.log(self.ratios)
        self._minutes = window_minutes
        self.begins = _BEGINNINGS_PER_TENANT_DAY * window_minutes / 1440.0
        self._ends = min(window_minutes / detection.trouble_minutes, 0.5)
        self._moves = _moves(len(self.ratios)) * (1.0 - self._ends)

    @property
    def in_trouble(self) -> Floats:
        """Probability of any trouble."""
        likely: Floats = 1.0 - self.healthy
        return likely

    @property
    def odds(self) -> Floats:
        """Of trouble against health."""
        odds: Floats = (1.0 - self.healthy) / self.healthy
        return odds

    def typical_ratio(self) -> Floats:
        """The ratio of the trouble that is most believed in (geometric mean)."""
        ratio: Floats = np.exp((self.trouble @ self._log_ratios) / np.maximum(self.trouble.sum(axis=1), _SURE))
        return ratio

    def typical_age_minutes(self) -> Floats:
        """Minutes since the trouble began, on average over what is believed."""
        age: Floats = (self.trouble * self.age_minutes).sum(axis=1) / np.maximum(self.trouble.sum(axis=1), _SURE)
        return age

    def pass_time(self, level: HealthyLevel, present: Flags, begins: float) -> None:
        """One window later, before it is looked at: troubles begin, end and move where there is something to look at.

        A window without data carries everything on as it was, an hour older.
        """
        begin = self.healthy * begins
        going_on = self.trouble @ self._moves
        entering = begin[:, None] * self.prior
        moved = going_on + entering
        mass = np.maximum(moved, 1e-300)
        start = np.clip(level.slow, _LOWEST_START, _HIGHEST_START), np.maximum(level.fast, _LOWEST_START)
        slow = ((self.trouble * self.start_slow * level.keep_slow) @ self._moves + entering * start[0][:, None]) / mass
        fast = ((self.trouble * self.start_fast * level.keep_fast) @ self._moves + entering * start[1][:, None]) / mass
        age = ((self.trouble * (self.age_minutes + self._minutes)) @ self._moves) / mass
        here = present[:, None]
        ended = self.trouble.sum(axis=1) * self._ends
        self.healthy = np.where(present, self.healthy - begin + ended, self.healthy)
        self.start_slow = np.where(here, slow, self.start_slow)
        self.start_fast = np.where(here, fast, self.start_fast)
        self.age_minutes = np.where(here, age, self.age_minutes + self._minutes)
        self.trouble = np.where(here, moved, self.trouble)

    def grow_old(self, minutes: float) -> None:
        """Let time pass that nobody saw."""
        self.age_minutes = self.age_minutes + minutes

    def weigh(self, events: Floats, is_several: Flags, seen: Prediction, level: HealthyLevel, spread: Spread) -> Weighed:
        """How well health and each ratio explain `events`; `is_several` where they are known not to be one player's."""
        clump = spread.clumping - 1.0
        size = 1.0 / (spread.white + seen.level_variance + clump / np.maximum(seen.expected, 0.05))
        plain = log_likelihood(events, seen.expected, size)
        free_size = 1.0 / (spread.white + seen.free_variance + clump / np.maximum(seen.baseline, 0.05))
        back = np.where(level.level < 0, BACK_AT_ONCE, 0.0)
        tracked, at_once = (
            np.log1p(-back) + plain,
            np.log(np.maximum(back, 1e-300)) + log_likelihood(events, seen.baseline, free_size),
        )
        health = np.logaddexp(tracked, at_once)
        chance = np.where(is_several, _FREAK_OF_SEVERAL, _FREAK)
        freak = np.log(chance) + log_likelihood(events, _FREAK_RATIO * seen.expected + 0.5, np.full_like(events, _FREAK_SIZE))
        trouble_size = 1.0 / (spread.white + spread.fast + 0.01 + clump / np.maximum(3.0 * seen.expected, 0.05))
        means = seen.baseline[:, None] * np.exp(self.start_slow + self.start_fast + self._log_ratios)
        trouble = log_likelihoods(events, means, trouble_size)
        usual = np.log1p(-chance)
        return Weighed(
            np.logaddexp(usual + health, freak),
            np.logaddexp(usual[:, None] + trouble, freak[:, None]),
            np.exp(at_once - health),
        )

    def update(self, weighed: Weighed, tells: Flags) -> None:
        """Bayes' rule, for the tenants whose window `tells` something."""
        most = np.maximum(weighed.healthy, weighed.trouble.max(axis=1))
        health = self.healthy * np.exp(weighed.healthy - most)
        trouble = self.trouble * np.exp(weighed.trouble - most[:, None])
        total = np.maximum(health + trouble.sum(axis=1), 1e-300)
        self.healthy = np.where(tells, np.clip(health / total, _SURE, 1.0), self.healthy)
        self.trouble = np.where(tells[:, None], trouble / total[:, None], self.trouble)

    def suppose(self, which: Flags, probability: Floats, shares: Floats, age_minutes: float) -> None:
        """Believe in trouble with a new probability, shared over the ratios, that began `age_minutes` ago."""
        column = which[:, None]
        self.trouble = np.where(column, probability[:, None] * shares, self.trouble)
        self.healthy = np.where(which, np.clip(1.0 - probability, _SURE, 1.0), self.healthy)
        self.age_minutes = np.where(column, age_minutes, self.age_minutes)


def _moves(cells: int) -> Floats:
    up = np.where(np.arange(cells) < cells - 1, _RISES_FURTHER, 0.0)
    down = np.where(np.arange(cells) > 0, _RISES_FURTHER / 2.0, 0.0)
    moves: Floats = np.diag(1.0 - up - down) + np.diag(up[:-1], 1) + np.diag(down[1:], -1)
    return moves
