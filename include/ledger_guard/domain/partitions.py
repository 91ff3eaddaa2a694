"""Which slices of time a table is kept in, which are made ahead, and which are old enough to be dropped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import Enum

from ledger_guard.domain.windows import iso

#: partitions are made so long before their first row can come
AHEAD = timedelta(days=7)
#: of one table in one run: a clock that is wrong, or a policy that was mistyped, is seen before much is gone
DROPS_AT_MOST = 3
#: rows of a default partition that are counted for people; from so many they are told even before the first upkeep
STRAYS_COUNTED = 10_000

_DAY = timedelta(days=1)
#: a Monday
_WEEKS_FROM = datetime(1970, 1, 5, tzinfo=timezone.utc)


class Step(Enum):
    """How long a slice is; all begin at midnight UTC, whatever the zone of a server or a person."""

    DAY = "day"
    #: from Monday; weeks are counted through, over the ends of years
    WEEK = "week"
    MONTH = "month"


class Kept(Enum):
    """What the policy says for how long it is kept."""

    EVENTS = "events_days"
    READINGS = "readings_days"
    VERDICTS = "verdicts_days"
    HOURS = "hours_days"


@dataclass(frozen=True)
class PartitionedTable:
    """A table of guard state that is kept in slices of time."""

    name: str
    step: Step
    kept: Kept
    #: whether incidents that are not over hold back what they may still read
    is_read_by_incidents: bool = True


#: by what one slice holds at 10,000 tenants: a day of readings is over a GB, a month of hourly sums less (benchmarks/sensing)
PARTITIONED = (
    PartitionedTable("access_event", Step.DAY, Kept.EVENTS),
    PartitionedTable("unreadable_line", Step.DAY, Kept.EVENTS),
    PartitionedTable("ingest_reject", Step.WEEK, Kept.EVENTS, is_read_by_incidents=False),
    PartitionedTable("signal_window", Step.DAY, Kept.READINGS),
    PartitionedTable("verdict", Step.DAY, Kept.VERDICTS),
    PartitionedTable("reading_hours", Step.MONTH, Kept.HOURS, is_read_by_incidents=False),
)


@dataclass(frozen=True, order=True)
class Period:
    """A half-open slice of time."""

    starts: datetime
    ends: datetime

    def overlaps(self, other: Period) -> bool:
        """Whether they have a moment in common."""
        return self.starts < other.ends and other.starts < self.ends


@dataclass(frozen=True)
class Partition:
    """A slice that a table has, other than its default one."""

    table: str
    name: str
    period: Period
    #: with its indexes
    size_bytes: int


@dataclass(frozen=True)
class Strays:
    """Rows that lie in a table's default partition, counted up to a limit."""

    table: str
    rows: int
    #: of these rows; None without any
    oldest: datetime | None = None
    newest: datetime | None = None


def period_of(step: Step, moment: datetime) -> Period:
    """The slice that a moment is in."""
    midnight = moment.astimezone(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    if step is Step.DAY:
        return Period(midnight, midnight + _DAY)
    if step is Step.WEEK:
        monday = midnight - ((midnight - _WEEKS_FROM) % (7 * _DAY))
        return Period(monday, monday + 7 * _DAY)
    first = midnight.replace(day=1)
    return Period(first, (first + 31 * _DAY).replace(day=1))


def periods(step: Step, since: datetime, through: datetime) -> Iterator[Period]:
    """The slices from the one of `since` to the one of `through`."""
    period = period_of(step, since)
    while period.starts <= through:
        yield period
        period = period_of(step, period.ends)


def missing(table: PartitionedTable, found: Iterable[Partition], now: datetime, keep: timedelta) -> list[Period]:
    """The slices that a table needs and has not, the one of now and those to come first; none that overlaps one it has."""
    known = [each.period for each in found if each.table == table.name]
    wanted = periods(table.step, now - keep, now + AHEAD)
    lacking = [period for period in wanted if not any(period.overlaps(each) for each in known)]
    return sorted(lacking, key=lambda period: (period.ends <= now, period.starts))


def expired(table: PartitionedTable, found: Iterable[Partition], cut: datetime) -> list[Partition]:
    """Partitions of a table that hold nothing from `cut` on, oldest first; at most `DROPS_AT_MOST`."""
    old = [each for each in found if each.table == table.name and each.period.ends <= cut]
    return sorted(old, key=lambda each: each.period)[:DROPS_AT_MOST]


def without_slice(found: Sequence[Partition], now: datetime) -> list[str]:
    """Tables that are partitioned and have no slice for the next day: their rows will go to the default partition."""
    tomorrow = now + _DAY
    covered = {each.table for each in found if each.period.starts <= tomorrow < each.period.ends}
    begun = {each.table for each in found}
    return [each.name for each in PARTITIONED if each.name in begun and each.name not in covered]


def storage_notes(found: Sequence[Partition], strays: Iterable[Strays], now: datetime) -> Iterator[str]:
    """For people: tables without a slice for tomorrow, and rows that lie in default partitions."""
    if lacking := without_slice(found, now):
        yield f"no partition for tomorrow: {', '.join(lacking)}; run `python -m ledger_guard db maintain` as the tables' owner"
    for each in strays:
        if each.oldest and each.newest and (found or each.rows >= STRAYS_COUNTED):
            rows = f"{each.rows} or more" if each.rows >= STRAYS_COUNTED else str(each.rows)
            span = f"from {iso(each.oldest)} to {iso(each.newest)}"
            yield f"rows of {each.table} in its default partition: {rows}, {span}; the next upkeep moves what is kept"
