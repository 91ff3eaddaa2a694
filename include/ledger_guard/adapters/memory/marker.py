"""What was told, in memory."""

from __future__ import annotations

from datetime import datetime, timedelta


class InMemoryMarker:
    """LocalMarker that forgets with its process."""

    def __init__(self) -> None:
        self._told: dict[str, datetime] = {}

    def begin(self, about: str, at: datetime, every: timedelta) -> bool:
        """See LocalMarker."""
        told = self._told.get(about)
        if told is not None and timedelta(0) <= at - told < every:
            return False
        self._told[about] = at
        return True

    def forget(self, about: str) -> None:
        """See LocalMarker."""
        self._told.pop(about, None)
