"""Event time of a rehearsal: real time plus what the sandbox platform has run ahead.

Only a sandbox has the table that this reads, so a production database can't be driven by a shifted clock.
"""

from __future__ import annotations

from datetime import datetime

from ledger_guard.adapters.postgres.connection import ConnectionSettings, translated_errors
from ledger_guard.domain.windows import require_aware
from ledger_guard.sql import statement


class RehearsalClock:
    """Clock that the sandbox advances."""

    def __init__(self, platform: ConnectionSettings) -> None:
        self._platform = platform

    def now(self) -> datetime:
        """The sandbox's event time. Raises SourceUnavailable when the database is no sandbox."""
        with translated_errors("rehearsal clock: the platform is not a sandbox"), self._platform.open("clock") as connection:
            row = connection.execute(statement("platform/read_rehearsal_clock")).fetchone()
        assert row is not None, "a select without a from gives one row"
        return require_aware(row["event_time"], "rehearsal clock")
