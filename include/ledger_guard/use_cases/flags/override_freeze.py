"""override: a named person allows one tenant to be enabled despite a freeze, for a limited time."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from ledger_guard.domain.attestations import is_unkeyed, override_attested
from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.facts.codec import Fact, recorded
from ledger_guard.domain.facts.flags import OverrideEnded, OverrideGranted
from ledger_guard.domain.flags import EVERYWHERE
from ledger_guard.domain.freeze_overrides import FreezeOverride
from ledger_guard.domain.identifiers import checked_uuid, new_id
from ledger_guard.domain.reasons import checked_reason
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.use_cases.flags.attested_freezes import freezes_that_stand
from ledger_guard.use_cases.flags.flag_proposal import checked_scope


def override_freeze(deps: Dependencies, flag: str, tenant_id: str, hours: float, reason: str, by: str) -> FreezeOverride:
    """Grant an override that expires after `hours`. It lifts no freeze and enables nothing.

    While it is active, an approved restore of this tenant needs neither the freeze lifted nor a root cause. It still needs
    everything else. `by` is who a login proved: a name from a form or a command line must not come here.

    Raises:
        BadInputError: unknown flag or tenant, `*` instead of one tenant, no freeze that covers it, no reason, no hours.
        SafetyRefusal: the policy does not allow this person to grant it, or not for so long.
    """
    if tenant_id == EVERYWHERE:
        raise BadInputError(f"override: {EVERYWHERE} is everyone; allowed: one tenant (a freeze is lifted with its root cause)")
    checked_scope(deps, flag, tenant_id)
    rules = deps.policy.freeze
    checked_reason("override: the reason", reason)
    if not math.isfinite(hours) or hours <= 0:
        raise BadInputError(f"override: hours: is {hours:g}; allowed: more than 0")
    able = deps.policy.may_override().at(deps.wall_clock.now())
    if by not in able:
        allowed = ", ".join(able) or "no one"
        raise SafetyRefusal(f"override of {flag}@{tenant_id}: {by or 'no one'} may not grant it; allowed: {allowed}")
    if hours > rules.override_at_most_hours:
        most = rules.override_at_most_hours
        raise SafetyRefusal(f"override of {flag}@{tenant_id}: {hours:g} hours is more than the policy's maximum of {most}")
    now = deps.wall_clock.now()
    granted = FreezeOverride(new_id(), flag, tenant_id, reason.strip(), by, now, now + timedelta(hours=hours))
    with deps.state.transaction() as state:
        freezes = [found.freeze_id for found in freezes_that_stand(deps, state, flag) if found.covers(flag, tenant_id)]
        if not freezes:
            raise BadInputError(f"override: {flag} is not frozen for tenant {tenant_id}; allowed: a tenant with an active freeze")
        state.overrides.add(granted)
        fact = OverrideGranted(
            stage="granted",
            override_id=granted.override_id,
            reason=granted.reason,
            expires_at=granted.expires_at,
            freezes=tuple(freezes),
            is_proved=True,
            attested=(override_attested(granted).row,),
            unkeyed=is_unkeyed(state.audit),
        )
        _record(state, granted, fact, by, now)
    return granted


def end_override(deps: Dependencies, override_id: str, by: str) -> FreezeOverride:
    """End an override early; a tenant that was enabled with it stays enabled.

    Raises:
        BadInputError: no such override, or `by` is empty.
        SafetyRefusal: it has already ended or expired.
    """
    override_id = checked_uuid(override_id, "override")
    if not by.strip():
        raise BadInputError("override: the name of the person ending it is empty; allowed: a name")
    now = deps.wall_clock.now()
    with deps.state.transaction() as state:
        ended = state.overrides.end(override_id, by, now)
        _record(state, ended, OverrideEnded(stage="ended", override_id=ended.override_id), by, now)
    return ended


def _record(state: UnitOfWork, override: FreezeOverride, fact: Fact, actor: str, now: datetime) -> None:
    state.audit.append(
        recorded(
            fact,
            actor=actor,
            subject=f"flag:{override.flag}@{override.tenant_id}",
            at=now,
            tenant_id=override.tenant_id,
        )
    )
