"""freeze: block enabling a flag for anything new until a root cause is on record."""

from __future__ import annotations

from dataclasses import dataclass

from ledger_guard.domain.attestations import is_unkeyed
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.facts.flags import FlagFrozen
from ledger_guard.domain.flags import EVERYWHERE, Freeze
from ledger_guard.domain.freeze_overrides import FreezeOverride
from ledger_guard.domain.identifiers import checked_uuid, new_id
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.use_cases.flags.attested_freezes import freezes_that_stand, is_opening_attested, overrides_that_count
from ledger_guard.use_cases.flags.flag_proposal import checked_scope, checked_tenant


def freeze(deps: Dependencies, flag: str, tenant_id: str, incident_id: str | None, reason: str, actor: str) -> Freeze:
    """Open a freeze of `flag` for a tenant or everyone (`*`); an active one of the same scope and incident is returned.

    Raises:
        BadInputError: unknown flag, tenant or incident, or no reason or actor. Nothing was written.
    """
    checked_scope(deps, flag, tenant_id)
    for what, given in (("reason", reason), ("actor", actor)):
        if not given.strip():
            raise BadInputError(f"freeze of {flag}@{tenant_id}: the {what} is empty; allowed: a text")
    with deps.state.transaction() as state:
        if incident_id is not None:
            state.incidents.get(checked_uuid(incident_id, "incident"))
        return open_freeze(deps, state, flag, tenant_id, incident_id, reason, actor)


def open_freeze(
    deps: Dependencies, state: UnitOfWork, flag: str, tenant_id: str, incident_id: str | None, reason: str, actor: str
) -> Freeze:
    """Open a freeze in a transaction that has begun; scope and incident are checked already.

    An active row without a marked entry is recorded as it is.
    """
    now = deps.wall_clock.now()
    wanted = Freeze(new_id(), flag, tenant_id, reason, actor, now, incident_id)
    standing = state.freezes.add(wanted)
    if standing.freeze_id == wanted.freeze_id or not is_opening_attested(state, standing):
        state.audit.append(
            recorded(
                FlagFrozen(
                    freeze_id=standing.freeze_id,
                    reason=standing.reason,
                    opened_by=standing.opened_by,
                    opened_at=standing.opened_at,
                    unkeyed=is_unkeyed(state.audit),
                ),
                actor=actor,
                subject=f"flag:{flag}@{tenant_id}",
                at=now,
                incident_id=incident_id,
                tenant_id=None if tenant_id == EVERYWHERE else tenant_id,
            )
        )
    return standing


@dataclass(frozen=True)
class Standing:
    """What blocks enabling a flag in one scope."""

    #: freezes that cover the scope, oldest first
    freezes: tuple[Freeze, ...]
    #: active overrides for exactly this tenant
    overrides: tuple[FreezeOverride, ...]

    @property
    def is_open(self) -> bool:
        """Whether a restore may be requested; it still needs an approval."""
        return not self.freezes or bool(self.overrides)


def standing(deps: Dependencies, flag: str, tenant_id: str) -> Standing:
    """Freezes that forbid enabling `flag` in this scope, and overrides of them.

    If the flag or its store has one value for everyone, enabling it for a tenant enables it for everyone: any freeze blocks it.

    Raises:
        BadInputError: unknown flag or tenant.
    """
    scope, now = _scope_that_counts(deps, flag, tenant_id), deps.wall_clock.now()
    freezes = standing_freezes(deps, flag, scope)
    with deps.state.transaction() as state:
        overrides = [found for found in overrides_that_count(state, now, flag) if found.is_in_force(flag, scope, now)]
    return Standing(tuple(freezes), tuple(overrides) if freezes else ())


def _scope_that_counts(deps: Dependencies, flag: str, tenant_id: str) -> str:
    deps.policy.checked_flag(flag)
    if tenant_id == EVERYWHERE or (deps.policy.flags[flag].per_tenant and deps.flags.per_tenant):
        return tenant_id
    checked_tenant(deps, tenant_id)
    return EVERYWHERE


def standing_freezes(deps: Dependencies, flag: str, tenant_id: str) -> list[Freeze]:
    """Freezes that forbid enabling `flag` in this scope, oldest first: a global one covers every tenant, a tenant's everyone.

    Raises:
        BadInputError: unknown flag or tenant.
    """
    checked_scope(deps, flag, tenant_id)
    with deps.state.transaction() as state:
        return [found for found in freezes_that_stand(deps, state, flag) if found.covers(flag, tenant_id)]
