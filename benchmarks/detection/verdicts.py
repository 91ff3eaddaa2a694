"""What a rule says about a world, as arrays; and what the guard's own engine says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.labels import START
from benchmarks.detection.world import World
from ledger_guard.detection.engine import SEVERITIES, SeverityEngine, WindowBatch
from ledger_guard.domain.verdicts import Severity
from ledger_guard.domain.windows import Window


class Word(IntEnum):
    """The severities that are told apart; `insufficient` counts as `NONE`."""

    NONE = 0
    MILD = 1
    SEVERE = 2
    NO_DATA = 3


@dataclass(frozen=True)
class Verdicts:
    """A rule's answers, [window, tenant]."""

    #: as `Word`
    words: NDArray[np.int8]
    #: True where an alarm is said to be the whole platform's; None from rules that do not say
    is_widespread: NDArray[np.bool_] | None = None


_WORD_OF_SEVERITY = np.array(
    [
        {Severity.NO_DATA: Word.NO_DATA, Severity.MILD: Word.MILD, Severity.SEVERE: Word.SEVERE}.get(severity, Word.NONE)
        for severity in SEVERITIES
    ],
    dtype=np.int8,
)


def batch(world: World, window: int) -> WindowBatch:
    """The rows of one window, as the engine takes them; a window without a row has an empty one."""
    present = np.flatnonzero(~np.isnan(world.exposure[window]))
    length = timedelta(minutes=world.settings.window_minutes)
    return WindowBatch(
        window=Window(START + window * length, length),
        tenant_ids=tuple(world.tenant_ids[index] for index in present),
        events=world.events[window, present].astype(np.int64),
        exposure=world.exposure[window, present],
        subjects=np.full(len(present), np.nan),
    )


def engine_verdicts(engine: SeverityEngine, world: World) -> Verdicts:
    """The verdicts of an engine that sees the world window by window, from the first on."""
    words = np.full(world.events.shape, Word.NONE, dtype=np.int8)
    is_widespread = np.zeros(world.events.shape, dtype=bool)
    column = {tenant: index for index, tenant in enumerate(world.tenant_ids)}
    known = np.empty(0, dtype=np.int64)
    for window in range(len(words)):
        judged = engine.judge(batch(world, window))
        if len(judged) != len(known):
            known = np.array([column[tenant] for tenant in judged.tenant_ids], dtype=np.int64)
        words[window, known] = _WORD_OF_SEVERITY[judged.severity]
        is_widespread[window, known] = judged.is_widespread
    return Verdicts(words, is_widespread)
