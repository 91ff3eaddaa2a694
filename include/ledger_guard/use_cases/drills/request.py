"""request_drill: a person asks for a drill; begin_drill: its run starts to play it."""

from __future__ import annotations

from datetime import timedelta

from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.drills import DAG_ID, Drill, DrillOutcome, drill_of, drills, subject_of
from ledger_guard.domain.errors import BadInputError, LedgerGuardError, SafetyRefusal
from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.facts.drills import DrillBegun, DrillRequested
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.identities import others_than
from ledger_guard.domain.runs import GUARD_ITSELF
from ledger_guard.domain.windows import iso
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.use_cases.approvals.granted_runs import RunOnRecord
from ledger_guard.use_cases.drills.end import end_drill

#: beside the time for an answer: for the run to begin and to play
PATIENCE = timedelta(minutes=30)


def request_drill(deps: Dependencies, trigger: object, by: str, *, is_proved: bool) -> Drill:
    """Record that a person wants a drill of this trigger; the next health check starts it, unless `begin_drill` does.

    Raises:
        BadInputError: an unknown trigger, no name, or the policy names no canary tenant.
        SafetyRefusal: a drill of the trigger has not ended, the canary tenant exists, or no one but this person may answer: who
            starts the run by hand asks, and can't answer; else the guard itself asks, as in an incident.
        SourceUnavailable: the platform doesn't say whether the canary tenant exists, or guard state doesn't answer.
    """
    known, who = deps.policy.checked_trigger(trigger), by.strip()
    if not who:
        raise BadInputError("drill: the name of the person is empty; allowed: a name")
    canary = _canary(deps)
    approval = deps.policy.approval_of(ApprovalKind.DRILL)
    if approval is None or (is_proved and not others_than(deps.policy.approvers_of(ApprovalKind.DRILL).everyone, who)):
        raise SafetyRefusal(f"drill: {who} is the only one who may answer; needed: someone else asks for it")
    now, drill_id = deps.wall_clock.now(), new_id()
    request = DrillRequested(
        trigger=known.value,
        canary_id=canary,
        is_proved=is_proved,
        ends_by=now + timedelta(minutes=approval.valid_minutes) + PATIENCE,
    )
    with deps.state.transaction() as state:
        # of two people at once, one finds the other's
        state.audit.take_turn()
        _refuse_a_second(state, known.value)
        state.audit.append(recorded(request, actor=who, subject=subject_of(drill_id), at=now))
        return drill_of(state.audit, drill_id)


def begin_drill(run: RunOnRecord, trigger: str) -> Drill:
    """The drill that this run plays: the one it was granted for, or a new one in the name of who started the run by hand.

    A first task that runs again gets the same drill.

    Raises, beside what `request_drill` does:
        SafetyRefusal: the granted drill has ended meanwhile; ask for another.
    """
    deps = run.deps
    noted = run.note_if_any("drill")
    if noted is not None:
        return _going_on(deps, noted["subject_id"])
    drill = _granted(run) if run.run.is_started_by_run else request_drill(deps, trigger, run.person, is_proved=True)
    try:
        _canary(deps)
    except LedgerGuardError as error:
        end_drill(deps, drill.drill_id, DrillOutcome.FAILED, f"it could not begin: {error}")
        raise
    with deps.state.transaction() as state:
        fact = DrillBegun(run_id=run.run.run_id)
        state.audit.append(recorded(fact, actor=GUARD_ITSELF, subject=subject_of(drill.drill_id), at=deps.wall_clock.now()))
    run.leave("drill", {"subject_id": drill.drill_id})
    return drill


def purpose_of(drill: Drill) -> str:
    """What the run of a drill is granted for."""
    return f"drill {drill.trigger} for {drill.drill_id}"


def _granted(run: RunOnRecord) -> Drill:
    with run.deps.state.transaction() as state:
        grant = state.runs.granted(DAG_ID, run.run.run_id)
        found = [each for each in drills(state.audit) if grant is not None and purpose_of(each) == grant.purpose]
    if not found:
        raise SafetyRefusal(f"run {run.run.run_id}: was granted for no drill on record; needed: a new `drill start`")
    return _going_on(run.deps, found[0].drill_id)


def _going_on(deps: Dependencies, drill_id: str) -> Drill:
    with deps.state.transaction() as state:
        drill = drill_of(state.audit, drill_id)
    if drill.ended is not None:
        raise SafetyRefusal(f"drill {drill_id}: has ended: {drill.ended.sentence}; needed: a new one")
    return drill


def _canary(deps: Dependencies) -> str:
    canary = deps.policy.drill.tenant_id
    if canary is None:
        raise BadInputError("drill: the policy names no canary tenant; allowed: a policy with drill.tenant_id")
    if deps.ledger.tenant_exists(canary):
        raise SafetyRefusal(
            f"drill: tenant {canary} exists on the platform; needed: in drill.tenant_id of the policy a tenant that does not"
        )
    return canary


def _refuse_a_second(state: UnitOfWork, trigger: str) -> None:
    for each in drills(state.audit):
        if each.trigger == trigger and each.ended is None:
            asked = f"was asked for at {iso(each.requested_at)} by {each.by} and has not ended"
            raise SafetyRefusal(f"drill: one of {trigger} {asked}; needed: its end, at {iso(each.request.ends_by)} at the latest")
