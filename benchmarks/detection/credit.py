"""What a rule earns for a trouble: whether it said so, how gravely, and how soon."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.truth import Case, Truth
from benchmarks.detection.verdicts import Word

#: full credit for a severe alarm so soon after severe became right, half of it from the second figure on
PROMPT_MINUTES = 15
LATE_MINUTES = 60
LATE_CREDIT = 0.5
#: for mild where severe was right, and for severe where mild was right
UNDERSTATED_CREDIT = 0.25
OVERSTATED_CREDIT = 0.5
#: an alarm that has stood for longer when a trouble begins is not about that trouble
STALE_MINUTES = 60


@dataclass(frozen=True)
class Earned:
    """What was said of one case."""

    #: 0..1
    credit: float
    is_found: bool
    #: from the moment severe became right to the first severe verdict; None where none came or none was asked for
    severe_delay_minutes: int | None


def alarm_starts(words: NDArray[np.int8]) -> NDArray[np.int64]:
    """The first window of the alarm that each window [window, tenant] belongs to; of use in windows with an alarm only.

    A window without data inside an alarm does not end it.
    """
    is_alarm = (words == Word.MILD) | (words == Word.SEVERE)
    starts = np.zeros(words.shape, dtype=np.int64)
    is_on = np.zeros(words.shape[1], dtype=bool)
    start = np.zeros(words.shape[1], dtype=np.int64)
    for window, (alarm, word) in enumerate(zip(is_alarm, words, strict=True)):
        start = np.where(alarm & ~is_on, window, start)
        starts[window] = start
        is_on = alarm | (is_on & (word == Word.NO_DATA))
    return starts


def earned(case: Case, truth: Truth, words: NDArray[np.int8], starts: NDArray[np.int64]) -> Earned:
    """What the verdicts `words` with their `alarm_starts` earn for a case."""
    said = words[case.onset : case.end, case.tenant]
    before = words[case.onset - 1 : case.end - 1, case.tenant]
    is_alarm = (said == Word.MILD) | (said == Word.SEVERE)
    is_recent = starts[case.onset : case.end, case.tenant] >= case.onset - truth.in_windows(STALE_MINUTES)
    is_found = bool((is_alarm & (is_recent | (said > before))).any())
    known = np.where(said == Word.NO_DATA, Word.NONE, said)
    known_before = Word.NONE if before[0] == Word.NO_DATA else before[0]
    is_graver = np.maximum.accumulate(known) > known_before
    severe_at = np.flatnonzero((said == Word.SEVERE) & (is_recent | is_graver)) + case.onset
    if case.severe_from is None:
        is_overstated = bool((truth.right[severe_at, case.tenant] == Word.MILD).any())
        return Earned(float(is_found) * (OVERSTATED_CREDIT if is_overstated else 1.0), is_found, None)
    if not len(severe_at):
        return Earned(UNDERSTATED_CREDIT * is_found, is_found, None)
    delay = max(0, int(severe_at[0]) - case.severe_from) * truth.window_minutes
    lateness = np.clip((delay - PROMPT_MINUTES) / (LATE_MINUTES - PROMPT_MINUTES), 0, 1)
    return Earned(float(1 - (1 - LATE_CREDIT) * lateness), is_found, delay)
