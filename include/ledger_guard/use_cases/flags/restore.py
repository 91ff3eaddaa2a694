"""restore: enable a flag again, or for a new tenant, once everything it needs is on record."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.facts.flags import Restored
from ledger_guard.domain.flags import EVERYWHERE, FlagChange, FlagState, effective_value, scope_words
from ledger_guard.domain.freeze_overrides import FreezeOverride
from ledger_guard.domain.shown_text import quoted, wrote
from ledger_guard.domain.windows import iso
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.use_cases.backfill.verify import verify
from ledger_guard.use_cases.flags.attested_freezes import lift_freeze
from ledger_guard.use_cases.flags.flag_proposal import FlagProposal, checked_scope, listed_tenants, proposed, seen_states
from ledger_guard.use_cases.flags.flag_write import FlagWrite
from ledger_guard.use_cases.flags.restore_case import RestoreCase, RestoreRequest, restore_case, wallet_tenants
from ledger_guard.use_cases.flags.restore_conditions import overrides_of, own_freezes, require_everything
from ledger_guard.use_cases.flags.restore_evidence import comparison_fault, quiet_by_attempts, validated_by, validation_words


def review_restore(deps: Dependencies, request: RestoreRequest, requested_by: str) -> FlagProposal:
    """What a restore would do now, if nothing it needs is missing. Writes nothing.

    `is_needed` is False when the flag is on and no freeze has to be lifted.

    Raises:
        BadInputError: unknown flag, tenant or incident.
        SafetyRefusal: something is missing; the message names every missing item at once.
    """
    case = restore_case(deps, request)
    with deps.state.transaction() as state:
        return _proposal(deps, state, case, seen_states(deps, case.flag, case.tenant_id), requested_by)


def restore(deps: Dependencies, request: RestoreRequest, run_id: str, actor: str) -> FlagChange:
    """Enable the flag in this scope and lift the incident's own freezes, on the approval that this run asked for.

    Everything is checked again here. The requester writes the root cause, the approver lifts the freeze: never one person. A
    flag that is already on is not written, but the change is recorded, because an approval is used once. Tenants whose own value
    is off stay off: each needs its own restore.

    Raises:
        BadInputError, SafetyRefusal: as `review_restore`; or the approved state has changed since. Ask again.
    """
    case = restore_case(deps, request)
    return _Restore(deps, case.flag, case.tenant_id, case.incident_id, run_id, actor, case).make()


@dataclass(frozen=True)
class _Restore(FlagWrite):
    case: RestoreCase

    verb, kind = "restore", ApprovalKind.FLAG_RESTORE

    @property
    def target(self) -> bool:
        return not self.deps.policy.flags[self.flag].safe_value

    def propose(self, state: UnitOfWork, seen: Sequence[FlagState], requested_by: str) -> FlagProposal:
        return _proposal(self.deps, state, self.case, seen, requested_by)

    def settle(self, state: UnitOfWork, change: FlagChange) -> Restored:
        deps, case = self.deps, self.case
        lifted, overrides = own_freezes(deps, state, case), overrides_of(deps, state, case)
        for frozen in lifted:
            lifting = replace(
                frozen,
                lifted_at=change.changed_at,
                lifted_by=change.approved_by,
                root_cause=case.root_cause,
                root_cause_link=case.root_cause_link,
                root_cause_owner=case.root_cause_owner,
                root_cause_by=change.requested_by,
            )
            lift_freeze(state, lifting, self.actor)
        return Restored(
            stage="done",
            lifted_freezes=tuple(frozen.freeze_id for frozen in lifted),
            root_cause=case.root_cause,
            root_cause_link=case.root_cause_link,
            root_cause_owner=case.root_cause_owner,
            overrides=tuple(override.override_id for override in overrides),
            validation=validated_by(case, change.requested_by),
            quiet_by_attempts=quiet_by_attempts(deps, state, case),
            watched_from=deps.clock.now(),
        )


def _proposal(
    deps: Dependencies, state: UnitOfWork, case: RestoreCase, seen: Sequence[FlagState], requested_by: str
) -> FlagProposal:
    require_everything(deps, state, case, requested_by)
    target = not deps.policy.flags[case.flag].safe_value
    freezes, overrides = own_freezes(deps, state, case), overrides_of(deps, state, case)
    effect = _effect(deps, case, seen, requested_by, freezes=len(freezes), overrides=overrides, target=target)
    return proposed(
        deps,
        case.flag,
        case.tenant_id,
        incident_id=case.incident_id,
        target=target,
        seen=seen,
        text=effect + _by_attempts_alone(quiet_by_attempts(deps, state, case)),
        evidence=(
            case.root_cause,
            case.root_cause_link,
            case.root_cause_owner,
            json.dumps(validated_by(case, requested_by), sort_keys=True),
            *sorted(override.override_id for override in overrides),
            *sorted(frozen.freeze_id for frozen in freezes),
        ),
        facts=(f"{len(freezes)} freeze(s) to lift",),
        also_needed=bool(freezes),
    )


def _effect(
    deps: Dependencies,
    case: RestoreCase,
    seen: Sequence[FlagState],
    requested_by: str,
    *,
    freezes: int,
    overrides: Sequence[FreezeOverride],
    target: bool,
) -> str:
    does = "Leave" if effective_value(seen, case.tenant_id) is target else "Turn"
    staying = [state.tenant_id for state in seen if state.tenant_id != EVERYWHERE and state.is_enabled is (not target)]
    listed = listed_tenants(deps, staying)
    stays = f" Not for {listed}: they keep their own values." if staying and case.tenant_id == EVERYWHERE else ""
    if overrides:
        why = " ".join(
            f"A freeze stays active; override by {each.granted_by} until {iso(each.expires_at)}, who {wrote(each.reason)}."
            for each in overrides
        )
    else:
        why = (
            f"Root cause: {requested_by} {wrote(case.root_cause)}, gives {quoted(case.root_cause_link)} as its link and "
            f"{quoted(case.root_cause_owner)} as its owner."
        )
    return (
        f"{does} {case.flag} {'on' if target else 'off'} for {scope_words(case.tenant_id)} and lift {freezes} freeze(s).{stays} "
        f"Requested by {requested_by}. {why} {validation_words(case, requested_by)}."
    )


def _by_attempts_alone(quiet: Mapping[str, str]) -> str:
    """Note for the approver: signals that are quiet only by pooled attempts."""
    return "".join(f" {trigger} is quiet only by pooled attempts: {words}." for trigger, words in quiet.items())


def verify_before_restore(deps: Dependencies, flag: str, tenant_id: str, incident_id: str | None) -> list[str]:
    """Compare and record the tenants whose newest comparison is old, not clean or missing; returns them.

    The checklist judges what is recorded here. Repeating it compares only what still needs it.

    Raises:
        BadInputError: unknown flag, tenant or incident.
        SourceUnavailable: the platform did not answer. Retry.
    """
    checked_scope(deps, flag, tenant_id)
    tenants = wallet_tenants(deps, flag, tenant_id, incident_id) or ()
    with deps.state.transaction() as state:
        due = [tenant for tenant in tenants if comparison_fault(deps, state, tenant)]
    for tenant in due:
        verify(deps, tenant)
    return due
