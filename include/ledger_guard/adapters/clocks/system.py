"""The real time."""

from __future__ import annotations

from datetime import datetime

from ledger_guard.domain.windows import UTC


class SystemClock:
    """Clock of this machine."""

    def now(self) -> datetime:
        """Now, aware, UTC."""
        return datetime.now(UTC)
