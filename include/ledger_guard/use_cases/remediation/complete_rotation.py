"""complete_rotation: record that a planned secret rotation was done at the payment provider."""

from __future__ import annotations

from dataclasses import replace

from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.facts.incidents import RotationCompleted
from ledger_guard.domain.flags import RotationPlan
from ledger_guard.domain.identifiers import checked_uuid
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.flags.attested_rotations import pending_rotations


def complete_rotation(deps: Dependencies, rotation_id: str, by: str) -> RotationPlan:
    """Record the rotation as done by `by`; until then it blocks the restore of the signature flag.

    A rotation whose row says done, or was deleted, without an audit entry is still pending, and is recorded as done here.

    Raises:
        BadInputError: no rotation with this id is pending, or `by` is empty. Nothing was written.
    """
    rotation_id = checked_uuid(rotation_id, "rotation")
    if not by.strip():
        raise BadInputError("rotation: the name of the person who rotated it is empty; allowed: a name")
    now = deps.wall_clock.now()
    with deps.state.transaction() as state:
        stored = {plan.rotation_id for plan in state.rotations.pending()}
        pending = {plan.rotation_id: plan for plan in pending_rotations(state)}
        plan = pending.get(rotation_id)
        if plan is None:
            raise BadInputError(f"rotation: {rotation_id} is not pending; allowed: {', '.join(sorted(pending)) or 'none is'}")
        if rotation_id in stored:
            state.rotations.done(rotation_id, by, now)
        state.audit.append(
            recorded(
                RotationCompleted(provider=plan.provider, secret_name=plan.secret_name, planned_at=plan.planned_at),
                actor=by,
                subject=f"rotation:{rotation_id}",
                at=now,
                incident_id=plan.incident_id,
            )
        )
    return replace(plan, done_at=now, done_by=by)
