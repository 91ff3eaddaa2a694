"""What one window showed, spread over all known tenants."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ledger_guard.detection.arrays import Flags, Floats
from ledger_guard.detection.engine import WindowBatch


@dataclass(frozen=True)
class Observations:
    """What one window showed of each tenant, by index; 0 without a row, so that nothing is expected of it either."""

    present: Flags
    events: Floats
    #: NaN where only counts are known, and the same with 1 there
    exposure: Floats
    attempts: Floats
    #: distinct players or webhooks behind the events; NaN where not known
    subjects: Floats
    #: whether enough of them for a verdict are known not to be one that tries again and again
    is_several: Flags


def observe(batch: WindowBatch, rows: NDArray[np.intp], tenants: int, several: float, *, events_accumulate: bool) -> Observations:
    """Put the batch's rows at the indices `rows` of `tenants`; an incomplete batch has none.

    From `several` subjects on they are known to be more than one.
    """
    present, is_several = np.zeros(tenants, bool), np.zeros(tenants, bool)
    events, exposure, subjects = np.zeros(tenants), np.zeros(tenants), np.full(tenants, np.nan)
    if batch.is_complete:
        present[rows] = True
        # what failed was attempted, even where a source counts only what came through: then nothing is left in a total failure
        attempted = np.where(batch.exposure == 0, batch.events, batch.exposure)
        events[rows], exposure[rows], subjects[rows] = batch.events, attempted, batch.subjects
        # as far as the source tells them: nothing is at least as many as NaN
        is_several[rows] = batch.subjects >= several
    if not events_accumulate:
        # what is compared are players: each event is one of them
        subjects = np.where(np.isnan(subjects), events, subjects)
    return Observations(present, events, exposure, np.where(np.isnan(exposure), 1.0, exposure), subjects, is_several)
