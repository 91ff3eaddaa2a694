"""keep_storage: make partitions ahead, drop what the policy no longer keeps, and say what could not be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from ledger_guard.domain.audit import AuditEvent
from ledger_guard.domain.errors import SafetyRefusal, SourceUnavailable
from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.facts.records import PartitionDropped
from ledger_guard.domain.partitions import (
    PARTITIONED,
    Partition,
    PartitionedTable,
    Period,
    expired,
    missing,
    without_slice,
)
from ledger_guard.domain.runs import GUARD_ITSELF
from ledger_guard.domain.shown_text import listed
from ledger_guard.domain.windows import iso
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork

#: how long writers of one table may wait while rows are moved into a new partition of it
PATIENCE = timedelta(seconds=60)
#: old rows deleted from one table's default partition in one run
_CLEARED_AT_MOST = 50_000
#: no row is older
_FIRST_MOMENT = datetime(1, 1, 2, tzinfo=timezone.utc)
#: slices made in one transaction, with its locks, where no row is moved
_MADE_TOGETHER = 20


@dataclass
class StorageOutcome:
    """What one upkeep did."""

    made: list[str] = field(default_factory=list)
    #: rows moved out of default partitions
    moved: int = 0
    dropped: list[str] = field(default_factory=list)
    freed_bytes: int = 0
    #: old rows deleted from default partitions
    cleared: int = 0
    #: what could not be done, a sentence each; the next run tries again
    problems: list[str] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """For people."""
        freed = f" ({self.freed_bytes / 2**20:,.0f} MiB)" if self.dropped else ""
        done = f"{len(self.made)} partitions made, {self.moved} rows moved into them, {len(self.dropped)} dropped{freed}"
        return f"{done}, {self.cleared} old rows deleted" if self.cleared else done


def keep_storage(deps: Dependencies, patience: timedelta = PATIENCE) -> StorageOutcome:
    """Make the partitions that the next days need, then drop those that are older than the policy's `retention`.

    Nothing that an incident which is not over may read is dropped, nothing that is young by the database's clock, by this
    machine's, or by the newest sensed window, and few partitions a run: a clock that is wrong takes little. Before a day of
    readings is dropped it is summed up by the hour; before one of verdicts, alarms and verdicts of incidents are put aside.
    Each partition is dropped in a transaction of its own, with its audit entry. What is locked or not allowed is told and left
    for the next run.

    Raises:
        SourceUnavailable: guard state does not answer, or tables have no partition for tomorrow: their rows will go to the
        default partition. What was done is done; run it again, or `db maintain` as the tables' owner.
    """
    outcome = StorageOutcome()
    now = deps.clock.now()
    with deps.state.snapshot() as state:
        found = state.partitions.all()
        to_move = {each.table for each in state.partitions.strays(1)}
        cut = _cut(deps, state, now)
        held = _held_from(deps, state)
    for table in PARTITIONED:
        keep = deps.policy.retention.keep(table.kept)
        lacking = missing(table, found, now, keep)
        # where rows are moved, writers wait: no longer than for one slice
        together = 1 if table.name in to_move else _MADE_TOGETHER
        for first in range(0, len(lacking), together):
            if not _make(deps, table, lacking[first : first + together], patience, outcome):
                break
        if cut is not None:
            limit = cut - keep if held is None or not table.is_read_by_incidents else min(cut - keep, held)
            _drop(deps, table, expired(table, found, limit), keep, outcome)
            _clear(deps, table, limit, outcome)
    _require_tomorrow(deps, now, outcome)
    return outcome


def _cut(deps: Dependencies, state: UnitOfWork, now: datetime) -> datetime | None:
    """What ages are counted from: never later than the newest sensed window. None: nothing was sensed, nothing is dropped."""
    sensed = [state.readings.sensed_through(trigger) for trigger in deps.policy.triggers]
    newest = max((each for each in sensed if each is not None), default=None)
    return None if newest is None else min(now, newest)


def _held_from(deps: Dependencies, state: UnitOfWork) -> datetime | None:
    """From when on incidents that are not over may read; None without any."""
    look_back = timedelta(days=deps.policy.forgery.days_before + 1)
    begun = [each.first_window_start for each in state.incidents.listed(include_resolved=False)]
    return min(begun) - look_back if begun else None


def _make(
    deps: Dependencies, table: PartitionedTable, periods: Sequence[Period], patience: timedelta, outcome: StorageOutcome
) -> bool:
    """Make some slices in one transaction; False when it could not be done."""
    try:
        with deps.state.transaction() as state:
            moved = sum(state.partitions.make(table, period, patience) for period in periods)
    except SourceUnavailable as error:
        outcome.problems.append(f"{table.name}: no partition for {iso(periods[0].starts)} ({error})")
        return False
    outcome.moved += moved
    outcome.made += [f"{table.name} {iso(period.starts)}" for period in periods]
    return True


def _drop(
    deps: Dependencies, table: PartitionedTable, old: Sequence[Partition], keep: timedelta, outcome: StorageOutcome
) -> None:
    for partition in old:
        try:
            if table.name == "signal_window":
                with deps.state.transaction() as state:
                    state.partitions.roll_up(partition.period)
            with deps.state.transaction() as state:
                if table.name == "verdict":
                    state.partitions.keep_verdicts(partition.period)
                state.partitions.drop(partition, keep)
                state.audit.append(_dropped(deps, partition, keep))
        except (SourceUnavailable, SafetyRefusal) as error:
            outcome.problems.append(f"{partition.name}: not dropped ({error})")
            return
        outcome.dropped.append(partition.name)
        outcome.freed_bytes += partition.size_bytes


def _dropped(deps: Dependencies, partition: Partition, keep: timedelta) -> AuditEvent:
    period = partition.period
    fact = PartitionDropped(
        table=partition.table,
        partition=partition.name,
        starts=period.starts,
        ends=period.ends,
        size_bytes=partition.size_bytes,
        kept_days=keep.days,
        policy_hash=deps.policy.content_hash,
    )
    return recorded(fact, actor=GUARD_ITSELF, subject=f"table:{partition.table}", at=deps.wall_clock.now())


def _clear(deps: Dependencies, table: PartitionedTable, before: datetime, outcome: StorageOutcome) -> None:
    """Delete rows that came when they were already older than what is kept; verdicts that are evidence are put aside first."""
    try:
        with deps.state.transaction() as state:
            if not any(each.table == table.name for each in state.partitions.strays(1)):
                return
            if table.name == "verdict":
                # weeks without an upkeep leave alarms there too
                state.partitions.keep_verdicts(Period(_FIRST_MOMENT, before))
            outcome.cleared += state.partitions.clear_strays(table, before, _CLEARED_AT_MOST)
    except SourceUnavailable as error:
        outcome.problems.append(f"{table.name}: old rows of its default partition stay ({error})")


def _require_tomorrow(deps: Dependencies, now: datetime, outcome: StorageOutcome) -> None:
    with deps.state.snapshot() as state:
        found = state.partitions.all()
    begun = {each.table for each in found}
    lacking = [*without_slice(found, now), *(table.name for table in PARTITIONED if table.name not in begun)]
    if lacking:
        why = listed(outcome.problems, 2) or "none could be made"
        raise SourceUnavailable(f"storage: no partition for tomorrow of {', '.join(lacking)}: {why}")
