"""The state of each tenant's alarm: since when, how grave, and what would show that it is over."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ledger_guard.detection.tails import Floats

QUIET, MILD, SEVERE = 0, 1, 2
#: health must be this many times likelier than that the rise goes on (natural logarithm of 100)
EVIDENCE_OF_HEALTH = float(np.log(100.0))
#: the rise that recovery is tested against is never taken higher than this, so that a moderate one is seen to stay
MOST_RISE = 10.0

#: which rule holds an alarm
RULES = ("", "slight_rise", "high_rise", "sustained_rise", "platform_rise")
SLIGHT, HIGH, SUSTAINED, PLATFORM = 1, 2, 3, 4


class Alarms:
    """Arrays over tenants, grown as tenants appear. Windows are told by their number since the Unix epoch."""

    #: what `dump` and `load` of the engine keep
    FIELDS = ("level", "rule", "since", "seen", "over", "rise")

    def __init__(self) -> None:
        #: QUIET, MILD or SEVERE
        self.level: NDArray[np.int8] = np.zeros(0, np.int8)
        #: index into RULES
        self.rule: NDArray[np.int8] = np.zeros(0, np.int8)
        #: estimated onset
        self.since: NDArray[np.int64] = np.zeros(0, np.int64)
        #: when the rise was last seen
        self.seen: NDArray[np.int64] = np.zeros(0, np.int64)
        #: when the last alarm was over; -1 when there was none
        self.over: NDArray[np.int64] = np.zeros(0, np.int64)
        #: ratio at which the rise was last seen
        self.rise: Floats = np.zeros(0)

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
        if level > self.level[tenant]:
            self.level[tenant], self.rule[tenant] = level, rule

    def end(self, tenant: int, now: int) -> None:
        """Close a tenant's alarm; what it rose to is kept, to test its health against."""
        self.level[tenant], self.rule[tenant] = QUIET, 0
        self.since[tenant], self.over[tenant] = -1, now


_MOMENTS = ("since", "seen", "over")


def evidence_of_health(events: Floats, expected: Floats, rise: Floats, overdispersion: Floats, variance: Floats) -> Floats:
    """Log likelihood ratio of the baseline against a rate `rise` times it, thinned by the tenant's overdispersion."""
    thinned = overdispersion + variance * expected
    evidence: Floats = (expected * (rise - 1.0) - events * np.log(rise)) / thinned
    return evidence


def onset(events: Floats, expected: Floats) -> int:
    """How many of the newest windows (index 0 is the newest) the rise most likely began ago; at least 1."""
    k, mean = np.cumsum(events), np.maximum(np.cumsum(expected), 1e-9)
    ratio = np.maximum(k / mean, 1.0)
    likelihood = np.where(k > 0, k * np.log(ratio) - mean * (ratio - 1.0), 0.0)
    return int(np.argmax(likelihood)) + 1
