"""Absolute limits of the policy beside the statistics: a limit reached makes a verdict severe, and nothing makes it milder.

They look at one window and remember nothing: the statistics, and what they learn, are the same with limits and without.
"""

from __future__ import annotations

from enum import IntFlag

import numpy as np
from numpy.typing import NDArray

from ledger_guard.detection.arrays import Flags, Floats
from ledger_guard.detection.engine import SEVERITIES, Explanation, WindowBatch
from ledger_guard.detection.reasons import Reasons
from ledger_guard.domain.money import readable
from ledger_guard.domain.signals import Nouns
from ledger_guard.domain.verdicts import Severity
from ledger_guard.policy.detection import Limits

_MILD, _SEVERE = SEVERITIES.index(Severity.MILD), SEVERITIES.index(Severity.SEVERE)


class LimitCode(IntFlag):
    """Which limits a tenant reached."""

    CENTS = 1
    EVENTS = 2
    ALWAYS = 4


class LimitedReasons:
    """Verdicts of one window after the limits, and their reasons. The arrays are parallel to `severity`."""

    def __init__(
        self,
        reasons: Reasons,
        severity: NDArray[np.int8],
        code: NDArray[np.int8],
        events: Floats,
        cents: Floats,
        wording: LimitWording,
    ) -> None:
        self._reasons, self._statistical, self._code, self._wording = reasons, severity, code, wording
        self._events, self._cents = events, cents
        self.severity = np.where(code > 0, _SEVERE, severity).astype(np.int8)

    def sentences(self) -> list[str]:
        """One sentence a tenant, or two where a limit was reached."""
        found = self._reasons.sentences()
        for place in np.flatnonzero(self._code).tolist():
            found[place] = self._with_limit(place, found[place])
        return found

    def explain(self, place: int) -> Explanation:
        """Sentence and figures of the tenant at `place`."""
        found = self._reasons.explain(place)
        if not self._code[place]:
            return found
        figures = {**found.reasons, "limits_reached": self._wording.figures(LimitCode(int(self._code[place])))}
        if self._statistical[place] != _SEVERE:
            figures |= {"rule": "absolute_limit", "by_statistics": SEVERITIES[self._statistical[place]].value}
        return Explanation(self._with_limit(place, found.sentence), figures)

    def _with_limit(self, place: int, sentence: str) -> str:
        code = LimitCode(int(self._code[place]))
        return f"{self._wording.sentence(code, self._events[place], self._cents[place])} {sentence}"


class LimitWording:
    """The limits in words and figures."""

    def __init__(self, limits: Limits, nouns: Nouns, currency: str) -> None:
        self._limits, self._events, self._currency = limits, nouns.events, currency

    def sentence(self, code: LimitCode, events: float, cents: float) -> str:
        """What reached which limit."""
        parts = []
        if LimitCode.CENTS in code:
            found, limit = (readable(int(each), self._currency) for each in (cents, self._limits.severe_from_cents or 0))
            parts.append(f"{self._events} of {found}, severe from {limit}")
        if LimitCode.EVENTS in code:
            parts.append(f"{int(events):,} {self._events}, severe from {self._limits.severe_from_events:,}")
        if LimitCode.ALWAYS in code:
            parts.append("every alarm of this trigger is severe")
        return f"Limit of the policy: {'; '.join(parts)}."

    def figures(self, code: LimitCode) -> dict[str, int | bool | None]:
        """The limits that were reached, by their names in the policy."""
        limits = self._limits
        named = {
            LimitCode.CENTS: ("severe_from_cents", limits.severe_from_cents),
            LimitCode.EVENTS: ("severe_from_events", limits.severe_from_events),
            LimitCode.ALWAYS: ("always_severe", limits.always_severe),
        }
        return dict(pair for limit, pair in named.items() if limit in code)


class AbsoluteLimits:
    """The limits of one trigger."""

    def __init__(self, limits: Limits, nouns: Nouns, currency: str) -> None:
        self._limits = limits
        self._wording = LimitWording(limits, nouns, currency)

    @property
    def are_set(self) -> bool:
        """Whether there are any."""
        limits = self._limits
        return limits.always_severe or limits.severe_from_cents is not None or limits.severe_from_events is not None

    def applied(
        self,
        batch: WindowBatch,
        rows: NDArray[np.intp],
        order: NDArray[np.intp],
        present: Flags,
        severity: NDArray[np.int8],
        reasons: Reasons,
    ) -> LimitedReasons:
        """The verdicts with the limits applied. `rows` are the indices of the batch's tenants; `severity` is in `order`.

        A tenant without a row, or in a window that could not be read, reaches no limit: nothing is known of it.
        """
        events, cents = np.zeros(len(order)), np.full(len(order), np.nan)
        if batch.is_complete:
            events[rows] = batch.events
            if batch.cents is not None:
                cents[rows] = batch.cents
        events, cents, present = events[order], cents[order], present[order]
        code = np.zeros(len(order), np.int8)
        if self._limits.severe_from_cents is not None:
            # of an amount that is not known nothing is said: no number is at least NaN
            code |= np.where(present & (cents >= self._limits.severe_from_cents), LimitCode.CENTS, 0).astype(np.int8)
        if self._limits.severe_from_events is not None:
            code |= np.where(present & (events >= self._limits.severe_from_events), LimitCode.EVENTS, 0).astype(np.int8)
        if self._limits.always_severe:
            code |= np.where(severity == _MILD, LimitCode.ALWAYS, 0).astype(np.int8)
        return LimitedReasons(reasons, severity, code, events, cents, self._wording)
