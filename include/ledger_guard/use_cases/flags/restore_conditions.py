"""What must be on record before a flag is enabled again."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.flags import EVERYWHERE, Freeze, scope_words
from ledger_guard.domain.freeze_overrides import FreezeOverride
from ledger_guard.domain.identities import others_than
from ledger_guard.domain.incidents import Incident
from ledger_guard.domain.shown_text import quoted
from ledger_guard.domain.windows import iso
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.signals.registry import signals_of_flag
from ledger_guard.use_cases.flags.attested_freezes import freezes_that_stand, overrides_that_count
from ledger_guard.use_cases.flags.attested_rotations import pending_rotations
from ledger_guard.use_cases.flags.restore_case import RestoreCase
from ledger_guard.use_cases.flags.restore_evidence import missing_comparisons, missing_quiet_windows, missing_validation

ROOT_CAUSE_MINIMUM_CHARACTERS = 20
OWNER_MINIMUM_CHARACTERS = 2
_LINK_OR_TICKET = re.compile(r"https?://\S+|#\d+|[A-Za-z][A-Za-z0-9_]*-?\d+")


def require_everything(deps: Dependencies, state: UnitOfWork, case: RestoreCase, requested_by: str) -> None:
    """Raise SafetyRefusal naming every missing item at once; BadInputError when the incident does not exist."""
    others = _freezes_of_others(deps, state, case)
    is_excused = bool(others) and bool(overrides_of(deps, state, case))
    missing = [
        *(() if is_excused else _missing_words(case)),
        *missing_validation(case),
        *_unresolved(deps, state, case),
        *missing_quiet_windows(deps, state, case),
        *missing_comparisons(deps, state, case),
        *_pending_rotations(deps, state, case),
        *(() if is_excused else map(_why_frozen, others)),
        *_nobody_to_approve(deps, requested_by),
    ]
    if missing:
        raise SafetyRefusal(f"restore of {case.flag}@{case.tenant_id}: refused: {'; '.join(missing)}")


def own_freezes(deps: Dependencies, state: UnitOfWork, case: RestoreCase) -> list[Freeze]:
    """The freezes that this restore lifts: those of its incident in its scope.

    None while others freeze the flag too: an override then allows one tenant to be enabled, and lifts nothing.
    """
    if _freezes_of_others(deps, state, case):
        return []
    return [found for found in _covering(deps, state, case) if _is_own(found, case)]


def overrides_of(deps: Dependencies, state: UnitOfWork, case: RestoreCase) -> list[FreezeOverride]:
    """Active overrides that this restore uses: none where no one else freezes the flag."""
    if not _freezes_of_others(deps, state, case):
        return []
    now = deps.wall_clock.now()
    return [found for found in overrides_that_count(state, now, case.flag) if found.is_in_force(case.flag, case.tenant_id, now)]


def _missing_words(case: RestoreCase) -> Iterator[str]:
    if len(case.root_cause) < ROOT_CAUSE_MINIMUM_CHARACTERS:
        yield f"the root cause has {len(case.root_cause)} characters; needed: at least {ROOT_CAUSE_MINIMUM_CHARACTERS}"
    if not _LINK_OR_TICKET.fullmatch(case.root_cause_link):
        yield "no link to the root cause analysis; needed: an http(s) address or a ticket such as OPS-123"
    if len(case.root_cause_owner) < OWNER_MINIMUM_CHARACTERS:
        yield "no owner of the root cause; needed: who makes sure that it stays fixed"


def _unresolved(deps: Dependencies, state: UnitOfWork, case: RestoreCase) -> Iterator[str]:
    tied = signals_of_flag(deps.policy, case.flag)
    found: dict[str, Incident] = {}
    for trigger in tied:
        incident = state.incidents.open_for(trigger)
        if incident is not None:
            found[incident.incident_id] = incident
    if case.incident_id is not None:
        named = state.incidents.get(case.incident_id)
        if not named.is_over:
            found[named.incident_id] = named
    for incident in found.values():
        yield (
            f"incident {incident.incident_id} ({incident.trigger.value} {incident.severity.value}) is {incident.status.value}; "
            "needed: resolved by windows with evidence of health"
        )


def _pending_rotations(deps: Dependencies, state: UnitOfWork, case: RestoreCase) -> Iterator[str]:
    if any(signal.restore_needs.rotations_done for signal in signals_of_flag(deps.policy, case.flag).values()):
        pending = pending_rotations(state)
    else:
        pending = pending_rotations(state, case.incident_id) if case.incident_id is not None else []
    for plan in pending:
        yield f"the rotation of {plan.secret_name} with {plan.provider} ({plan.rotation_id}) is pending; needed: done"


def _freezes_of_others(deps: Dependencies, state: UnitOfWork, case: RestoreCase) -> list[Freeze]:
    return [found for found in _covering(deps, state, case) if not _is_own(found, case)]


def _why_frozen(found: Freeze) -> str:
    by = f"incident {found.incident_id}" if found.incident_id else found.opened_by
    doubt = f", and {found.doubt}" if found.doubt else ""
    return (
        f"frozen for {scope_words(found.tenant_id)} by {by} since {iso(found.opened_at)} ({quoted(found.reason)}{doubt}); "
        "needed: lifted by a restore of that incident and scope"
    )


def _nobody_to_approve(deps: Dependencies, requested_by: str) -> Iterator[str]:
    approvers = deps.policy.approvers_of(ApprovalKind.FLAG_RESTORE).everyone
    if not others_than(approvers, requested_by):
        yield f"{requested_by} asks and is the only one who may approve; needed: a request by someone else"


def _covering(deps: Dependencies, state: UnitOfWork, case: RestoreCase) -> list[Freeze]:
    return [found for found in freezes_that_stand(deps, state, case.flag) if found.covers(case.flag, case.tenant_id)]


def _is_own(found: Freeze, case: RestoreCase) -> bool:
    return found.incident_id == case.incident_id and case.tenant_id in (EVERYWHERE, found.tenant_id)
