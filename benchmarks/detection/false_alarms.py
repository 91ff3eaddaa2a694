"""Alarms about nothing, counted as somebody on call would."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.truth import Truth
from benchmarks.detection.verdicts import Word

#: alarms with a shorter pause between them are one
PAUSE_MINUTES = 30
#: an alarm counts once more for each further so many minutes
AGAIN_MINUTES = 240


def false_alarms(truth: Truth, words: NDArray[np.int8]) -> tuple[int, int]:
    """How many severe and how many mild alarms `words` raises where nothing is wrong; each counts at its gravest."""
    is_false = ((words == Word.MILD) | (words == Word.SEVERE)) & truth.is_healthy
    severe = mild = 0
    for tenant in np.flatnonzero(is_false.any(axis=0)):
        for first, after in _merged(is_false[:, tenant], truth, int(tenant)):
            times = 1 + (after - first) * truth.window_minutes // AGAIN_MINUTES
            if (words[first:after, tenant] == Word.SEVERE).any():
                severe += times
            else:
                mild += times
    return severe, mild


def _merged(is_false: NDArray[np.bool_], truth: Truth, tenant: int) -> list[tuple[int, int]]:
    """Spells of alarm, first window and window after the last; short pauses in which no trouble is asked for are bridged."""
    edges = np.diff(np.pad(is_false.astype(np.int8), 1))
    spells: list[tuple[int, int]] = []
    for first, after in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
        last = spells[-1][1] if spells else None
        is_near = last is not None and first - last <= truth.in_windows(PAUSE_MINUTES)
        if is_near and not (truth.right[last:first, tenant] != Word.NONE).any():
            spells[-1] = (spells[-1][0], int(after))
        else:
            spells.append((int(first), int(after)))
    return spells
