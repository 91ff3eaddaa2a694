"""Whether the platform as a whole moved: the tenants' pooled evidence of the last half hour. No single tenant must be sure.

Were a share f of the tenants hit since a moment, the likelihood of all counts would be the product over tenants of
(1 - f) + f·L, where L is how much likelier a tenant's counts since then are with a rise than in health. The logarithm of that,
over a few moments and two shares, is the platform's evidence; without a rise e to its power is 1 on average, so chance
rarely lets it grow (Ville's inequality). What one tenant may add is bounded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ledger_guard.detection.arrays import Blank, Flags, Floats, TenantMemory
from ledger_guard.detection.rise_filter import Weighed
from ledger_guard.policy.detection import Detection

#: how far back the pooled evidence looks
_LOOK_BACK_MINUTES = 30.0
#: evidence that makes a movement the platform's, and the least of it that must be from the last quarter of an hour
_MOVED, _STILL_MOVES = 16.0, 4.0
_RECENT_MINUTES = 15.0
#: what one tenant may add, and what counts as adding
_MOST_OF_ONE, _ADDS = 4.0, 0.7
#: the larger of the two shares that are tried; the policy says the smaller
_LARGE_SHARE = 0.5
#: as long as single windows pool to less than this there is nothing to look at
_WORTH_A_LOOK, _FADE = 0.5, 0.9
#: and no ratio's odds count for more in it
_MOST_ODDS = math.exp(50.0)
#: while the platform has a rise, one begins this often in another tenant, per 5 minutes
JOINS = 0.01


@dataclass(frozen=True)
class Movement:
    """The platform's evidence in one window."""

    is_widespread: bool
    has_begun: bool = False
    #: pooled evidence in nats, and how many tenants it comes from
    evidence: float = 0.0
    tenants: int = 0
    #: what each tenant adds when it has begun: probability of being hit, and how that is shared over the ratios
    probability: Floats | None = None
    shares: Floats | None = None
    age_minutes: float = 0.0


class PooledEvidence(TenantMemory):
    """The evidence of the last windows over tenants, and whether the platform has a rise."""

    def __init__(self, detection: Detection, window_minutes: int, prior: Floats) -> None:
        self._depth = max(3, round(_LOOK_BACK_MINUTES / window_minutes))
        self._recent = max(1, round(_RECENT_MINUTES / window_minutes))
        blank: Blank = {"evidence": (0.0, (self._depth, len(prior)), np.float32)}
        super().__init__(blank)
        self.evidence: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
        self._prior = prior
        self._minutes = window_minutes
        self._fewest = detection.widespread_minimum_tenants
        self._shares = (min(detection.widespread_share, _LARGE_SHARE), _LARGE_SHARE)
        self.is_widespread = False
        #: number of the window in which the platform's rise began
        self.began = 0
        #: single windows' evidence, faded
        self.unrest = 0.0

    def watch(self, now: int, weighed: Weighed, tells: Flags) -> Movement:
        """Take window number `now` of the tenants that it `tells` something of."""
        count = int(np.count_nonzero(tells))
        evidence = np.log(weighed.odds)
        evidence += weighed.beyond
        if count < len(tells):
            evidence[:, ~tells] = 0.0
        self.evidence[now % self._depth] = evidence
        if count == 0:
            return Movement(self.is_widespread)
        most = max(_MOST_OF_ONE, _MOVED / max(self._fewest, count / 2.0) + 1.0)
        single = (self._prior @ np.minimum(weighed.odds, _MOST_ODDS))[tells]
        self.unrest = max(0.0, _FADE * self.unrest + max(_pooled_window(single, share, most) for share in self._shares))
        if self.unrest < _WORTH_A_LOOK and not self.is_widespread:
            return Movement(False)
        return self._look(now, tells, most)

    def is_part_of_it(self, onset: Floats) -> Flags:
        """Whether a rise that began in a window (by number) belongs to the platform's; older ones are the tenants' own."""
        slack = _RECENT_MINUTES / self._minutes
        return np.asarray((onset >= self.began - slack) & self.is_widespread)

    def _look(self, now: int, tells: Flags, most: float) -> Movement:
        order = [(now - back) % self._depth for back in range(self._depth)]
        # moments (windows back) by ratios by tenants
        since = np.clip(np.cumsum(self.evidence[order][:, :, tells].astype(np.float64), axis=0), -50.0, 50.0)
        odds = np.log(np.maximum(self._prior @ np.exp(since), 1e-300))
        best, recent = (-np.inf, 0, 0.0), -np.inf
        for share in self._shares:
            sums = _pooled(odds, share, most).sum(axis=1)
            back = int(np.argmax(sums))
            best = max(best, (float(sums[back]), back, share))
            recent = max(recent, float(sums[min(self._recent, self._depth) - 1]))
        evidence, back, share = best
        adding = int((_pooled(odds[back], share, most) > _ADDS).sum())
        was, moved = self.is_widespread, evidence > _MOVED and adding >= self._fewest and recent > _STILL_MOVES
        self.is_widespread = moved or (was and recent >= 0.0)
        if self.is_widespread and not was:
            self.began = now - back
        if was or not self.is_widespread:
            return Movement(self.is_widespread, evidence=evidence, tenants=adding)
        hit = np.minimum(np.exp(odds[back]), 1e30)
        probability, shares = np.zeros(len(tells)), np.zeros((len(self._prior), len(tells)))
        probability[tells] = share * hit / (1.0 - share + share * hit)
        weight = self._prior[:, None] * np.exp(since[back])
        shares[:, tells] = weight / weight.sum(axis=0)
        return Movement(True, True, evidence, adding, probability, shares, back * self._minutes)


def _pooled_window(odds: Floats, share: float, most: float) -> float:
    """What all tenants add together by one window, given the odds themselves."""
    return float(np.log1p(share * (np.minimum(odds, math.exp(most)) - 1.0)).sum())


def _pooled(odds: Floats, share: float, most: float) -> Floats:
    """What each tenant adds, given its log likelihood ratio and the share of tenants that are hit."""
    added: Floats = np.log1p(share * np.expm1(np.minimum(odds, most)))
    return added
