"""confirm: read back whether a flag change took effect."""

from __future__ import annotations

from dataclasses import replace

from ledger_guard.domain.audit import AuditEvent
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.flags import EVERYWHERE, ChangeStatus, FlagChange, effective_value, scopes_to_turn
from ledger_guard.ports import Guard
from ledger_guard.use_cases.flag_proposal import checked_scope, seen_states


def confirm(guard: Guard, flag: str, tenant_id: str) -> FlagChange:
    """Read back every scope of the newest change and record it as confirmed or unconfirmed.

    A change to the safe value is confirmed only when no tenant has another value of its own; one to the other value when
    its own scope serves it. May be repeated: what stands now is recorded.

    Raises:
        BadInputError: unknown flag or tenant, or no change of this scope was ever recorded.
        SourceUnavailable: the store did not answer; nothing was recorded, try again.
    """
    checked_scope(guard, flag, tenant_id)
    seen = seen_states(guard, flag, tenant_id)
    now = guard.wall_clock.now()
    with guard.state.transaction() as state:
        change = state.flag_changes.latest(flag, tenant_id)
        if change is None:
            raise BadInputError(f"confirm: no change of {flag}@{tenant_id} is on record; allowed: a scope that was changed")
        is_safe = change.to_value is guard.policy.flags[flag].safe_value
        others = scopes_to_turn(seen, tenant_id, change.to_value, overrides_too=is_safe)
        status = ChangeStatus.UNCONFIRMED if others else ChangeStatus.CONFIRMED
        found = replace(change, status=status, confirmed_at=now)
        state.flag_changes.save(found)
        state.audit.append(
            AuditEvent(
                verb="confirm",
                actor="ledger_guard",
                subject=f"flag:{flag}@{tenant_id}",
                detail={
                    "change_id": change.change_id,
                    "status": status.value,
                    "wanted": change.to_value,
                    "serves": effective_value(seen, tenant_id),
                    "disagreeing_scopes": [scope.tenant_id for scope in others],
                },
                at=now,
                incident_id=change.incident_id,
                tenant_id=None if tenant_id == EVERYWHERE else tenant_id,
            )
        )
    return found
