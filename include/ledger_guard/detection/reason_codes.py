"""Why a tenant is not in alarm: a code, a count and a figure a verdict, worded when the verdict is told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from ledger_guard.detection.arrays import Floats, Numbers
from ledger_guard.policy.schema import Detection

#: more sentences than this are forgotten and begun anew
_MOST_KEPT = 50_000
#: figures are told to three digits, and as 0 below 10^-19
_LEAST_DECADE, _MOST = -20, 1e15
_POWERS = 10.0 ** np.arange(_LEAST_DECADE - 2, 21)
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

    #: events, and expected events by `three_digits`
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


class Wording(dict[tuple[int, int, float], str]):
    """The sentence of each code, count and figure, put into words when it is first asked for.

    A fleet's verdicts are mostly quiet and say the same things again; wording each costs more than judging it.
    """

    def __init__(self, detection: Detection) -> None:
        super().__init__()
        self._detection = detection

    def sentences(self, reasons: CodedReasons) -> list[str]:
        """One sentence a tenant."""
        if len(self) > _MOST_KEPT:
            self.clear()
        keys = zip(reasons.code.tolist(), reasons.count.tolist(), reasons.figure.tolist(), strict=True)
        return list(map(self.__getitem__, keys))

    def sentence(self, reasons: CodedReasons, place: int) -> str:
        """The sentence of the tenant at `place`."""
        return self[int(reasons.code[place]), int(reasons.count[place]), float(reasons.figure[place])]

    def __missing__(self, key: tuple[int, int, float]) -> str:
        words = self[key] = self._worded(*key)
        return words

    def _worded(self, code: int, count: int, figure: float) -> str:
        detection = self._detection
        if code == ReasonCode.OWN_RATE:
            return f"{count} events where {figure:.3g} are usual: the tenant's own rate, as far as its traffic can tell."
        if code == ReasonCode.NOTHING_ATTEMPTED:
            return "Nothing was attempted in this window."
        if code == ReasonCode.LEARNING:
            return f"The baseline has learned {count} of the {detection.baseline_minimum_windows} windows that it needs."
        if code == ReasonCode.TOO_LITTLE_TRAFFIC:
            return (
                f"Too little traffic to tell a rise from luck: {detection.severe_ratio:g} times as many failures would take "
                f"about {_DURATIONS[count]} to show, {detection.mild_ratio:g} times about {_DURATIONS[int(figure)]}."
            )
        if code == ReasonCode.MISSING_ROW:
            return f"No row where about {count} attempts are usual: the source is silent for this tenant."
        return "No row in this window."


def three_digits(value: Floats) -> Floats:
    """Rounded to three digits, so that figures that are told the same are the same."""
    value = np.minimum(np.maximum(value, 10.0**_LEAST_DECADE), _MOST)
    place = np.floor(np.log10(value)).astype(np.int64) - _LEAST_DECADE
    unit = _POWERS[place]
    return np.where(place == 0, 0.0, np.rint(value / unit) * unit)


def duration(minutes: Floats) -> Numbers:
    """Which of the durations that are told comes nearest."""
    hours, days = minutes / 60.0, minutes / 1440.0
    in_hours, in_days = _MINUTES + 1, _MINUTES + 1 + _HOURS + 1
    told = np.where(hours < _HOURS, in_hours + np.rint(hours), in_days + np.rint(np.minimum(days, _DAYS)))
    told = np.where(days >= _DAYS, len(_DURATIONS) - 1, told)
    return np.where(minutes < _MINUTES, np.rint(minutes), told).astype(np.int64)
