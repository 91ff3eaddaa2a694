"""request_review: put on record that people have to look into what no action of the guard can settle."""

from __future__ import annotations

from ledger_guard.domain.audit import AuditEvent
from ledger_guard.domain.signals import Trigger
from ledger_guard.ports import Guard

#: what the runbook wants reviewed, by trigger: subject and question
_TOPICS: dict[Trigger, tuple[tuple[str, str], ...]] = {
    Trigger.INSUFFICIENT_FUNDS: (
        ("Business rules", "which withdrawals does enforcement refuse that the player row would pay, and is that what is meant?"),
    ),
    Trigger.WEBHOOK_SIGNATURE: (
        ("Signature integration", "does each provider sign with the secret and the headers that the platform checks?"),
    ),
    Trigger.BALANCE_MISMATCH: (
        ("Backfill strategy", "which writer moves only one of the two balances, and would the next backfill hold?"),
        ("Operations and engineering inquiry", "what is the root cause? The flag stays frozen until it is written down."),
    ),
}


def review_topics(trigger: Trigger) -> tuple[tuple[str, str], ...]:
    """What has to be reviewed after an incident of this trigger, as label and question pairs for a notice."""
    return _TOPICS[trigger]


def request_review(guard: Guard, incident_id: str, actor: str) -> str:
    """Record the request and return it as one sentence for people: what to review, and who owns it.

    Raises BadInputError when there is no such incident.
    """
    with guard.state.transaction() as state:
        incident = state.incidents.get(incident_id)
        row = guard.policy.row_for(incident.trigger, incident.severity, incident.scope)
        topics = review_topics(incident.trigger)
        state.audit.append(
            AuditEvent(
                verb="request_review",
                actor=actor,
                subject=f"incident:{incident_id}",
                detail={"topics": [label for label, _ in topics], "owner": row.owner, "runbook_says": row.runbook_says},
                at=guard.wall_clock.now(),
                incident_id=incident_id,
            )
        )
    return f"Review requested of {row.owner}. " + " ".join(f"{label}: {question}" for label, question in topics)
