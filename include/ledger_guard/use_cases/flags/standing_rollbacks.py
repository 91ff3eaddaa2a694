"""Which temporary rollbacks are still active, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.flags import EVERYWHERE, FlagChange
from ledger_guard.ports import Dependencies


@dataclass(frozen=True)
class StandingRollback:
    """A scope that a rollback set to its safe value and that was not enabled since."""

    change: FlagChange
    #: False when the flag store did not answer or does not know: then the newest recorded change counts
    is_read: bool

    def lasts(self, now: datetime) -> timedelta:
        """How long it has been active."""
        return now - self.change.changed_at


def standing_rollbacks(deps: Dependencies) -> list[StandingRollback]:
    """Active rollbacks, oldest first, whether their incident is over or not.

    A flag that someone enabled past the guard is no longer rolled back: the flag store is asked, not only the record.
    """
    found = []
    for flag, rules in deps.policy.flags.items():
        scopes, is_read = known_scopes(deps, flag)
        with deps.state.transaction() as state:
            changes = [state.flag_changes.latest(flag, scope) for scope in scopes]
        for change in changes:
            if change is None or change.to_value is not rules.safe_value:
                continue
            obeyed = deps.flags.effective(flag, change.tenant_id) if is_read else None
            if obeyed is (not rules.safe_value):
                continue
            found.append(StandingRollback(change, is_read=obeyed is not None))
    return sorted(found, key=lambda each: each.change.changed_at)


def known_scopes(deps: Dependencies, flag: str) -> tuple[list[str], bool]:
    """The scopes of a flag that may have been changed, the global one first, and whether the flag store answered.

    While it does not answer, only the global one is known.
    """
    try:
        own = [scope.tenant_id for scope in deps.flags.scopes(flag)]
    except SourceUnavailable:
        return [EVERYWHERE], False
    return [EVERYWHERE, *(tenant for tenant in own if tenant != EVERYWHERE)], True
