"""Whose turn it is to write with the platform's own script, asked while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.plans import Plan
from ledger_guard.domain.stops import active_stop, require_running
from ledger_guard.domain.writer_leases import Turn, WriterClaim, WriterLease, as_lease_holder, new_lease, superseded
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.ports.lease_book import LeasesOfState

VERB = "run_script"


class ScriptTurn:
    """The turn of one writer, for as long as it holds the tenant's writer lock."""

    def __init__(self, deps: Dependencies, lease: WriterLease) -> None:
        self._deps, self._lease = deps, lease

    def require(self, state: UnitOfWork) -> None:
        """Raise SafetyRefusal while the guard is stopped, WriterSuperseded when another writer has taken over."""
        require_running(state.audit, f"plan {self._lease.plan_id}: the script")
        if not state.writer_leases.keep(self._lease, self._deps.wall_clock.now()):
            raise superseded(self._lease, state.writer_leases.of_tenant(self._lease.tenant_id))

    def is_over(self) -> bool:
        """Whether the script must end: the guard was stopped, or another writer has taken over.

        Where that can't be read nothing may be written either.
        """
        try:
            with self._deps.state.transaction() as state:
                is_mine = state.writer_leases.keep(self._lease, self._deps.wall_clock.now())
                return not is_mine or active_stop(state.audit) is not None
        except SourceUnavailable:
            return True


@contextmanager
def script_turn(
    deps: Dependencies,
    plan: Plan,
    claim: WriterClaim,
    lock: Callable[[], AbstractContextManager[None]],
    sleep: Callable[[float], None],
) -> Iterator[ScriptTurn]:
    """Hold the tenant's writer lock and its lease within the block.

    A session that keeps the lock is never ended: its script could go on writing without it. Raises as `as_lease_holder`.
    """
    lease = new_lease(plan.tenant_id, plan.plan_id, VERB, claim, deps.wall_clock.now())
    with as_lease_holder(LeasesOfState(deps.state, deps.wall_clock), lease, Turn(lock, None, sleep)):
        yield ScriptTurn(deps, lease)
