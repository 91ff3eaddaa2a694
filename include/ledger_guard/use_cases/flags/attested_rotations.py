"""Pending secret rotations, by guard state and the marked audit entries, whichever is stricter."""

from __future__ import annotations

from ledger_guard.domain.attestations import is_marked
from ledger_guard.domain.audit import AuditEntry
from ledger_guard.domain.facts.codec import told_for_certain
from ledger_guard.domain.facts.incidents import RotationPlanned
from ledger_guard.domain.flags import RotationPlan
from ledger_guard.ports.guard_state import UnitOfWork

_KIND = "rotation"
_SUBJECT = f"{_KIND}:"


def pending_rotations(state: UnitOfWork, incident_id: str | None = None) -> list[RotationPlan]:
    """Planned rotations that are not done, oldest first; `incident_id` None: of any incident, or none.

    With a key, a rotation planned by a marked entry is pending until a marked entry says it is done, whatever its row says.
    If its row is gone, it has no steps.
    """
    found = {plan.rotation_id: plan for plan in state.rotations.pending(incident_id)}
    if state.audit.keys.newest is not None:
        for entry in state.audit.of_kind(_KIND, "plan_secret_rotation"):
            is_of_it = incident_id is None or entry.event.incident_id == incident_id
            if not is_of_it or not is_marked(entry, state.audit.keys):
                continue
            plan = _planned(entry)
            if plan.rotation_id not in found and not _is_done(state, plan):
                found[plan.rotation_id] = plan
    return sorted(found.values(), key=lambda plan: plan.planned_at)


def _planned(entry: AuditEntry) -> RotationPlan:
    event, said = entry.event, told_for_certain(entry, RotationPlanned)
    return RotationPlan(
        rotation_id=event.subject.removeprefix(_SUBJECT),
        provider=said.provider,
        secret_name=said.secret_name,
        incident_id=event.incident_id,
        owner=said.owner,
        steps=(),
        planned_at=event.at,
        due_at=said.due_at or event.at,
    )


def _is_done(state: UnitOfWork, plan: RotationPlan) -> bool:
    told = state.audit.about(f"{_SUBJECT}{plan.rotation_id}", ("complete_rotation",))
    return any(is_marked(entry, state.audit.keys) for entry in told)
