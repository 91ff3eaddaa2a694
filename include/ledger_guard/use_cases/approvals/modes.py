"""Modes in force: of every matrix row, of an incident, and what they mean for a plan."""

from __future__ import annotations

from ledger_guard.domain.attestations import is_marked
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.facts.backfill import PlanReviewed
from ledger_guard.domain.facts.codec import recorded, told
from ledger_guard.domain.facts.incidents import CaseTaken
from ledger_guard.domain.facts.modes import ModesSeen
from ledger_guard.domain.incidents import Incident
from ledger_guard.domain.modes import Mode
from ledger_guard.domain.modes_on_record import SUBJECT, RowMode, mode_of_row, modes_last_seen, row_modes
from ledger_guard.domain.plans import Plan, WriteTotals
from ledger_guard.domain.runs import GUARD_ITSELF
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork


def modes_now(deps: Dependencies, state: UnitOfWork) -> tuple[RowMode, ...]:
    """The mode in force of each row, in the policy's order."""
    return row_modes(state.audit, deps.policy.modes)


def mode_of(deps: Dependencies, state: UnitOfWork, incident: Incident) -> RowMode:
    """The mode of the row that decides the incident as it is now.

    Raises BadInputError when the policy has no such row.
    """
    row = deps.policy.row_for(incident.trigger, incident.severity, incident.scope)
    return mode_of_row(state.audit, deps.policy.modes, row.name)


def mode_of_plan(deps: Dependencies, state: UnitOfWork, plan: Plan) -> RowMode | None:
    """The mode of the row of the plan's incident; None for a plan without an incident. Raises as `mode_of`."""
    if plan.incident_id is None:
        return None
    return mode_of(deps, state, state.incidents.get(plan.incident_id))


def below_act(deps: Dependencies, state: UnitOfWork, plan: Plan, _totals: WriteTotals) -> tuple[str, ...]:
    """Why the mode of its incident's row lets a human decide the plan; empty when it does not, and without an incident."""
    try:
        found = mode_of_plan(deps, state, plan)
    except BadInputError as error:
        return (f"mode: {error}",)
    return (f"mode of {found.sentence}",) if found is not None and found.mode.is_below(Mode.ACT) else ()


def row_of_plan(deps: Dependencies, state: UnitOfWork, plan: Plan) -> str | None:
    """The row that the plan was reviewed under, which its incident may have left since; without one, the incident's row now."""
    keys = state.audit.keys
    for entry in reversed(state.audit.about(f"plan:{plan.plan_id}", ("review",))):
        reviewed = told(entry.event, PlanReviewed)
        if reviewed and reviewed.row and (keys.newest is None or is_marked(entry, keys)):
            return reviewed.row
    try:
        found = mode_of_plan(deps, state, plan)
    except BadInputError:
        return None
    return found.row if found is not None else None


def rows_of_incident(deps: Dependencies, state: UnitOfWork, incident: Incident) -> frozenset[str]:
    """The rows that have decided the incident: the one of now, and those that remediations took it up under."""
    taken = [told(entry.event, CaseTaken) for entry in state.audit.about(f"incident:{incident.incident_id}", ("decide",))]
    cases = {(Severity(each.severity), Scope(each.scope)) for each in taken if each and each.severity and each.scope}
    cases.add((incident.severity, incident.scope))
    policy = deps.policy
    return frozenset(row.name for row in policy.matrix for case in cases if row.answers(incident.trigger, *case))


def see_modes(deps: Dependencies) -> bool:
    """Record the policy's modes when they are new or changed, so that an edit raises none; whether this was so.

    Raises SourceUnavailable when guard state does not answer.
    """
    with deps.state.transaction() as state:
        if modes_last_seen(state.audit) == deps.policy.modes:
            return False
        fact = ModesSeen(modes=deps.policy.modes, policy_hash=deps.policy.content_hash)
        state.audit.append(recorded(fact, actor=GUARD_ITSELF, subject=SUBJECT, at=deps.wall_clock.now()))
    return True
