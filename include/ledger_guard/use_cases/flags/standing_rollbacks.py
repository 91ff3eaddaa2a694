"""Which temporary rollbacks are still the wish on record, and whether the flag store holds them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ledger_guard.domain.audit import AuditEntry
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.facts.flags import FlagWritten, RolledBack
from ledger_guard.domain.flag_record import FlagRecord
from ledger_guard.domain.flag_values import FlagValue, effective_in
from ledger_guard.domain.flags import EVERYWHERE, FlagChange
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.use_cases.flags.flag_comparison import FlagLook, look_at_flag, record_of


@dataclass(frozen=True)
class StandingRollback:
    """A scope that a rollback set to its safe value and that no restore on record enabled since."""

    change: FlagChange
    #: False when the flag store did not answer or does not know: then the newest recorded change counts
    is_read: bool
    #: whether the store has the flag enabled again, past the guard
    is_enabled_again: bool = False
    #: since when that is on record; None: not noticed by a comparison yet
    enabled_since: datetime | None = None

    def lasts(self, now: datetime) -> timedelta:
        """How long it has been active."""
        return now - self.change.changed_at


def standing_rollbacks(deps: Dependencies) -> list[StandingRollback]:
    """Rollbacks that no restore on record ended, oldest first, whether their incident is over or not.

    A flag that someone enabled past the guard stays among them: the record decides, and the store tells whether it is obeyed.
    """
    found = []
    for flag in deps.policy.flags:
        with deps.state.transaction() as state:
            record = record_of(deps, state, flag)
            changes = [_change_of(state, flag, scope, *written) for scope, written in record.written.items()]
        standing = [change for change in changes if change is not None]
        look = look_at_flag(deps, flag) if standing else FlagLook(None)
        found += [_standing(record, look, change) for change in standing]
    return sorted(found, key=lambda each: each.change.changed_at)


def _change_of(state: UnitOfWork, flag: str, scope: str, entry: AuditEntry, written: FlagWritten) -> FlagChange | None:
    """The rollback that is the newest write of a scope; None where that is a restore.

    The entry counts, not the row: where the row is gone, what the entry has of it is told.
    """
    if entry.event.verb != RolledBack.verbs[0]:
        return None
    row = state.flag_changes.of_approval(written.approval_id) if written.approval_id else state.flag_changes.latest(flag, scope)
    return row or FlagChange(
        change_id=f"audit entry {entry.sequence}",
        flag=flag,
        tenant_id=scope,
        from_value=None,
        to_value=bool(written.to_value),
        incident_id=entry.event.incident_id,
        approval_id=written.approval_id or "",
        requested_by="",
        approved_by=written.approved_by or "a person on record",
        reason="",
        changed_at=entry.event.at,
    )


def _standing(record: FlagRecord, look: FlagLook, change: FlagChange) -> StandingRollback:
    obeyed = FlagValue.NOT_KNOWN if look.states is None else effective_in(look.values, change.tenant_id)
    if obeyed is FlagValue.NOT_KNOWN or obeyed.is_safe(record.safe_value):
        return StandingRollback(change, is_read=obeyed is not FlagValue.NOT_KNOWN)
    noticed = [record.unrecorded[scope] for scope in (change.tenant_id, EVERYWHERE) if scope in record.unrecorded]
    since = min((each.noticed_at for each in noticed), default=None)
    return StandingRollback(change, is_read=True, is_enabled_again=True, enabled_since=since)


def known_scopes(deps: Dependencies, flag: str) -> tuple[list[str], bool]:
    """The scopes of a flag that may have been changed, the global one first, and whether the flag store answered.

    While it does not answer, only the global one is known.
    """
    try:
        own = [scope.tenant_id for scope in deps.flags.scopes(flag)]
    except SourceUnavailable:
        return [EVERYWHERE], False
    return [EVERYWHERE, *(tenant for tenant in own if tenant != EVERYWHERE)], True
