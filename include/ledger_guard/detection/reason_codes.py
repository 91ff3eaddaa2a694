"""Why a tenant is not in alarm: a code, a count and a figure per verdict, worded on output."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from ledger_guard.detection.arrays import Floats, Numbers
from ledger_guard.domain.signals import Nouns
from ledger_guard.policy.detection import Detection

#: durations up to so many minutes, then hours, then days
_MINUTES, _HOURS, _DAYS = 120, 48, 365
_DURATIONS = (
    *(f"{minutes} minutes" for minutes in range(_MINUTES + 1)),
    *(f"{hours} hours" for hours in range(_HOURS + 1)),
    *(f"{days} days" for days in range(_DAYS + 1)),
    "more than a year",
)


class ReasonCode(IntEnum):
    """What is said, and the count and the figure in it; what is not named is 0."""

    #: events, and expected events
    OWN_RATE = 0
    NOTHING_ATTEMPTED = 1
    #: windows learned
    LEARNING = 2
    #: how long a severe and a mild rise would take to show, by `duration`
    TOO_LITTLE_TRAFFIC = 3
    NO_ROW = 4
    #: usual attempts
    MISSING_ROW = 5


@dataclass(frozen=True)
class CodedReasons:
    """A reason a tenant. The arrays are parallel."""

    code: NDArray[np.int8]
    count: Numbers
    figure: Floats

    def put(
        self, where: NDArray[np.intp], code: ReasonCode, count: Floats | Numbers | int = 0, figure: Floats | Numbers | int = 0
    ) -> None:
        """Another reason for the tenants at the indices `where`."""
        self.code[where], self.count[where], self.figure[where] = code, count, figure


class Wording:
    """The sentences of codes: all of a window that share one at once, since one sentence a verdict costs more than judging it."""

    def __init__(self, detection: Detection, nouns: Nouns, *, events_accumulate: bool = True) -> None:
        self.nouns, self.events_accumulate = nouns, events_accumulate
        self._needed_windows = detection.baseline_minimum_windows
        self._severe, self._mild = f"{detection.severe_ratio:g}", f"{detection.mild_ratio:g}"

    def sentences(self, reasons: CodedReasons) -> list[str]:
        """One sentence a tenant."""
        found = np.empty(len(reasons.code), object)
        for code in np.unique(reasons.code).tolist():
            where = np.flatnonzero(reasons.code == code)
            found[where] = self._worded(code, reasons.count[where].tolist(), reasons.figure[where].tolist())
        return list(found.tolist())

    def sentence(self, reasons: CodedReasons, place: int) -> str:
        """The sentence of the tenant at `place`."""
        return self._worded(int(reasons.code[place]), [int(reasons.count[place])], [float(reasons.figure[place])])[0]

    def _worded(self, code: int, counts: list[int], figures: list[float]) -> list[str]:
        events, exposure = self.nouns.events, self.nouns.exposure
        if code == ReasonCode.OWN_RATE:
            return [
                f"{count} {events}, usually {usual:.3g}: no rise, as far as the tenant's traffic shows."
                for count, usual in zip(counts, figures, strict=True)
            ]
        if code == ReasonCode.NOTHING_ATTEMPTED:
            return ["Nothing was attempted in this window."] * len(counts)
        if code == ReasonCode.LEARNING:
            return [f"The baseline has {count} of the {self._needed_windows} windows that it needs." for count in counts]
        if code == ReasonCode.TOO_LITTLE_TRAFFIC:
            return [
                f"Too little traffic to detect a rise: {self._severe} times as many {events} would take "
                f"about {_DURATIONS[severe]} to show, {self._mild} times about {_DURATIONS[int(mild)]}."
                for severe, mild in zip(counts, figures, strict=True)
            ]
        if code == ReasonCode.MISSING_ROW:
            return [f"No row, usually about {count} {exposure}: data are missing for this tenant." for count in counts]
        return ["No row in this window."] * len(counts)


def duration(minutes: Floats) -> Numbers:
    """Which of the durations that are told comes nearest."""
    hours, days = minutes / 60.0, minutes / 1440.0
    in_hours, in_days = _MINUTES + 1, _MINUTES + 1 + _HOURS + 1
    told = np.where(hours < _HOURS, in_hours + np.rint(hours), in_days + np.rint(np.minimum(days, _DAYS)))
    told = np.where(days >= _DAYS, len(_DURATIONS) - 1, told)
    return np.where(minutes < _MINUTES, np.rint(minutes), told).astype(np.int64)
