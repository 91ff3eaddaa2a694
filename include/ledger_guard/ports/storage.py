"""Partitions of guard state's tables, as a Protocol."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from ledger_guard.domain.partitions import Partition, PartitionedTable, Period, Strays
from ledger_guard.domain.signals import Trigger


@dataclass(frozen=True)
class HourOfReadings:
    """A tenant's readings of an hour, summed up."""

    hour_start: datetime
    tenant_id: str
    windows: int
    events: int
    exposure: int


class PartitionStore(Protocol):
    """Slices of time in which tables are kept. A row without a slice lies in its table's default partition: none is lost.

    Making and dropping wait half a second at most for whoever reads or writes, and raise SourceUnavailable then, as without the
    right to do it; nothing was changed, and the next run tries again.
    """

    def all(self) -> list[Partition]:
        """Every partition but the default ones, by table, then time."""

    def strays(self, at_most: int) -> list[Strays]:
        """What lies in default partitions, counted up to `at_most` a table; tables without any are left out."""

    def make(self, table: PartitionedTable, period: Period, patience: timedelta) -> int:
        """Make a slice, and return how many rows of the default partition were moved into it; one that is there stays as it is.

        Writers of the table wait meanwhile, no longer than `patience`.
        """

    def roll_up(self, period: Period) -> None:
        """Sum up the readings of whole days by the hour; the same again gives the same sums."""

    def keep_verdicts(self, period: Period) -> None:
        """Put the verdicts aside that are alarms or belong to an incident: they are still found when their slice is gone."""

    def drop(self, partition: Partition, keep: timedelta) -> None:
        """Drop a slice with its rows.

        Raises SafetyRefusal when its end is younger than `keep`, or than two days, by the store's own clock.
        """

    def clear_strays(self, table: PartitionedTable, before: datetime, at_most: int) -> int:
        """Delete rows before a moment from the default partition, and return how many; none younger than two days."""

    def hours(self, trigger: Trigger, start: datetime, end: datetime) -> list[HourOfReadings]:
        """Summed readings of the hours in `[start, end)`, by hour, then tenant."""
