"""What comparisons of balances leave for the next ones, in memory."""

from __future__ import annotations

from ledger_guard.adapters.memory.guard_state.tables import Store
from ledger_guard.domain.comparisons import LastComparison
from ledger_guard.domain.signals import Trigger


class InMemoryComparisonStore(Store):
    """ComparisonStore over the tables of one transaction."""

    def last(self, trigger: Trigger) -> LastComparison | None:
        """See ComparisonStore."""
        return self._tables.comparisons.get(trigger)

    def keep(self, trigger: Trigger, comparison: LastComparison) -> None:
        """See ComparisonStore."""
        self._tables.comparisons[trigger] = comparison
