"""The severity engine's interface: one window of all tenants in, one verdict a tenant out.

The health check feeds it each newly closed window and keeps its state between runs; `backtest` feeds it a file.
Both call `judge` in order of time, so both get the same verdicts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ledger_guard.domain.signals import Nouns, Trigger
from ledger_guard.domain.verdicts import Scope, Severity, Verdict
from ledger_guard.domain.windows import Window

#: what the codes in `WindowResult.severity` mean
SEVERITIES = (Severity.NO_DATA, Severity.INSUFFICIENT, Severity.NONE, Severity.MILD, Severity.SEVERE)
#: default nouns
PLAIN = Nouns("events", "attempts", "subjects")


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
    #: what the events are about in cents, as far as it is known; NaN where nothing of it is; None: not told at all
    cents: NDArray[np.float64] | None = None
    #: False when the window as a whole could not be read: every known tenant gets `no_data`
    is_complete: bool = True
    #: why not, for the reasons
    incomplete_reason: str = ""
    #: tenants under repair or rollback by the guard itself: judged, but kept out of their baselines
    quarantined: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Explanation:
    """One English sentence and the figures behind it (JSON-able)."""

    sentence: str
    reasons: dict[str, Any]


@dataclass(frozen=True)
class WindowResult:
    """The verdicts of one window over every tenant known so far, as arrays parallel to `tenant_ids`.

    Iterating gives them as `Verdict`s. Reasons are put into words only when asked for, and stay the same when the engine
    has gone on.
    """

    trigger: Trigger
    window: Window
    #: sorted
    tenant_ids: tuple[str, ...]
    #: index into SEVERITIES
    severity: NDArray[np.int8]
    #: True where an alarm belongs to a rise of the whole platform
    is_widespread: NDArray[np.bool_]
    #: events per attempt, or events a window where only counts are known: what was seen, and the middle and the ends of the
    #: band that nineteen in twenty healthy windows stay in; NaN where nothing is known
    rate: NDArray[np.float64]
    usual_rate: NDArray[np.float64]
    band_low: NDArray[np.float64]
    band_high: NDArray[np.float64]
    #: reasons of the tenant at an index
    explain: Callable[[int], Explanation]
    #: one English sentence a tenant, all at once; by default each tenant's explanation is asked for its own
    say: Callable[[], list[str]] | None = None

    def __len__(self) -> int:
        return len(self.tenant_ids)

    def __iter__(self) -> Iterator[Verdict]:
        return (self.verdict(index) for index in range(len(self)))

    def sentences(self) -> list[str]:
        """One English sentence a tenant: why its verdict is what it is."""
        if self.say is None:
            return [self.explain(index).sentence for index in range(len(self))]
        return self.say()

    def verdict(self, index: int) -> Verdict:
        """The verdict of the tenant at `index`, with its reasons."""
        explanation = self.explain(index)
        return Verdict(
            self.trigger,
            self.tenant_ids[index],
            self.window,
            SEVERITIES[self.severity[index]],
            Scope.WIDESPREAD if self.is_widespread[index] else Scope.ISOLATED,
            explanation.sentence,
            explanation.reasons,
        )


class SeverityEngine(Protocol):
    """Judges windows in order and keeps what it needs for the next."""

    def judge(self, batch: WindowBatch) -> WindowResult:
        """Verdicts for every tenant known so far, by tenant id; a known tenant without a row gets `no_data`.

        Uses this window and earlier ones only. Windows come in order of time; a gap counts as missing windows.
        Raises ValueError for a window that is not later than the last.
        """

    def dump(self) -> bytes:
        """The full state, for `load` in another task."""

    def load(self, state: bytes) -> None:
        """Continue from a dumped state. Raises ValueError when it is from another version of the rule."""
