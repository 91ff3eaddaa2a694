"""A pager that keeps what it was told."""

from __future__ import annotations

from dataclasses import dataclass, field

from ledger_guard.domain.errors import PagingFailed
from ledger_guard.domain.wake import Matter


@dataclass
class InMemoryPager:
    """Keeps calls in order; can be made to refuse them as a service that is down does."""

    #: `open`, `again`, `acknowledge` or `end`, with the key and the text
    heard: list[tuple[str, str, str]] = field(default_factory=list)
    fault: str | None = None

    def open(self, matter: Matter, *, again: bool) -> None:
        """See Pager."""
        self._hear("again" if again else "open", matter.key, f"{matter.title}: {matter.text}")

    def acknowledge(self, matter: Matter, by: str) -> None:
        """See Pager."""
        self._hear("acknowledge", matter.key, by)

    def end(self, key: str, title: str, why: str) -> None:
        """See Pager."""
        self._hear("end", key, f"{title}: {why}")

    def _hear(self, what: str, key: str, text: str) -> None:
        if self.fault is not None:
            raise PagingFailed(self.fault)
        self.heard.append((what, key, text))
