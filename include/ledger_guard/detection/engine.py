"""The severity engine's interface: one window of all tenants in, one verdict a tenant out.

The health check feeds it each newly closed window and keeps its state between runs; `backtest` feeds it a file.
Both call `judge` in order of time, so both get the same verdicts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ledger_guard.domain.verdicts import Verdict
from ledger_guard.domain.windows import Window


@dataclass(frozen=True)
class WindowBatch:
    """One window of one trigger, over the tenants that had a row. The arrays are parallel to `tenant_ids`."""

    window: Window
    #: sorted, without repeats
    tenant_ids: tuple[str, ...]
    #: failures k, >= 0
    events: NDArray[np.int64]
    #: attempts n, >= 0; NaN where only counts are known
    exposure: NDArray[np.float64]
    #: distinct players or webhooks behind `events`; NaN where not known
    subjects: NDArray[np.float64]
    #: False when the window as a whole could not be read: every known tenant gets `no_data`
    is_complete: bool = True
    #: why not, for the reasons
    incomplete_reason: str = ""
    #: tenants under repair or rollback by the guard itself: judged, but kept out of their baselines
    quarantined: frozenset[str] = frozenset()


class SeverityEngine(Protocol):
    """Judges windows one after the other and remembers what it needs for the next."""

    def judge(self, batch: WindowBatch) -> list[Verdict]:
        """Verdicts for every tenant known so far, by tenant id; a known tenant without a row gets `no_data`.

        Uses this window and earlier ones only. Windows come in order of time; a gap counts as missing windows.
        Raises ValueError for a window that is not later than the last.
        """

    def dump(self) -> bytes:
        """Everything remembered, for `load` in another task."""

    def load(self, state: bytes) -> None:
        """Go on from a dumped state. Raises ValueError when it is from another version of the rule."""
