"""What has to be on record before a flag is enabled again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.flags import EVERYWHERE, Freeze
from ledger_guard.domain.incidents import Incident
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.windows import iso
from ledger_guard.ports import Guard, GuardTransaction
from ledger_guard.use_cases.flag_proposal import scope_words

ROOT_CAUSE_MINIMUM_CHARACTERS = 20
VALIDATION_ENVIRONMENTS = ("test", "staging")
_LINK_OR_TICKET = re.compile(r"https?://\S+|#\d+|[A-Za-z][A-Za-z0-9_]*-?\d+")


@dataclass(frozen=True)
class RestoreCase:
    """A restore and what was written down for it."""

    flag: str
    tenant_id: str
    incident_id: str | None
    root_cause: str
    root_cause_link: str
    validation: Mapping[str, object]


def require_everything(guard: Guard, state: GuardTransaction, case: RestoreCase, requested_by: str) -> None:
    """Raise SafetyRefusal naming every missing item at once; BadInputError when the incident does not exist."""
    missing = [
        *_missing_words(case),
        *_unresolved(guard, state, case),
        *_pending_rotations(guard, state, case),
        *_freezes_of_others(state, case),
        *_nobody_to_approve(guard, requested_by),
    ]
    if missing:
        raise SafetyRefusal(f"restore of {case.flag}@{case.tenant_id}: refused: {'; '.join(missing)}")


def own_freezes(state: GuardTransaction, case: RestoreCase) -> list[Freeze]:
    """The freezes that this restore lifts: those of its incident, in its scope or within it."""
    return [found for found in _covering(state, case) if _is_own(found, case)]


def _missing_words(case: RestoreCase) -> Iterator[str]:
    if len(case.root_cause) < ROOT_CAUSE_MINIMUM_CHARACTERS:
        yield f"the root cause has {len(case.root_cause)} characters; needed: at least {ROOT_CAUSE_MINIMUM_CHARACTERS}"
    if not _LINK_OR_TICKET.fullmatch(case.root_cause_link):
        yield "no link to the root cause analysis; needed: an http(s) address or a ticket such as OPS-123"
    environment = case.validation.get("environment")
    if environment not in VALIDATION_ENVIRONMENTS:
        yield f"validation: the environment is {str(environment)[:40]!r}; needed: one of {', '.join(VALIDATION_ENVIRONMENTS)}"
    if case.validation.get("passed") is not True:
        yield "validation: it is not on record as passed in the test environment; needed: passed true"
    reference = case.validation.get("reference")
    if not isinstance(reference, str) or not reference.strip():
        yield "validation: no reference; needed: where its result can be read"


def _unresolved(guard: Guard, state: GuardTransaction, case: RestoreCase) -> Iterator[str]:
    tied = [trigger for trigger, rule in guard.policy.triggers.items() if rule.flag == case.flag]
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


def _pending_rotations(guard: Guard, state: GuardTransaction, case: RestoreCase) -> Iterator[str]:
    signatures = guard.policy.triggers.get(Trigger.WEBHOOK_SIGNATURE)
    if signatures is not None and signatures.flag == case.flag:
        pending = state.rotations.pending()
    else:
        pending = state.rotations.pending(case.incident_id) if case.incident_id is not None else []
    for plan in pending:
        yield f"the rotation of {plan.secret_name} with {plan.provider} ({plan.rotation_id}) is pending; needed: done"


def _freezes_of_others(state: GuardTransaction, case: RestoreCase) -> Iterator[str]:
    for found in _covering(state, case):
        if not _is_own(found, case):
            by = f"incident {found.incident_id}" if found.incident_id else found.opened_by
            yield (
                f"frozen for {scope_words(found.tenant_id)} by {by} since {iso(found.opened_at)} ({found.reason}); "
                "needed: lifted by a restore of that incident and scope"
            )


def _nobody_to_approve(guard: Guard, requested_by: str) -> Iterator[str]:
    approvers = guard.policy.approvals[ApprovalKind.FLAG_RESTORE].approvers
    if not set(approvers) - {requested_by}:
        yield f"{requested_by} asks and is the only one who may approve; needed: somebody else asks"


def _covering(state: GuardTransaction, case: RestoreCase) -> list[Freeze]:
    return [found for found in state.freezes.standing(case.flag) if found.covers(case.flag, case.tenant_id)]


def _is_own(found: Freeze, case: RestoreCase) -> bool:
    return found.incident_id == case.incident_id and case.tenant_id in (EVERYWHERE, found.tenant_id)
