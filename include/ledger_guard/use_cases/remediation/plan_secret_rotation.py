"""plan_secret_rotation: record how and by when a failing provider's webhook secret must be replaced, and when it was."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.facts.incidents import (
    NoRotationNeeded,
    RotationCompleted,
    RotationPlanned,
    RotationPlannedByHand,
    RotationRefused,
)
from ledger_guard.domain.flags import RotationPlan
from ledger_guard.domain.identifiers import checked_uuid, new_id
from ledger_guard.domain.windows import iso
from ledger_guard.ports import Dependencies
from ledger_guard.signals.check_secrets import analyse_signatures
from ledger_guard.signals.incident_facts import incident_span
from ledger_guard.signals.registry import triggers_meaning
from ledger_guard.signals.signature_causes import CauseKind, by_provider
from ledger_guard.signals.webhook_calls import ONLY_COUNTED, are_only_counted
from ledger_guard.signals.webhook_signature import WebhookSignature
from ledger_guard.use_cases.flags.attested_rotations import pending_rotations


@dataclass(frozen=True)
class PlannedRotations:
    """The result of planning."""

    plans: tuple[RotationPlan, ...]
    #: why none was planned: a secret's last rotation still overlaps, or no new secret fixes the likeliest cause
    refused: tuple[str, ...]


def plan_secret_rotation(deps: Dependencies, incident_id: str, actor: str) -> PlannedRotations:
    """One plan for each failing provider with a secret, most failures first.

    A pending rotation of the same secret is returned instead of a second one, so repeating this changes nothing. While a done
    rotation still overlaps, none is planned; the refusal is recorded. Providers without their own secret have nothing to rotate.
    If enabling the flag is the likeliest cause, no secret fixes it and a rotation would only delay the restore: none is planned.
    The same holds if the calls are likely forged.

    Raises:
        SourceUnavailable: the failures could not be read. Nothing was planned; try again.
        BadInputError: there is no such incident.
    """
    with deps.state.transaction() as state:
        incident = state.incidents.get(incident_id)
    found = analyse_signatures(deps, incident_id)
    if found.cause_kind in (CauseKind.FLIP, CauseKind.FORGED):
        return _none_that_helps(deps, incident_id, actor, found.likeliest_cause)
    if are_only_counted(deps, incident.trigger):
        return _none_that_helps(
            deps, incident_id, actor, f"whose secret it is, is {ONLY_COUNTED}; plan it by hand: rollout plan-rotation"
        )
    groups = deps.triage.failures_by_provider(incident.trigger, *incident_span(deps, incident))
    failing = [each.provider for each in by_provider(groups) if each.failures]
    names = deps.policy.secrets.names
    now = deps.wall_clock.now()
    of_incident = partial(recorded, actor=actor, subject=f"incident:{incident_id}", at=now, incident_id=incident_id)
    with deps.state.transaction() as state:
        plans: list[RotationPlan] = []
        refused: list[str] = []
        for provider in failing:
            if provider not in names:
                continue
            wanted = _plan(deps, provider, names[provider], incident_id, deps.policy.rotation.owner)
            try:
                plan = state.rotations.add(wanted)
            except SafetyRefusal as refusal:
                refused.append(str(refusal))
                continue
            plans.append(plan)
            state.audit.append(
                recorded(
                    RotationPlanned(
                        provider=plan.provider,
                        secret_name=plan.secret_name,
                        owner=plan.owner,
                        due_at=plan.due_at,
                        was_planned_before=plan.rotation_id != wanted.rotation_id,
                    ),
                    actor=actor,
                    subject=f"rotation:{plan.rotation_id}",
                    at=now,
                    incident_id=incident_id,
                )
            )
        if refused:
            state.audit.append(of_incident(RotationRefused(stage="refused", why=tuple(refused))))
        elif not plans:
            state.audit.append(of_incident(NoRotationNeeded(planned=0, failing_without_a_secret=tuple(failing))))
    return PlannedRotations(tuple(plans), tuple(refused))


def _none_that_helps(deps: Dependencies, incident_id: str, actor: str, why: str) -> PlannedRotations:
    refused = (f"no rotation: {why}",)
    with deps.state.transaction() as state:
        fact, at = RotationRefused(stage="refused", why=refused), deps.wall_clock.now()
        state.audit.append(recorded(fact, actor=actor, subject=f"incident:{incident_id}", at=at, incident_id=incident_id))
    return PlannedRotations((), refused)


def plan_one_rotation(deps: Dependencies, provider: str, incident_id: str | None, owner: str, actor: str) -> RotationPlan:
    """Plan a rotation of one provider's secret by hand.

    Raises:
        BadInputError: provider without a secret in the policy, no such incident, or no owner or actor.
        SafetyRefusal: a rotation of this secret is pending, or a done one still overlaps.
    """
    names = deps.policy.secrets.names
    if provider not in names:
        raise BadInputError(f"provider: {provider[:60]!r} is unknown; allowed: {', '.join(sorted(names))}")
    for what, given in (("owner", owner), ("name of the person planning it", actor)):
        if not given.strip():
            raise BadInputError(f"rotation: the {what} is empty; allowed: a name")
    incident = checked_uuid(incident_id, "incident") if incident_id else None
    wanted = _plan(deps, provider, names[provider], incident, owner)
    with deps.state.transaction() as state:
        if incident is not None:
            state.incidents.get(incident)
        plan = state.rotations.add(wanted)
        if plan.rotation_id != wanted.rotation_id:
            raise SafetyRefusal(
                f"rotation of {plan.secret_name}: {plan.rotation_id} by {plan.owner} is pending, planned at "
                f"{iso(plan.planned_at)}; allowed: another rotation once it is done and its overlap is over"
            )
        fact = RotationPlannedByHand(provider=provider, secret_name=plan.secret_name, owner=owner, due_at=plan.due_at)
        subject = f"rotation:{plan.rotation_id}"
        state.audit.append(recorded(fact, actor=actor, subject=subject, at=plan.planned_at, incident_id=incident))
    return plan


def _plan(deps: Dependencies, provider: str, secret_name: str, incident_id: str | None, owner: str) -> RotationPlan:
    rotation, characters = deps.policy.rotation, deps.policy.secrets.minimum_characters
    flags = sorted({deps.policy.trigger(each).flag for each in triggers_meaning(deps.policy, WebhookSignature)})
    then = f"; then ask for {' and '.join(flags)} to be restored" if flags else ""
    now = deps.wall_clock.now()
    return RotationPlan(
        rotation_id=new_id(),
        provider=provider,
        secret_name=secret_name,
        incident_id=incident_id,
        owner=owner,
        steps=(
            f"Agree with {provider} on the time of the change and on a contact on both sides.",
            f"Make a new random secret of at least {characters} characters, in the secret store only.",
            f"Let {provider} accept the old and the new secret side by side for {rotation.overlap_hours} hours.",
            f"Set {secret_name} to the new secret for every replica and restart each of them.",
            "Validate in the test environment: a correctly signed webhook is accepted, a wrongly signed one is refused.",
            f"Record the rotation as done{then}.",
            f"Have {provider} withdraw the old secret {rotation.overlap_hours} hours later; no other rotation until then.",
        ),
        planned_at=now,
        due_at=now + timedelta(hours=rotation.due_within_hours),
        overlap_hours=rotation.overlap_hours,
    )


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
