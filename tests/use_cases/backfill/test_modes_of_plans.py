"""Plans of an incident under the mode of its matrix row: what writes by itself, what asks, and what an undo changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from backfill_worlds import ACTOR, NOW, TENANT, World, approve
from tests.triggers import T1

from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.findings import RowAction, RowCause
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.incidents import Incident, IncidentStatus
from ledger_guard.domain.modes import Mode
from ledger_guard.domain.plans import BackfillMode, ForceOutcome, Plan, PlanRow, PlanStatus, write_totals
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.policy.guardrails import exceeded_guardrails
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.approvals.autonomy import reasons_to_ask
from ledger_guard.use_cases.approvals.change_mode import lower_mode, raise_mode
from ledger_guard.use_cases.approvals.modes import modes_now
from ledger_guard.use_cases.backfill.dry_run import dry_run
from ledger_guard.use_cases.backfill.force import force, undo
from ledger_guard.use_cases.backfill.review import review, review_in_shadow
from ledger_guard.use_cases.backfill.verify import verify
from ledger_guard.use_cases.remediation.close_incident import close_incident
from ledger_guard.use_cases.reports.mode_report import Plans, RowReport, mode_report
from ledger_guard.use_cases.reports.report import incident_report

ROW, WHY = "T1 severe isolated", "two repairs were wrong"
ROWS = 3


def incident(world: World, severity: Severity = Severity.SEVERE, scope: Scope = Scope.ISOLATED) -> str:
    found = Incident(new_id(), T1, IncidentStatus.MITIGATING, severity, scope, (TENANT,), NOW, NOW, NOW)
    with world.deps.state.transaction() as state:
        state.incidents.add(found)
    return found.incident_id


def planned(world: World, incident_id: str | None, prefix: str = "p") -> Plan:
    for number in range(ROWS):
        world.stale(f"{prefix}{number}", 20.0, 10.0)
    return dry_run(world.deps, TENANT, BackfillMode.FORCE, ACTOR, incident_id)


def mode(world: World, row: str = ROW) -> Mode:
    with world.deps.state.snapshot() as state:
        return next(each.mode for each in modes_now(world.deps, state) if each.row == row)


def reported(world: World, row: str = ROW) -> RowReport:
    return next(each for each in mode_report(world.deps) if each.row == row)


def lowered(world: World, to: Mode = Mode.PROPOSE) -> None:
    lower_mode(world.deps, ROW, to, WHY, "anna", is_proved=False)


@pytest.mark.parametrize("cause", RowCause)
def test_as_shipped_only_rows_whose_cause_is_proved_are_written_without_a_human(cause):
    """So `act` on a row of the matrix lets nothing else go by itself."""
    row = PlanRow("p", "USD", cause, 1_000, 0, 900, 0, 1_000, 0)
    totals = write_totals([row])
    for policy in (load_policy(), load_policy("include/policies/reference_platform.yaml")):
        asks = bool(exceeded_guardrails(policy.guardrails, totals, 100))
        assert (totals.rows, asks) == {
            RowAction.WRITE: (1, False),
            RowAction.WRITE_APPROVED: (1, True),
            RowAction.HUMAN: (0, False),
        }[cause.action]


def test_a_plan_of_a_row_that_acts_is_written_without_a_human(world):
    plan = planned(world, incident(world))
    assert review(world.deps, plan.plan_id).why == ("within the guardrails",)
    assert force(world.deps, plan.plan_id, ACTOR) == ForceOutcome(ROWS, 0, 0)
    assert reported(world).acted == Plans(1, ROWS, ROWS * 1_000)


@pytest.mark.parametrize("to", [Mode.PROPOSE, Mode.SHADOW])
def test_below_act_a_human_decides_and_the_reason_is_told(world, to):
    plan = planned(world, incident(world))
    lowered(world, to)
    said = f"mode of {ROW}: {to.value} since 2026-03-01T12:00:00Z (policy: act): lowered by anna (stated, not proved), who wrote"
    (why,) = review(world.deps, plan.plan_id).why
    assert why == f'{said} "{WHY}"'
    with pytest.raises(SafetyRefusal, match=r"force needs an approval \(mode of T1 severe isolated"):
        force(world.deps, plan.plan_id, ACTOR)
    assert world.stored(plan.plan_id).status is PlanStatus.PLANNED
    approve(world.deps.state, ApprovalKind.BACKFILL_FORCE, plan)
    assert force(world.deps, plan.plan_id, ACTOR) == ForceOutcome(ROWS, 0, 0)


def test_the_incidents_report_says_once_that_the_mode_held_the_plan(world):
    incident_id = incident(world)
    assert "Held by the mode" not in incident_report(world.deps, incident_id)
    plan = planned(world, incident_id)
    lowered(world)
    for _ in range(2):
        review(world.deps, plan.plan_id)
    said = f"- 2026-03-01T12:00:00Z {ROW} is in propose: plan {plan.plan_id} ({ROWS} rows) waits for a human"
    assert incident_report(world.deps, incident_id).count(said) == 1


def test_a_row_that_proposes_by_the_policy_asks(world):
    plan = planned(world, incident(world, Severity.MILD))
    assert review(world.deps, plan.plan_id).why == ("mode of T1 mild: propose: the policy's mode",)


def test_a_plan_without_an_incident_is_bounded_as_before(world):
    lowered(world)
    plan = planned(world, None)
    assert not review(world.deps, plan.plan_id).needs_approval
    assert force(world.deps, plan.plan_id, ACTOR) == ForceOutcome(ROWS, 0, 0)
    assert reported(world).acted == Plans()


def test_a_plan_is_judged_by_the_row_that_its_incident_has_now(world):
    incident_id = incident(world)
    plan = planned(world, incident_id)
    lower_mode(world.deps, "T1 severe widespread", Mode.PROPOSE, WHY, "anna", is_proved=False)
    assert not review(world.deps, plan.plan_id).needs_approval
    with world.deps.state.transaction() as state:
        state.incidents.save(replace(state.incidents.get(incident_id), scope=Scope.WIDESPREAD))
    assert review(world.deps, plan.plan_id).needs_approval
    with pytest.raises(SafetyRefusal, match="mode of T1 severe widespread"):
        force(world.deps, plan.plan_id, ACTOR)


def test_a_mode_that_is_lowered_at_the_last_moment_holds_the_plan(world):
    """Asked again in the transaction that begins the write."""
    plan = planned(world, incident(world))
    review(world.deps, plan.plan_id)

    def admit(state) -> None:
        over = reasons_to_ask(world.deps, state, plan, state.plans.content(plan.plan_id).totals)
        if over:
            raise SafetyRefusal(over[0])

    lowered(world)
    with pytest.raises(SafetyRefusal, match="mode of T1"):
        world.deps.backfill.force(plan.plan_id, ACTOR, 2, admit=admit)
    assert {world.platform.wallet(TENANT, f"p{number}")[0] for number in range(ROWS)} == {10.0}


def test_an_incident_whose_row_the_policy_no_longer_has_asks(world):
    plan = planned(world, incident(world))
    kept = tuple(row for row in world.deps.policy.matrix if row.trigger != "T1")
    world = world.with_policy(world.deps.policy.model_copy(update={"matrix": kept}))
    edited, why = review(world.deps, plan.plan_id).why
    assert edited.startswith("the policy's matrix changed since the dry-run")
    assert why.startswith("mode: matrix: no row for (T1, severe, isolated)")


def undone(world: World, plan: Plan) -> None:
    approve(world.deps.state, ApprovalKind.BACKFILL_UNDO, plan)
    undo(world.deps, plan.plan_id, ACTOR)


def test_an_undo_takes_the_row_back_to_propose_on_record_and_is_told_once(world):
    incident_id = incident(world)
    plan = planned(world, incident_id)
    review(world.deps, plan.plan_id)
    force(world.deps, plan.plan_id, ACTOR)
    undone(world, plan)
    assert (mode(world), mode(world, "T1 severe widespread")) == (Mode.PROPOSE, Mode.ACT)
    (fact,) = world.audited("lower_mode")
    assert (fact["row"], fact["reason"], fact["is_by_guard"]) == (ROW, f"plan {plan.plan_id} of tenant {TENANT} was undone", True)
    told = [each.notice for each in world.deps.notifier.posted if each.notice.title.startswith("lower_mode")]
    assert [each.incident_id for each in told] == [incident_id]
    again = planned(world, incident_id, "q")
    assert f"plan {plan.plan_id} of tenant {TENANT} was undone" in str(review(world.deps, again.plan_id).why)
    found = reported(world)
    assert (found.acted.plans, found.contradicted.plans, found.contradicted.undone) == (1, 1, 1)


def test_an_undo_takes_back_the_row_that_wrote_though_the_incident_has_another_one_since(world):
    incident_id = incident(world)
    plan = planned(world, incident_id)
    review(world.deps, plan.plan_id)
    force(world.deps, plan.plan_id, ACTOR)
    with world.deps.state.transaction() as state:
        state.incidents.save(replace(state.incidents.get(incident_id), scope=Scope.WIDESPREAD))
    undone(world, plan)
    assert (mode(world), mode(world, "T1 severe widespread")) == (Mode.PROPOSE, Mode.ACT)


def test_an_undo_that_is_refused_or_was_done_already_changes_no_mode(world):
    plan = planned(world, incident(world))
    force(world.deps, plan.plan_id, ACTOR)
    with pytest.raises(SafetyRefusal):
        undo(world.deps, plan.plan_id, ACTOR)
    assert mode(world) is Mode.ACT
    undone(world, plan)
    raise_mode(world.deps, ROW, Mode.ACT, "the cause was found and fixed", "payments-lead")
    undo(world.deps, plan.plan_id, ACTOR)
    assert mode(world) is Mode.ACT


def test_an_incident_found_false_takes_its_rows_back_and_contradicts_its_plans(world):
    incident_id = incident(world)
    force_plan = planned(world, incident_id)
    review(world.deps, force_plan.plan_id)
    force(world.deps, force_plan.plan_id, ACTOR)
    close_incident(world.deps, incident_id, "the log was read twice", "anna", is_false_alarm=True)
    assert mode(world) is Mode.PROPOSE
    found = reported(world)
    assert found.why == f"anna found incident {incident_id} to be a false alarm"
    assert (found.contradicted.plans, found.contradicted.found_false) == (1, 1)


def test_a_plan_that_only_its_mode_held_would_have_acted_and_one_beyond_the_guardrails_would_not(world):
    incident_id = incident(world)
    plan = planned(world, incident_id)
    lowered(world)
    for _ in range(2):
        review(world.deps, plan.plan_id)
    assert reported(world).would_have_acted == Plans(1, ROWS, ROWS * 1_000)
    world.stale("y", 9_000.0, 10.0)
    review(world.deps, dry_run(world.deps, TENANT, BackfillMode.FORCE, ACTOR, incident_id).plan_id)
    assert reported(world).would_have_acted.plans == 1


def test_written_wallets_that_are_wrong_again_contradict_the_plan(world):
    plan = planned(world, incident(world))
    review(world.deps, plan.plan_id)
    force(world.deps, plan.plan_id, ACTOR)
    verify(world.deps, TENANT, plan.plan_id)
    assert reported(world).contradicted.plans == 0
    world.platform.set_wallet(TENANT, "p0", 10.0)
    world.clock.advance(timedelta(hours=1))
    verify(world.deps, TENANT, plan.plan_id)
    found = reported(world).contradicted
    assert (found.plans, found.drifted_back, found.undone) == (1, 1, 0)


def test_a_dry_run_in_shadow_counts_as_what_would_have_been_done(world):
    plan = planned(world, incident(world))
    review_in_shadow(world.deps, plan.plan_id)
    assert world.audited("review") == []
    lowered(world, Mode.SHADOW)
    review_in_shadow(world.deps, plan.plan_id)
    assert reported(world).would_have_acted == Plans(1, ROWS, ROWS * 1_000)


def test_a_dry_run_in_shadow_of_a_row_that_names_no_backfill_counts_as_nothing(world):
    plan = planned(world, incident(world, Severity.MILD))
    lower_mode(world.deps, "T1 mild", Mode.SHADOW, WHY, "anna", is_proved=False)
    review_in_shadow(world.deps, plan.plan_id)
    assert world.audited("review") == []
