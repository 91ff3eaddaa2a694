"""What players held before the ledger, in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from ledger_guard.adapters.memory.guard_state.tables import Store
from ledger_guard.domain.openings import opening_lines, openings_of


class InMemoryOpeningStore(Store):
    """OpeningStore over the tables of one transaction."""

    def seen(self, tenant_id: str, words: str) -> Iterator[bytes]:
        """See OpeningStore."""
        kept = self._tables.openings.items()
        yield opening_lines({player: opening for (tenant, by, player), opening in kept if (tenant, by) == (tenant_id, words)})

    def add(self, tenant_id: str, words: str, lines: Iterable[bytes], at: datetime) -> None:  # noqa: ARG002
        """See OpeningStore."""
        for player_id, opening in openings_of(lines).items():
            self._tables.openings.setdefault((tenant_id, words, player_id), opening)
