"""Which secret rotations are still to be done, by guard state and the marked entries of the audit log, whichever is stricter."""

from __future__ import annotations

from datetime import datetime

from ledger_guard.domain.attestations import is_marked
from ledger_guard.domain.audit import AuditEntry
from ledger_guard.domain.flags import RotationPlan
from ledger_guard.ports.guard_state import GuardTransaction

_KIND = "rotation"
_SUBJECT = f"{_KIND}:"


def pending_rotations(state: GuardTransaction, incident_id: str | None = None) -> list[RotationPlan]:
    """Rotations that are planned and not done, oldest first; `incident_id` None: of any incident, or none.

    With a key a rotation that a marked entry plans is pending until a marked entry says that it is done, whatever became of
    its row; such a one has no steps.
    """
    found = {plan.rotation_id: plan for plan in state.rotations.pending(incident_id)}
    if state.audit.keys.newest is not None:
        for entry in state.audit.of_kind(_KIND, "plan_secret_rotation"):
            plan = _planned(entry)
            is_of_it = incident_id is None or plan.incident_id == incident_id
            if is_of_it and plan.rotation_id not in found and is_marked(entry, state.audit.keys) and not _is_done(state, plan):
                found[plan.rotation_id] = plan
    return sorted(found.values(), key=lambda plan: plan.planned_at)


def _planned(entry: AuditEntry) -> RotationPlan:
    event, said = entry.event, entry.event.detail
    return RotationPlan(
        rotation_id=event.subject.removeprefix(_SUBJECT),
        provider=str(said.get("provider")),
        secret_name=str(said.get("secret_name")),
        incident_id=event.incident_id,
        owner=str(said.get("owner")),
        steps=(),
        planned_at=event.at,
        due_at=datetime.fromisoformat(str(said["due_at"])) if "due_at" in said else event.at,
    )


def _is_done(state: GuardTransaction, plan: RotationPlan) -> bool:
    told = state.audit.about(f"{_SUBJECT}{plan.rotation_id}", ("complete_rotation",))
    return any(is_marked(entry, state.audit.keys) for entry in told)
