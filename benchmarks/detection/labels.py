"""The truth in plain words: which severity a verdict should have had, and where it is not judged."""

from __future__ import annotations

import base64
import itertools
import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.curves import Floats

START = datetime(2025, 9, 1, tzinfo=timezone.utc)
#: below it nothing is asked for
LEAST_RATIO = 1.5
#: from it on a rise is severe; between the two others both words are right
HIGH_RATIO = 5.0
EITHER_RATIOS = (4.0, 6.5)
#: minutes after which a rise is severe, and from which both words are right
SUSTAINED_MINUTES = 60
EITHER_MINUTES = 40


def words(course: Floats, window_minutes: int) -> list[str]:
    """The right severity of each window of a course of ratios: grace, mild, either or severe.

    A rise is as old as the time from the start of its first window of `LEAST_RATIO` or more to the start of this one.
    """
    found: list[str] = []
    onset: int | None = None
    for index, ratio in enumerate(course):
        if ratio < LEAST_RATIO:
            found.append("grace")
            continue
        onset = index if onset is None else onset
        age_minutes = (index - onset) * window_minutes
        if age_minutes >= SUSTAINED_MINUTES or ratio > EITHER_RATIOS[1]:
            found.append("severe")
        elif age_minutes >= EITHER_MINUTES or ratio >= EITHER_RATIOS[0]:
            found.append("either")
        else:
            found.append("mild")
    return found


def segments(course: Floats, start: int, window_minutes: int) -> list[list[str]]:
    """The words of a course that begins at window `start`, as spells: first moment, moment after the last, word."""
    told = words(course, window_minutes)
    breaks = [0, *(index for index in range(1, len(told)) if told[index] != told[index - 1]), len(told)]
    return [
        [moment(start + first, window_minutes), moment(start + after, window_minutes), told[first]]
        for first, after in itertools.pairwise(breaks)
    ]


def moment(window: int, window_minutes: int) -> str:
    """The start of a window, by index."""
    return (START + timedelta(minutes=window * window_minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def window_index(text: str, window_minutes: int, start: str) -> int:
    """The index of the window that starts at a moment, counted from the moment `start`."""
    elapsed = _parsed(text) - _parsed(start)
    return round(elapsed.total_seconds() / 60 / window_minutes)


def _parsed(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def tenant_names(count: int) -> list[str]:
    """Ids of tenants, in order."""
    return [f"tenant-{index:05d}" for index in range(count)]


def packed(mask: NDArray[np.bool_]) -> str:
    """A mask [window, tenant] as text."""
    return base64.b64encode(zlib.compress(np.packbits(mask).tobytes(), 6)).decode("ascii")


def unpacked(text: str, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """What `packed` made."""
    bits = np.unpackbits(np.frombuffer(zlib.decompress(base64.b64decode(text)), dtype=np.uint8))
    return bits[: shape[0] * shape[1]].reshape(shape).astype(bool)


def as_text(names: Sequence[str], tenants: Sequence[int]) -> list[str]:
    """Ids of tenants by index."""
    return [names[index] for index in tenants]


Labels = dict[str, Any]
