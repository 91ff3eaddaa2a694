"""What is said of tenants that are not in alarm: as numbers of common sentences, for all of a window at once."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ledger_guard.detection import common_words as words
from ledger_guard.detection.arrays import Floats, Numbers
from ledger_guard.detection.engine import SEVERITIES
from ledger_guard.detection.judged import Judged
from ledger_guard.domain.verdicts import Severity
from ledger_guard.policy.detection import Detection

#: fewer attempts than this may be missing by chance
_NOTICEABLE_EXPOSURE = 7.0
#: nats that find nine in ten rises of which the policy's bound on false alarms lets an alarm come
_FOUND_NATS = 8.0
_INSUFFICIENT, _NO_DATA = SEVERITIES.index(Severity.INSUFFICIENT), SEVERITIES.index(Severity.NO_DATA)


def quiet_sentences(
    judged: Judged, order: NDArray[np.intp], severity: NDArray[np.int8], detection: Detection, window_minutes: int
) -> Numbers:
    """The number of each tenant's sentence, parallel to `severity`; that of a tenant in alarm means nothing."""
    numbers = words.said(words.OWN_RATE, judged.events, words.three_digits(judged.seen.expected))[order]
    lacks = np.flatnonzero(severity == _INSUFFICIENT)
    if len(lacks):
        numbers[lacks] = _lacking(judged, order[lacks], detection, window_minutes)
    missing = np.flatnonzero(severity == _NO_DATA)
    if len(missing):
        usual = judged.usual_exposure[order[missing]]
        numbers[missing] = words.said(words.NO_ROW, np.where(usual >= _NOTICEABLE_EXPOSURE, np.rint(usual), 0.0))
    return numbers


def _lacking(judged: Judged, which: NDArray[np.intp], detection: Detection, window_minutes: int) -> Numbers:
    """Why there is no verdict, and how long these tenants would need for which rise.

    That is the time until nine in ten such rises carry the evidence that a severe alarm asks for. A rise by r carries
    r·ln r - r + 1 nats for each expected event, divided by the tenant's clumping.
    """
    windows = 1000.0 * 1440.0 / window_minutes
    asked = math.log(windows / detection.severe_false_alarms) + _FOUND_NATS
    usual = judged.hour_expected[which] / 60.0 / judged.clumping[which]

    def needed(ratio: float) -> Floats:
        return np.asarray(asked / np.maximum(usual * (ratio * math.log(ratio) - ratio + 1.0), 1e-9))

    durations = words.two_durations(needed(detection.severe_ratio), needed(detection.mild_ratio))
    numbers = np.where(
        judged.is_known[which], words.said(words.TOO_LITTLE, 0, durations), words.said(words.LEARNING, judged.learned[which])
    )
    return np.where(judged.exposure[which] == 0, words.said(words.NOTHING_ATTEMPTED), numbers)
