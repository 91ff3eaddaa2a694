"""Sentences that many verdicts share: each is put into words once, and found again by a number that says what is in it.

A fleet's verdicts are mostly quiet, and one sentence a verdict costs more than the verdict. The numbers of a whole window are
worked out at once; only sentences that are new are formatted.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ledger_guard.detection.arrays import Floats, Numbers
from ledger_guard.domain.signals import Nouns
from ledger_guard.policy.detection import Detection

#: more sentences than this are forgotten and begun anew
_MOST_KEPT = 100_000
#: the lowest bits hold a figure, those above it a count (of up to 10^12), the highest ones which sentence it is
_FIGURE_BITS, _COUNT_BITS = 20, 40
NOTHING_ATTEMPTED, OWN_RATE, LEARNING, TOO_LITTLE, NO_ROW = range(5)
#: decades from 10^-20 on, in which figures are told to three digits
_LEAST_DECADE, _DIGITS_BITS = -20, 10
_POWERS = 10.0 ** np.arange(_LEAST_DECADE - 2, 21)
#: durations: so many minutes, then hours, then days
_MINUTES, _HOURS, _DAYS = 120, 48, 365
_DURATION_BITS = 10


#: what is counted, where nobody says it better
PLAIN = Nouns("events", "attempts", "subjects")


class CommonWords(dict[int, str]):
    """One sentence for every number that `said` gives; formats it when it is asked for first."""

    def __init__(self, detection: Detection, nouns: Nouns) -> None:
        super().__init__()
        self._detection = detection
        self.nouns = nouns

    def sentences(self, numbers: Numbers) -> list[str]:
        """The sentence of each number."""
        if len(self) > _MOST_KEPT:
            self.clear()
        return list(map(self.__getitem__, numbers.tolist()))

    def __missing__(self, number: int) -> str:
        figure, rest = number & ((1 << _FIGURE_BITS) - 1), number >> _FIGURE_BITS
        words = self[number] = self._words(rest >> _COUNT_BITS, rest & ((1 << _COUNT_BITS) - 1), figure)
        return words

    def _words(self, sentence: int, count: int, figure: int) -> str:
        detection = self._detection
        if sentence == NOTHING_ATTEMPTED:
            return "Nothing was attempted in this window."
        if sentence == OWN_RATE:
            counted = f"{count} {self.nouns.events} where {_figure(figure):.3g} are usual"
            return f"{counted}: the tenant's own rate, as far as its traffic can tell."
        if sentence == LEARNING:
            return f"The baseline has learned {count} of the {detection.baseline_minimum_windows} windows that it needs."
        if sentence == TOO_LITTLE:
            severe, mild = _duration(figure >> _DURATION_BITS), _duration(figure & ((1 << _DURATION_BITS) - 1))
            return (
                f"Too little traffic to tell a rise from luck: {detection.severe_ratio:g} times as many {self.nouns.events} "
                f"would take about {severe} to show, {detection.mild_ratio:g} times about {mild}."
            )
        if count:
            return f"No row where about {count} {self.nouns.exposure} are usual: the source is silent for this tenant."
        return "No row in this window."


def said(sentence: int, count: Floats | int = 0, figure: Numbers | int = 0) -> Numbers:
    """The number of a sentence about a whole `count` and a `figure`, which `three_digits` or `two_durations` gives."""
    whole = np.minimum(count, 10.0**12).astype(np.int64)
    return np.asarray((((sentence << _COUNT_BITS) + whole) << _FIGURE_BITS) + figure, np.int64)


def three_digits(value: Floats) -> Numbers:
    """Numbers that stand for figures to three digits."""
    value = np.minimum(np.maximum(value, 10.0**_LEAST_DECADE), 1e15)
    place = np.floor(np.log10(value)).astype(np.int64) - _LEAST_DECADE
    digits = np.rint(value / _POWERS[place]).astype(np.int64)
    return (place << _DIGITS_BITS) + digits


def two_durations(severe_minutes: Floats, mild_minutes: Floats) -> Numbers:
    """Numbers that stand for two durations."""
    return (_rounded(severe_minutes) << _DURATION_BITS) + _rounded(mild_minutes)


def _figure(number: int) -> float:
    place, digits = number >> _DIGITS_BITS, number & ((1 << _DIGITS_BITS) - 1)
    return 0.0 if place == 0 else float(digits * _POWERS[place])


def _rounded(minutes: Floats) -> NDArray[np.int64]:
    """Whole minutes, hours or days: days come after all the hours, and these after all the minutes."""
    hours, days = minutes / 60.0, minutes / 1440.0
    whole = np.where(hours < _HOURS, _MINUTES + 1 + np.rint(hours), _MINUTES + _HOURS + 2 + np.rint(np.minimum(days, _DAYS)))
    whole = np.where(days >= _DAYS, (1 << _DURATION_BITS) - 1, whole)
    return np.where(minutes < _MINUTES, np.rint(minutes), whole).astype(np.int64)


def _duration(number: int) -> str:
    if number <= _MINUTES:
        return f"{number} minutes"
    if number <= _MINUTES + _HOURS + 1:
        return f"{number - _MINUTES - 1} hours"
    days = number - _MINUTES - _HOURS - 2
    return "more than a year" if number == (1 << _DURATION_BITS) - 1 else f"{days} days"
