"""The state of each tenant's alarm: severity, rule, since when, and whether it ended recently."""

from __future__ import annotations

import numpy as np

from ledger_guard.detection.arrays import Blank, Flags, Numbers, TenantMemory

QUIET, MILD, SEVERE = 0, 1, 2
#: which rule holds an alarm
RULES = ("", "slight_rise", "high_rise", "sustained_rise", "platform_rise")
SLIGHT, HIGH, SUSTAINED, PLATFORM = 1, 2, 3, 4
_NEVER = -(10**9)


_BLANK: Blank = {
    "level": (QUIET, (), np.int8),
    "rule": (0, (), np.int8),
    "is_widespread": (False, (), np.bool_),
    #: window in which the rise most likely began, and the one in which the last alarm ended
    "since": (0, (), np.int64),
    "over": (_NEVER, (), np.int64),
    #: True while it began by the platform's evidence, so that the tenant's own must still decide
    "is_supposed": (False, (), np.bool_),
}


class Alarms(TenantMemory):
    """Alarms over tenants. Windows are numbered since the Unix epoch."""

    level: np.ndarray[tuple[int, ...], np.dtype[np.int8]]
    rule: np.ndarray[tuple[int, ...], np.dtype[np.int8]]
    is_widespread: Flags
    since: Numbers
    over: Numbers
    is_supposed: Flags

    def __init__(self) -> None:
        super().__init__(_BLANK)

    @property
    def is_on(self) -> Flags:
        """Which tenants are in alarm."""
        return np.asarray(self.level > QUIET)

    def end(self, which: Flags, now: int) -> None:
        """Close the alarms of the tenants in `which`."""
        ended = which & self.is_on
        if not ended.any():
            return
        self.level, self.rule = np.where(ended, QUIET, self.level).astype(np.int8), np.where(ended, 0, self.rule).astype(np.int8)
        self.is_widespread = self.is_widespread & ~ended
        self.over = np.where(ended, now, self.over)

    def raise_to(self, level: Numbers, rule: Numbers, since: Numbers, widespread: Flags) -> None:
        """Open or escalate alarms, to a level and rule per tenant; an alarm is never lowered before it ends."""
        graver = level > self.level
        if graver.any():
            self._make_graver(graver, level, rule, since)
        self.is_widespread = self.is_on & (self.is_widespread | widespread)

    def _make_graver(self, graver: Flags, level: Numbers, rule: Numbers, since: Numbers) -> None:
        # new arrays each time: what was judged before keeps the old ones
        self.since = np.where(graver & (self.level == QUIET), since, self.since)
        self.level = np.where(graver, level, self.level).astype(np.int8)
        self.rule = np.where(graver, rule, self.rule).astype(np.int8)

    def ended_within(self, now: int, windows: int) -> Flags:
        """Tenants whose last alarm ended in the last `windows`."""
        return np.asarray(~self.is_on & (now - self.over < windows))
