"""The state of each tenant's alarm: since when, how grave, and what would show that it is over."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ledger_guard.detection.tails import Floats

QUIET, MILD, SEVERE = 0, 1, 2
#: health must be twenty times likelier than that the rise goes on
EVIDENCE_OF_HEALTH = float(np.log(20.0))
#: that a tenant moved with the platform must be a thousand times likelier than that it stayed
EVIDENCE_OF_JOINING = float(np.log(1000.0))
#: the rise that recovery is tested against is never taken higher than this
MOST_RISE = 1000.0

#: which rule holds an alarm
RULES = ("", "slight_rise", "high_rise", "sustained_rise", "platform_rise")
SLIGHT, HIGH, SUSTAINED, PLATFORM = 1, 2, 3, 4


_MOMENTS = ("since", "over")
_HEALTH = ("health", "health_events", "health_expected", "health_windows")


class Alarms:
    """Arrays over tenants, grown as tenants appear. Windows are told by their number since the Unix epoch."""

    #: what `dump` and `load` of the engine keep
    FIELDS = ("level", "rule", "is_own", "since", "over", "rise", *_HEALTH)

    def __init__(self) -> None:
        #: QUIET, MILD or SEVERE
        self.level: NDArray[np.int8] = np.zeros(0, np.int8)
        #: index into RULES
        self.rule: NDArray[np.int8] = np.zeros(0, np.int8)
        #: False while an alarm rests on the platform's movement alone
        self.is_own: NDArray[np.bool_] = np.zeros(0, bool)
        #: estimated onset
        self.since: NDArray[np.int64] = np.zeros(0, np.int64)
        #: when the last alarm was over; -1 when there was none
        self.over: NDArray[np.int64] = np.zeros(0, np.int64)
        #: ratio at which the rise was last seen
        self.rise: Floats = np.zeros(0)
        #: evidence that the rise is over, and the events, expectation and windows it rests on
        self.health: Floats = np.zeros(0)
        self.health_events: Floats = np.zeros(0)
        self.health_expected: Floats = np.zeros(0)
        self.health_windows: NDArray[np.int64] = np.zeros(0, np.int64)

    def grow(self, count: int) -> None:
        """Make room for `count` new tenants in health."""
        for name in self.FIELDS:
            known = getattr(self, name)
            setattr(self, name, np.concatenate([known, np.full(count, -1 if name in _MOMENTS else 0, known.dtype)]))

    @property
    def is_on(self) -> NDArray[np.bool_]:
        """Which tenants are in alarm."""
        return np.asarray(self.level > QUIET)

    def raise_to(self, tenant: int, level: int, rule: int, since: int) -> None:
        """Open a tenant's alarm or make it graver; it never becomes slighter before it is over."""
        if self.level[tenant] == QUIET:
            self.since[tenant] = since
            self.forget_health(tenant)
        if level > self.level[tenant]:
            self.level[tenant], self.rule[tenant] = level, rule

    def watch(
        self, tenants: NDArray[np.intp], events: Floats, expected: Floats, overdispersion: Floats, variance: Floats
    ) -> None:
        """Add one window to the evidence that these tenants' rises are over.

        A log likelihood ratio of the baseline against a rate `rise` times it, thinned by the tenant's overdispersion
        and added up since it last spoke for the rise.
        """
        rise = np.clip(self.rise[tenants], 1.0 + 1e-6, MOST_RISE)
        step = (expected * (rise - 1.0) - events * np.log(rise)) / (overdispersion + variance * expected)
        sums = self.health[tenants] + step
        goes_on = sums > 0
        self.health[tenants] = np.where(goes_on, sums, 0.0)
        for name, amount in (("health_events", events), ("health_expected", expected), ("health_windows", 1)):
            known = getattr(self, name)
            known[tenants] = np.where(goes_on, known[tenants] + amount, 0)

    def forget_health(self, tenants: NDArray[np.intp] | int) -> None:
        """Begin anew with the evidence that a rise is over."""
        for name in _HEALTH:
            getattr(self, name)[tenants] = 0

    def end(self, tenants: NDArray[np.intp], now: int) -> None:
        """Close alarms; what they rose to and the evidence against it are kept, to go on testing their health."""
        self.level[tenants], self.rule[tenants], self.is_own[tenants] = QUIET, 0, False
        self.since[tenants], self.over[tenants] = -1, now


def onset(events: Floats, expected: Floats) -> int:
    """How many of the newest windows (index 0 is the newest) the rise most likely began ago; at least 1."""
    k, mean = np.cumsum(events), np.maximum(np.cumsum(expected), 1e-9)
    ratio = np.maximum(k / mean, 1.0)
    likelihood = np.where(k > 0, k * np.log(ratio) - mean * (ratio - 1.0), 0.0)
    return int(np.argmax(likelihood)) + 1
