"""The hour that is going on and the one before it, which is learned when the next is over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ledger_guard.detection.arrays import Blank, Floats, TenantMemory

_SUMS = ("events", "exposure", "expected", "windows", "doubt")


@dataclass(frozen=True)
class WholeHour:
    """An hour over tenants; `doubt` is the largest probability of a rise in it or in the hour after."""

    #: hours since the Unix epoch
    number: int
    events: Floats
    exposure: Floats
    expected: Floats
    windows: Floats
    doubt: Floats


_BLANK: Blank = {f"{when}{name}": (0.0, (), np.float64) for when in ("", "last_") for name in _SUMS}


class HourNow(TenantMemory):
    """Sums of the hour that is going on (`…`) and of the one before (`last_…`)."""

    events: Floats
    exposure: Floats
    expected: Floats
    windows: Floats
    doubt: Floats

    def __init__(self) -> None:
        super().__init__(_BLANK)
        #: hours since the epoch; -1 before the first, and -1 where no hour waits
        self.number, self.last_number = -1, -1

    def take(self, events: Floats, exposure: Floats, expected: Floats, doubt: Floats) -> None:
        """Add a window, 0 for a tenant without a row.

        `doubt` is the probability of a rise, 0 to 1; 1 keeps the tenant's hour from being learned.
        """
        self.events += events
        self.exposure += exposure
        self.expected += expected
        self.windows += exposure > 0
        np.maximum(self.doubt, doubt, out=self.doubt)

    def turn(self, number: int) -> WholeHour | None:
        """Begin hour `number`; returns the hour that can be learned now, if there is one."""
        sums: dict[str, Floats] = self.__dict__
        done = None
        if self.last_number >= 0:
            last = {name: sums[f"last_{name}"] for name in _SUMS}
            last["doubt"] = np.maximum(last["doubt"], sums["doubt"])
            done = WholeHour(number=self.last_number, **last)
        for name in _SUMS:
            sums[f"last_{name}"] = sums[name]
            sums[name] = np.zeros_like(sums[name])
        self.last_number, self.number = self.number, number
        return done
