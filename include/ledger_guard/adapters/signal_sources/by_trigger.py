"""All sources as one: each trigger is read from the source that the policy names for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from ledger_guard.domain.comparisons import ComparedBalances, LastComparison
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.signals import Reading, Trigger
from ledger_guard.domain.windows import Window
from ledger_guard.ports.platform import ContinuedSource, CostedSource, SignalSource


class SourcesByTrigger:
    """SignalSource. Raises BadInputError for a trigger that has no source."""

    def __init__(self, sources: Mapping[Trigger, SignalSource]) -> None:
        self._sources = sources

    def complete_through(self, trigger: Trigger) -> datetime | None:
        """See SignalSource."""
        return self._of(trigger).complete_through(trigger)

    def readings(self, trigger: Trigger, first: Window, last: Window) -> list[Reading]:
        """See SignalSource."""
        return self._of(trigger).readings(trigger, first, last)

    def unmeasurable(self, trigger: Trigger, first: Window, last: Window) -> dict[datetime, str]:
        """See SignalSource."""
        return self._of(trigger).unmeasurable(trigger, first, last)

    def compare(self, trigger: Trigger, window: Window, before: LastComparison | None) -> ComparedBalances:
        """See ContinuedSource; a source that can't go on reads what it reads."""
        source = self._of(trigger)
        if isinstance(source, ContinuedSource):
            return source.compare(trigger, window, before)
        return ComparedBalances(source.readings(trigger, window, window))

    def cost(self, trigger: Trigger, first: Window, last: Window) -> tuple[str, ...]:
        """See CostedSource; empty where the trigger's source can't say."""
        source = self._of(trigger)
        return source.cost(trigger, first, last) if isinstance(source, CostedSource) else ()

    def _of(self, trigger: Trigger) -> SignalSource:
        if trigger not in self._sources:
            raise BadInputError(f"trigger: {trigger.value} has no source; allowed: {', '.join(sorted(self._sources))}")
        return self._sources[trigger]
