"""plan_secret_rotation: put on record how and by when a failing provider's webhook secret is to be replaced."""

from __future__ import annotations

from datetime import timedelta

from ledger_guard.domain.audit import AuditEvent
from ledger_guard.domain.flags import RotationPlan
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.signals import Trigger
from ledger_guard.ports import Guard
from ledger_guard.use_cases.check_secrets import incident_span
from ledger_guard.use_cases.signature_causes import by_provider


def plan_secret_rotation(guard: Guard, incident_id: str, actor: str) -> list[RotationPlan]:
    """One plan for each provider that fails in the incident's windows and has a secret, most failures first.

    A rotation of the same secret that is planned and not done is returned instead of a second one, so repeating this
    changes nothing. Providers without a secret of their own get none: there is nothing to rotate.

    Raises:
        SourceUnavailable: the failures could not be read. Nothing was planned; try again.
        BadInputError: there is no such incident.
    """
    with guard.state.transaction() as state:
        incident = state.incidents.get(incident_id)
    failing = [p.provider for p in by_provider(guard.triage.failures_by_provider(*incident_span(guard, incident))) if p.failures]
    names = guard.policy.secrets.names
    now = guard.wall_clock.now()
    with guard.state.transaction() as state:
        plans = []
        for provider in failing:
            if provider not in names:
                continue
            wanted = _plan(guard, provider, names[provider], incident_id)
            plan = state.rotations.add(wanted)
            plans.append(plan)
            state.audit.append(
                AuditEvent(
                    verb="plan_secret_rotation",
                    actor=actor,
                    subject=f"rotation:{plan.rotation_id}",
                    detail={
                        "provider": plan.provider,
                        "secret_name": plan.secret_name,
                        "owner": plan.owner,
                        "due_at": plan.due_at.isoformat(),
                        "was_planned_before": plan.rotation_id != wanted.rotation_id,
                    },
                    at=now,
                    incident_id=incident_id,
                )
            )
        if not plans:
            state.audit.append(
                AuditEvent(
                    verb="plan_secret_rotation",
                    actor=actor,
                    subject=f"incident:{incident_id}",
                    detail={"planned": 0, "failing_without_a_secret": failing},
                    at=now,
                    incident_id=incident_id,
                )
            )
    return plans


def _plan(guard: Guard, provider: str, secret_name: str, incident_id: str) -> RotationPlan:
    rotation, characters = guard.policy.rotation, guard.policy.secrets.minimum_characters
    flag = guard.policy.triggers[Trigger.WEBHOOK_SIGNATURE].flag
    now = guard.wall_clock.now()
    return RotationPlan(
        rotation_id=new_id(),
        provider=provider,
        secret_name=secret_name,
        incident_id=incident_id,
        owner=rotation.owner,
        steps=(
            f"Agree with {provider} on the hour of the change and on a contact on both sides.",
            f"Make a new random secret of at least {characters} characters, in the secret store only.",
            f"Let {provider} accept the old and the new secret side by side for {rotation.overlap_hours} hours.",
            f"Set {secret_name} to the new secret for every replica and restart each of them.",
            "Validate in the test environment: a rightly signed webhook is accepted, a wrongly signed one is refused.",
            f"Have {provider} withdraw the old secret when the {rotation.overlap_hours} hours are over.",
            f"Record the rotation as done; then ask for {flag} to be restored.",
        ),
        planned_at=now,
        due_at=now + timedelta(hours=rotation.due_within_hours),
    )
