"""decide: look the case up in the policy's matrix and choose the next step of the health check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.facts.incidents import Decided
from ledger_guard.domain.incident_lifecycle import Change
from ledger_guard.domain.incidents import Incident
from ledger_guard.domain.runs import GUARD_ITSELF
from ledger_guard.ports import Dependencies
from ledger_guard.signals.withheld import is_withheld, no_longer_speaks_against
from ledger_guard.use_cases.approvals.granted_runs import grant_run
from ledger_guard.use_cases.health_check.classify_outcome import ClassifyOutcome

Branch = Literal["nothing", "notify", "remediate"]


@dataclass(frozen=True)
class Decision:
    """The next step and its input."""

    branch: Branch
    #: actions of the matrix row; empty unless the incident opened or escalated
    actions: tuple[str, ...] = ()
    incident_id: str | None = None
    #: id of the granted remediation run, one per incident, severity and scope; None without a remediation
    remediation_run_id: str | None = None


def decide(deps: Dependencies, outcome: ClassifyOutcome) -> Decision:
    """The branch for what classify found.

    Opened or escalated: `remediate` when the row names an action besides notify, else `notify`. Resolved: `notify` if the
    incident was reported. Blind: `notify` once, after the policy's time of unreadable windows in a row. Continuing: `remediate`
    again when a repair that triage advised against would be proposed now. Else `nothing`.

    Raises:
        BadInputError: the outcome's incident does not exist, or is missing where it is needed. Nothing was decided;
        classify again.
    """
    decision = _decision(deps, outcome)
    if decision.branch != "nothing":
        subject = f"incident:{decision.incident_id}" if decision.incident_id else f"trigger:{outcome.trigger.value}"
        fact = Decided(**vars(decision), change=outcome.change.value, policy_hash=deps.policy.content_hash)
        at = deps.wall_clock.now()
        with deps.state.transaction() as state:
            event = recorded(fact, actor="ledger_guard", subject=subject, at=at, incident_id=decision.incident_id)
            state.audit.append(event)
    return decision


def _decision(deps: Dependencies, outcome: ClassifyOutcome) -> Decision:
    if outcome.change in (Change.OPENED, Change.ESCALATED):
        return _answer(deps, _incident(deps, outcome))
    if outcome.change is Change.RESOLVED:
        incident = _incident(deps, outcome)
        return Decision("notify" if incident.thread_ts else "nothing", incident_id=incident.incident_id)
    if outcome.has_just_gone_blind(deps.policy.blind_windows):
        return Decision("notify", incident_id=outcome.incident_id)
    if outcome.change is Change.CONTINUED and outcome.judged_windows:
        return _again(deps, _incident(deps, outcome))
    return Decision("nothing", incident_id=outcome.incident_id)


def _answer(deps: Dependencies, incident: Incident, again: int = 0) -> Decision:
    """The matrix row for the incident's current state: it may be worse than when classify ran.

    Each stage gets one remediation, plus one for each number `again`.
    """
    row = deps.policy.row_for(incident.trigger, incident.severity, incident.scope)
    if set(row.actions) <= {"notify"}:
        return Decision("notify", row.actions, incident.incident_id)
    with deps.state.transaction() as state:
        grant = grant_run(
            deps,
            state,
            "ledger_remediation",
            f"remediation {incident.stage_key()}" + (f" again for the {again} that were held back" if again else ""),
            {"incident_id": incident.incident_id},
            requested_by=GUARD_ITSELF,
            incident_id=incident.incident_id,
        )
    return Decision("remediate", row.actions, incident.incident_id, grant.run_id)


def _again(deps: Dependencies, incident: Incident) -> Decision:
    """Remediate again when a repair was withheld and triage no longer advises against it.

    A real incident can begin behind a forged one, after the stage's remediation.
    """
    with deps.state.transaction() as state:
        actions = state.actions.of_incident(incident.incident_id)
    if not no_longer_speaks_against(deps, incident, actions):
        return Decision("nothing", incident_id=incident.incident_id)
    return _answer(deps, incident, sum(is_withheld(action) for action in actions))


def _incident(deps: Dependencies, outcome: ClassifyOutcome) -> Incident:
    if outcome.incident_id is None:
        raise BadInputError(f"classify outcome: {outcome.change.value} without an incident; allowed: what classify returned")
    with deps.state.transaction() as state:
        return state.incidents.get(outcome.incident_id)
