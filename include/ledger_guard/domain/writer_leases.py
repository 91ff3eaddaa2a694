"""Whose the writing of a tenant's wallets is: one lease a tenant, in guard state, beside the platform's writer lock.

The lock keeps two writers apart: a session holds it and it ends with the session. The lease says which writer goes on: one that
lives on after its task was given to another finds the other's token before its next batch, and ends without writing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from ledger_guard.domain.errors import ConcurrentWriterError, SourceUnavailable, WriterSuperseded
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.windows import iso

#: a writer that has given no sign for so long may be superseded by any other; a batch takes less
LEASE = timedelta(minutes=5)
#: how long a writer that is superseded gets to end by itself, and how often it is looked for
ENDS_BY_ITSELF_SECONDS = 30.0
LOOK_SECONDS = 0.5
#: how long after that its locks may need to come free: a database ends what stays idle within a transaction
COMES_FREE_SECONDS = 60.0


@dataclass(frozen=True)
class WriterClaim:
    """Who wants to write: the run, and which try of it. Without a run (the command line) nobody else's later try."""

    run: str = ""
    try_number: int = 0

    def is_later_than(self, other: WriterClaim) -> bool:
        """Whether it is a later try of the same run, by retry or by clearing its task."""
        return bool(self.run) and self.run == other.run and self.try_number > other.try_number

    @property
    def sentence(self) -> str:
        """For people."""
        return f"try {self.try_number} of run {self.run}" if self.run else "a writer on the command line"


NO_RUN = WriterClaim()


_MADE = ", made "


def claim_of(dag_id: str, run_id: str, try_number: int, made: str = "") -> WriterClaim:
    """The claim of a run's try. A run that was deleted and made again under its id, at `made`, counts its tries anew."""
    return WriterClaim(f"{dag_id}/{run_id}{_MADE}{made}" if made else f"{dag_id}/{run_id}", try_number)


@dataclass(frozen=True)
class WriterLease:
    """Who writes to a tenant's wallets, or did last; its token is made when the writer starts."""

    tenant_id: str
    token: str
    plan_id: str
    operation: str
    run: str
    try_number: int
    taken_at: datetime
    renewed_at: datetime
    is_over: bool = False

    def is_of(self, dag_id: str, run_id: str) -> bool:
        """Whether a run of this id took it."""
        return self.run.partition(_MADE)[0] == f"{dag_id}/{run_id}"

    @property
    def claim(self) -> WriterClaim:
        """Whose it is."""
        return WriterClaim(self.run, self.try_number)

    def is_stale(self, now: datetime) -> bool:
        """Whether its writer gave no sign for too long. A sign from the future is none: a clock was moved."""
        return abs(now - self.renewed_at) >= LEASE

    def may_be_taken_over(self, claim: WriterClaim, now: datetime) -> bool:
        """Whether this writer may take the work from one that still holds the writer lock."""
        return not self.is_over and (claim.is_later_than(self.claim) or self.is_stale(now))


def new_lease(tenant_id: str, plan_id: str, operation: str, claim: WriterClaim, now: datetime) -> WriterLease:
    """The lease of a writer that starts now."""
    return WriterLease(tenant_id, new_id(), plan_id, operation, claim.run, claim.try_number, now, now)


class LeaseBook(Protocol):
    """Where leases are kept, each call whole by itself."""

    def of_tenant(self, tenant_id: str) -> WriterLease | None:
        """The tenant's lease, over or not."""

    def take(self, lease: WriterLease, seen: WriterLease | None) -> bool:
        """Put it in the place of what was seen; False when something else stands there now, or an open batch keeps it."""

    def end(self, lease: WriterLease) -> None:
        """Record that its writer has ended, unless it was superseded."""


@dataclass(frozen=True)
class Turn:
    """How a writer gets its turn: the lock, what ends a session that will not let go of it, and how it waits."""

    lock: Callable[[], AbstractContextManager[None]]
    #: ends the session that holds the lock; None where this would not end the writing
    end_holder: Callable[[], None] | None
    sleep: Callable[[float], None]


