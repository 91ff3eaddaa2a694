"""Partitions in memory: of readings and verdicts; slices of the other tables are only remembered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import MutableMapping
from datetime import datetime, timedelta, timezone
from typing import Any

from ledger_guard.adapters.memory.guard_state.tables import Store, WindowKey
from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.partitions import PARTITIONED, Partition, PartitionedTable, Period, Strays
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.verdicts import Verdict
from ledger_guard.ports.storage import HourOfReadings

_LEAST = timedelta(days=2)
_HOUR = timedelta(hours=1)


class InMemoryPartitionStore(Store):
    """PartitionStore over the tables of one transaction."""

    def all(self) -> list[Partition]:
        """See PartitionStore."""
        return sorted(self._tables.partitions.values(), key=lambda each: (each.table, each.period))

    def strays(self, at_most: int) -> list[Strays]:
        """See PartitionStore."""
        found = []
        for table in PARTITIONED:
            moments = [moment for moment in self._moments(table.name) if self._is_stray(table.name, moment)][:at_most]
            if moments:
                found.append(Strays(table.name, len(moments), min(moments), max(moments)))
        return found

    def make(self, table: PartitionedTable, period: Period, patience: timedelta) -> int:  # noqa: ARG002
        """See PartitionStore."""
        name = f"{table.name}_{period.starts:%Y%m%d}"
        if name in self._tables.partitions:
            return 0
        inside = [moment for moment in self._moments(table.name) if period.starts <= moment < period.ends]
        moved = sum(self._is_stray(table.name, moment) for moment in inside)
        self._tables.partitions[name] = Partition(table.name, name, period, 0)
        return moved

    def roll_up(self, period: Period) -> None:
        """See PartitionStore."""
        sums: dict[tuple[Trigger, datetime, str], list[int]] = defaultdict(lambda: [0, 0, 0])
        for (trigger, moment), readings in self._tables.readings.items():
            if period.starts <= moment < period.ends:
                for reading in readings:
                    hour = moment.astimezone(timezone.utc).replace(minute=0, second=0, microsecond=0)
                    of_hour = sums[trigger, hour, reading.tenant_id]
                    for place, number in enumerate((1, reading.events, reading.exposure)):
                        of_hour[place] += number
        for (trigger, hour, tenant_id), (windows, events, exposure) in sums.items():
            self._tables.reading_hours[trigger, hour, tenant_id] = (windows, events, exposure)

    def keep_verdicts(self, period: Period) -> None:
        """See PartitionStore."""
        for key, of_window in self._tables.verdicts.items():
            if period.starts <= key[1] < period.ends:
                kept = {tenant: found for tenant, found in of_window.items() if _is_evidence(*found)}
                self._tables.kept_verdicts[key] = kept | self._tables.kept_verdicts.get(key, {})

    def drop(self, partition: Partition, keep: timedelta) -> None:
        """See PartitionStore."""
        known = self._tables.partitions.get(partition.name)
        if known is None or known.period.ends > datetime.now(timezone.utc) - max(keep, _LEAST):
            raise SafetyRefusal(f"partition {partition.name}: is not older than {max(keep, _LEAST).days} days")
        rows = self._rows(known.table)
        for key in [key for key in rows if known.period.starts <= key[1] < known.period.ends]:
            del rows[key]
        del self._tables.partitions[known.name]

    def clear_strays(self, table: PartitionedTable, before: datetime, at_most: int) -> int:
        """See PartitionStore."""
        until = min(before, datetime.now(timezone.utc) - _LEAST)
        rows = self._rows(table.name)
        old = [key for key in rows if key[1] < until and self._is_stray(table.name, key[1])]
        cleared = 0
        for key in old:
            if cleared < at_most:
                cleared += len(rows[key])
                del rows[key]
        return cleared

    def hours(self, trigger: Trigger, start: datetime, end: datetime) -> list[HourOfReadings]:
        """See PartitionStore."""
        found = [
            HourOfReadings(hour, tenant_id, *sums)
            for (of, hour, tenant_id), sums in self._tables.reading_hours.items()
            if of == trigger and start <= hour < end
        ]
        return sorted(found, key=lambda each: (each.hour_start, each.tenant_id))

    def _is_stray(self, table: str, moment: datetime) -> bool:
        slices = (each.period for each in self._tables.partitions.values() if each.table == table)
        return not any(period.starts <= moment < period.ends for period in slices)

    def _moments(self, table: str) -> list[datetime]:
        return [key[1] for key, of_window in self._rows(table).items() for _ in of_window]

    def _rows(self, table: str) -> MutableMapping[WindowKey, Any]:
        """The rows of each window; of tables that memory does not keep in slices none."""
        rows: dict[str, MutableMapping[WindowKey, Any]] = {
            "signal_window": self._tables.readings,
            "verdict": self._tables.verdicts,
        }
        return rows.get(table, {})


def _is_evidence(verdict: Verdict, incident_id: str | None) -> bool:
    return incident_id is not None or verdict.severity.is_alarm
