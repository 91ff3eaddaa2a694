"""request_review: record that people must review what no action of the guard can settle."""

from __future__ import annotations

from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.facts.incidents import ReviewRequested
from ledger_guard.ports import Dependencies
from ledger_guard.signals.registry import topics_of


def request_review(deps: Dependencies, incident_id: str, actor: str) -> str:
    """Record the request and return it as one sentence for people: what to review, and who owns it.

    Raises BadInputError when there is no such incident.
    """
    with deps.state.transaction() as state:
        incident = state.incidents.get(incident_id)
        row = deps.policy.row_for(incident.trigger, incident.severity, incident.scope)
        topics = topics_of(deps.policy, incident.trigger)
        state.audit.append(
            recorded(
                ReviewRequested(topics=tuple(label for label, _ in topics), owner=row.owner, runbook_says=row.runbook_says),
                actor=actor,
                subject=f"incident:{incident_id}",
                at=deps.wall_clock.now(),
                incident_id=incident_id,
            )
        )
    return f"Review requested of {row.owner}. " + " ".join(f"{label}: {question}" for label, question in topics)