def superseded(mine: WriterLease, held: WriterLease | None) -> WriterSuperseded:
    """What a writer raises that finds another's lease in the place of its own."""
    by = f"{held.claim.sentence} ({held.operation} of plan {held.plan_id})" if held else "another writer"
    since = f" since {iso(held.taken_at)}" if held else ""
    if held is not None and held.token == mine.token:
        held, by, since = None, "somebody ended its lease in guard state, and nobody else", ""
    return WriterSuperseded(
        f"plan {mine.plan_id}: {mine.operation} by {mine.claim.sentence} ends here and writes no more: {by} writes to the "
        f"wallets of tenant {mine.tenant_id}{since}; what was written before is journaled and not written again",
        by_own_run=held is not None and bool(mine.run) and held.run == mine.run,
    )


@contextmanager
def as_lease_holder(book: LeaseBook, mine: WriterLease, turn: Turn) -> Iterator[None]:
    """Hold the tenant's lease and its writer lock within the block.

    A lease that is over, or held by an earlier try of the same run, or whose writer gave no sign for LEASE, is taken first; then
    the lock is waited for, and a session that keeps it is ended. Another writer's lease is taken only once its lock was found
    free: its session has ended.

    Raises:
        ConcurrentWriterError: another run writes for this tenant.
        WriterSuperseded: a later try of the same run came first.
        SourceUnavailable: the lease is taken, and the lock does not come free.
    """
    held = book.of_tenant(mine.tenant_id)
    if held is not None and held.claim.is_later_than(mine.claim):
        raise superseded(mine, held)
    with ExitStack() as stack:
        if held is None or held.is_over:
            _take(book, mine, held)
            # last of all: who finds the lease held and the lock free knows that its writer is gone
            stack.callback(book.end, mine)
            stack.enter_context(turn.lock())
        elif held.may_be_taken_over(mine.claim, mine.taken_at):
            _take_over(stack, book, mine, held, turn)
        else:
            stack.callback(book.end, mine)
            stack.enter_context(turn.lock())
            _take(book, mine, held)
        _require_lease(book, mine, mine)
        yield


def _take(book: LeaseBook, mine: WriterLease, held: WriterLease | None) -> None:
    if not book.take(mine, held):
        raise ConcurrentWriterError(f"tenant {mine.tenant_id}: another run began to write at the same moment; start again")


def _require_lease(book: LeaseBook, mine: WriterLease, expected: WriterLease) -> None:
    """Raise WriterSuperseded when another lease than this one stands there."""
    held = book.of_tenant(mine.tenant_id)
    if held is None or held.token != expected.token:
        raise superseded(mine, held)


def _take_over(stack: ExitStack, book: LeaseBook, mine: WriterLease, held: WriterLease, turn: Turn) -> None:
    """Take the lease of a writer that may live, and then its lock; both once its open batch has ended."""
    waited, is_mine = 0.0, False
    while True:
        is_mine = is_mine or book.take(mine, held)
        if is_mine and (locked := _locked(turn)) is not None:
            stack.callback(book.end, mine)
            stack.push(locked)
            return
        if waited >= ENDS_BY_ITSELF_SECONDS + COMES_FREE_SECONDS:
            raise SourceUnavailable(
                f"tenant {mine.tenant_id}: {held.claim.sentence} was told to end {waited:.0f} s ago, and its session still holds "
                "the writer lock; end its process, or its session with pg_terminate_backend, then start again"
            )
        if waited == ENDS_BY_ITSELF_SECONDS and turn.end_holder is not None:
            turn.end_holder()
        turn.sleep(LOOK_SECONDS)
        waited += LOOK_SECONDS
        _require_lease(book, mine, mine if is_mine else held)


def _locked(turn: Turn) -> ExitStack | None:
    """The lock, held until the stack is closed; None while another session has it."""
    locked = ExitStack()
    try:
        locked.enter_context(turn.lock())
    except ConcurrentWriterError:
        return None
    return locked


def renewed(lease: WriterLease, at: datetime) -> WriterLease:
    """The lease with a new sign of life."""
    return replace(lease, renewed_at=at)
