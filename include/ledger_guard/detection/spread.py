"""How restless each healthy tenant is: overdispersed counts, noise from window to window, a fast and a slow wobble of its level.

The variance of a healthy count around its expectation m is `overdispersion`·m + (white + fast + slow)·m². The three parts of the
second term are told apart by how long a deviation lasts: products of a window's deviation with its own, with the window
before's and with that of two hours before (method of moments, each shrunk to the fleet's middle).
"""

from __future__ import annotations

import numpy as np

from ledger_guard.detection.arrays import Blank, Flags, Floats, TenantMemory, middle

#: minutes after which the fast wobble has faded to a third, and hours for the slow one
FAST_MINUTES = 40.0
SLOW_HOURS = 24.0
#: the deviation that lasts is looked for this much later
_LAG_MINUTES = 120.0
#: most windows that a deviation is remembered
_MOST_LAG = 120
#: what is learned halves in a week
_HALF_LIFE_HOURS = 168.0
#: the fleet's middle weighs as much as this much information (in windows where the second term is all there is, over its square)
_FLEET_WEIGHT = 900.0
_FLEET_EVENTS = 30.0
#: tenants that know this much speak for the fleet, if there are five of them
_SPEAKS, _SPEAKS_EVENTS, _SPEAKERS = 100.0, 20.0, 5
#: a window further out than this many standard deviations teaches no more than that; nor does a burst beyond this many events
_SURPRISE, _BURST = 2.0, 6.0
#: bounds, and what is taken before the fleet tells
_WHITE, _FAST, _SLOW = (0.003, 0.5), (0.003, 0.3), (0.001, 0.2)
FIRST_WHITE, FIRST_FAST, FIRST_SLOW, FIRST_OVERDISPERSION = 0.03, 0.0225, 0.0144, 1.2
_EXCESS = (0.02, 3.0)


_BLANK: Blank = {
    #: sums of products of deviations at no lag, one window and two hours, and what they would be at variance one
    "products": (0.0, (3,), np.float64),
    "weights": (0.0, (3,), np.float64),
    "excess": (0.0, (), np.float64),
    "excess_events": (0.0, (), np.float64),
    "overdispersion": (FIRST_OVERDISPERSION, (), np.float64),
    "white": (FIRST_WHITE, (), np.float64),
    "fast": (FIRST_FAST, (), np.float64),
    "slow": (FIRST_SLOW, (), np.float64),
}


class Spread(TenantMemory):
    """Dispersion over tenants; `refresh` works it out of what was learned."""

    products: Floats
    weights: Floats
    excess: Floats
    excess_events: Floats
    #: standardised deviations of the last windows, each at its number modulo the depth, and their weights
    deviations: Floats
    scales: Floats
    overdispersion: Floats
    white: Floats
    fast: Floats
    slow: Floats

    def __init__(self, window_minutes: int) -> None:
        self._minutes = window_minutes
        self._lag = min(max(2, round(_LAG_MINUTES / window_minutes)), _MOST_LAG - 1)
        depth = self._lag + 1
        super().__init__({**_BLANK, "deviations": (0.0, (depth,), np.float32), "scales": (0.0, (depth,), np.float32)})
        self._keep = 0.5 ** (window_minutes / 60.0 / _HALF_LIFE_HOURS)
        self._depth = depth

    def learn(self, now: int, calm: Flags, events: Floats, expected: Floats) -> None:
        """Take window number `now` of the tenants in `calm` against what was expected of it; the others leave a gap."""
        total = self.white + self.fast + self.slow
        # variance over expectation, which is at least 1
        scale = self.overdispersion + total * expected
        variance = scale * expected
        surprise = events - expected
        reach = _SURPRISE * np.sqrt(variance)
        teaches = calm / scale
        u = np.minimum(np.maximum(surprise, -reach), reach) * teaches
        g = expected * teaches
        keep = np.where(calm, self._keep, 1.0)
        self.products *= keep
        self.weights *= keep
        self.products[0] += u * u - self.overdispersion * g * teaches
        self.weights[0] += g * g
        for i, lag in ((1, 1), (2, self._lag)):
            then = (now - lag) % self._depth
            self.products[i] += u * self.deviations[then]
            self.weights[i] += g * self.scales[then]
        self.deviations[now % self._depth], self.scales[now % self._depth] = u, g
        square = np.minimum(surprise * surprise, np.maximum(9.0 * variance, _BURST**2))
        thin = calm / (1.0 + 2.0 * expected)
        self.excess = self.excess * keep + thin * (square - expected - total * expected * expected)
        self.excess_events = self.excess_events * keep + thin * expected

    def forget_deviations(self) -> None:
        """After a gap in time nothing stands beside the next window."""
        self.deviations[:], self.scales[:] = 0.0, 0.0

    def refresh(self) -> None:
        """Work out the four parts from what was learned."""
        first = (FIRST_WHITE + FIRST_FAST + FIRST_SLOW, 0.9 * FIRST_FAST + FIRST_SLOW, FIRST_SLOW)
        at_once, soon, later = (self._shrunk(i, first[i]) for i in range(3))
        soon_kept, later_kept = np.exp(-self._minutes / FAST_MINUTES), np.exp(-self._lag * self._minutes / FAST_MINUTES)
        self.fast = np.clip((soon - later) / (soon_kept - later_kept), *_FAST)
        self.slow = np.clip(later - later_kept * self.fast, *_SLOW)
        self.white = np.clip(at_once - self.fast - self.slow, *_WHITE)
        speaks = self.excess_events > _SPEAKS_EVENTS
        fleet = FIRST_OVERDISPERSION - 1.0
        if speaks.sum() >= _SPEAKERS:
            fleet = max(middle(self.excess[speaks] / self.excess_events[speaks]), 0.05)
        excess = (self.excess + _FLEET_EVENTS * fleet) / (self.excess_events + _FLEET_EVENTS)
        self.overdispersion = 1.0 + np.clip(excess, *_EXCESS)

    def _shrunk(self, lag: int, first: float) -> Floats:
        product, weight = self.products[lag], self.weights[lag]
        speaks = weight > _SPEAKS
        fleet = middle(product[speaks] / weight[speaks]) if speaks.sum() >= _SPEAKERS else first
        shrunk: Floats = (product + _FLEET_WEIGHT * max(fleet, 0.0)) / (weight + _FLEET_WEIGHT)
        return shrunk
