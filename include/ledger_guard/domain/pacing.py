"""How a backfill keeps out of the way: batches by the time they hold their locks, waiting while the database is unwell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

#: a batch is at most so many times larger than the one before; shrinking has no bound
_MOST_GROWTH = 2.0
#: within this share of the target nothing changes
_CLOSE_ENOUGH = 0.1


def next_batch_rows(rows: int, held_seconds: float, *, target_seconds: float, least: int, most: int) -> int:
    """Rows of the next batch, when one of `rows` held its locks for `held_seconds`: between `least` and `most`.

    Time is taken to grow with rows. A batch that was far too long shrinks at once; one that was short grows by steps, since a
    quick batch may only have found nothing to do.
    """
    factor = _MOST_GROWTH if held_seconds <= 0 else min(target_seconds / held_seconds, _MOST_GROWTH)
    if abs(factor - 1.0) > _CLOSE_ENOUGH:
        rows = round(rows * factor)
    return max(least, min(rows, most))


@dataclass(frozen=True)
class DatabaseHealth:
    """What can be seen of the platform's database from outside; what this login may not see counts as well."""

    #: sessions of any kind that wait for a lock now
    waiting_sessions: int = 0
    #: age of the oldest open transaction but our own
    longest_transaction_seconds: float = 0.0
    #: how far the slowest replica is behind; None where there is none
    replica_lag_seconds: float | None = None


@dataclass(frozen=True)
class HealthLimits:
    """Up to what a database is well; each value itself still is."""

    waiting_sessions: int
    longest_transaction_seconds: float
    replica_lag_seconds: float

    def exceeded_by(self, health: DatabaseHealth) -> tuple[str, ...]:
        """One sentence a limit that is exceeded."""
        lag = health.replica_lag_seconds or 0.0
        oldest = health.longest_transaction_seconds
        said = (
            (
                health.waiting_sessions > self.waiting_sessions,
                f"{health.waiting_sessions} sessions wait for locks (allowed: {self.waiting_sessions})",
            ),
            (
                oldest > self.longest_transaction_seconds,
                f"a transaction has been open for {oldest:.0f} s (allowed: {self.longest_transaction_seconds:g} s)",
            ),
            (
                lag > self.replica_lag_seconds,
                f"a replica is {lag:.0f} s behind (allowed: {self.replica_lag_seconds:g} s)",
            ),
        )
        return tuple(sentence for is_exceeded, sentence in said if is_exceeded)


class Wanted(str, Enum):
    """What somebody asked of a plan's backfill."""

    RUN = "run"
    #: no further batch until somebody says `run`
    PAUSE = "pause"
    #: end after the batch at hand, and refuse to go on until somebody says `run`
    CANCEL = "cancel"


@dataclass(frozen=True)
class BackfillOrder:
    """The newest order about a plan's backfill."""

    plan_id: str
    wanted: Wanted
    asked_by: str
    reason: str
    asked_at: datetime


@dataclass(frozen=True)
class BackfillProgress:
    """How far an operation over a plan has come."""

    operation: str
    rows: int
    settled: int
    started_at: datetime
    updated_at: datetime

    @property
    def rows_per_second(self) -> float | None:
        """Rows settled a second so far, pauses included; None before there is anything to tell from."""
        took = (self.updated_at - self.started_at).total_seconds()
        return self.settled / took if took > 0 and self.settled else None

    @property
    def time_left(self) -> timedelta | None:
        """At the pace so far; None where that is not known."""
        if self.settled >= self.rows:
            return timedelta(0)
        pace = self.rows_per_second
        return None if pace is None else timedelta(seconds=(self.rows - self.settled) / pace)

    def sentence(self) -> str:
        """For people: `force: 1,200 of 5,000 rows (24 %), 2,400 rows a second, 0:00:02 left`."""
        share = 100 * self.settled // self.rows if self.rows else 100
        text = f"{self.operation}: {self.settled:,} of {self.rows:,} rows ({share} %)"
        if self.rows_per_second is not None and self.time_left is not None:
            text += (
                f", {self.rows_per_second:,.0f} rows a second, {timedelta(seconds=round(self.time_left.total_seconds()))} left"
            )
        return text
