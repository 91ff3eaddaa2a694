"""Partitions in Postgres: native ones by range, made and dropped by functions that run with their owner's rights."""

from __future__ import annotations

from datetime import datetime, timedelta

from psycopg import sql

from ledger_guard.adapters.postgres.rows import Store
from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.partitions import PARTITIONED, Partition, PartitionedTable, Period, Strays
from ledger_guard.domain.signals import Trigger
from ledger_guard.ports.storage import HourOfReadings
from ledger_guard.sql import statement

#: less than the server waits before it looks for a deadlock (1 s)
_LOCK_TIMEOUT = "500ms"
_DROP_PATIENCE = timedelta(seconds=60)
_KEY_OF = {
    "access_event": "event_time",
    "unreadable_line": "near",
    "ingest_reject": "rejected_at",
    "signal_window": "window_start",
    "verdict": "window_start",
    "reading_hours": "day",
}


class PostgresPartitionStore(Store):
    """PartitionStore."""

    def all(self) -> list[Partition]:
        """See PartitionStore."""
        return [
            Partition(row["table_name"], row["partition_name"], Period(row["starts"], row["ends"]), row["size_bytes"])
            for row in self._execute("storage/list_partitions")
        ]

    def strays(self, at_most: int) -> list[Strays]:
        """See PartitionStore."""
        found = []
        for table in PARTITIONED:
            rest, key = sql.Identifier("ledger_guard", f"{table.name}_default"), sql.Identifier(_KEY_OF[table.name])
            query = sql.SQL(statement("storage/count_strays")).format(rest=rest, key=key)
            row = self._connection.execute(query, {"at_most": at_most}).fetchone()
            if row is not None and row["rows"]:
                found.append(Strays(table.name, **row))
        return found

    def make(self, table: PartitionedTable, period: Period, patience: timedelta) -> int:
        """See PartitionStore."""
        self._bound_waiting(patience)
        row = self._row("storage/make_partition", table_name=table.name, starts=period.starts, ends=period.ends)
        return 0 if row is None else int(row["moved"])

    def roll_up(self, period: Period) -> None:
        """See PartitionStore."""
        self._execute("storage/roll_up_readings", starts=period.starts, ends=period.ends)

    def keep_verdicts(self, period: Period) -> None:
        """See PartitionStore."""
        self._execute("storage/keep_verdicts", starts=period.starts, ends=period.ends)

    def drop(self, partition: Partition, keep: timedelta) -> None:
        """See PartitionStore."""
        self._bound_waiting(_DROP_PATIENCE)
        row = self._row("storage/drop_partition", partition_name=partition.name, keep_days=keep.days)
        if row is None or not row["is_dropped"]:
            raise SafetyRefusal(f"partition {partition.name}: is not older than {max(keep.days, 2)} days by the database's clock")

    def clear_strays(self, table: PartitionedTable, before: datetime, at_most: int) -> int:
        """See PartitionStore."""
        self._bound_waiting(_DROP_PATIENCE)
        row = self._row("storage/clear_default", table_name=table.name, before=before, at_most=at_most)
        return 0 if row is None else int(row["cleared"])

    def hours(self, trigger: Trigger, start: datetime, end: datetime) -> list[HourOfReadings]:
        """See PartitionStore."""
        return self._all(HourOfReadings, "storage/select_reading_hours", trigger=trigger.value, start=start, end=end)

    def _bound_waiting(self, patience: timedelta) -> None:
        seconds = f"{int(patience.total_seconds())}s"
        self._execute("storage/bound_waiting", lock_timeout=_LOCK_TIMEOUT, statement_timeout=seconds)
