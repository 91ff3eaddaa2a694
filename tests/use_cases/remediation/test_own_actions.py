"""A run ends the action that was started for it and no other, whoever starts what by hand for the same incident and tenant."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from tests.triggers import T1

from ledger_guard.adapters.memory.dependencies import memory_world
from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.incident_lifecycle import Change, LifecycleRules, next_step
from ledger_guard.domain.incidents import Action, ActionStatus, Incident, IncidentStatus
from ledger_guard.domain.ledger_rows import LedgerRow
from ledger_guard.domain.runs import StartedRun
from ledger_guard.domain.verdicts import Scope, Severity, Verdict
from ledger_guard.domain.windows import Window
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.approvals.granted_runs import RunOnRecord
from ledger_guard.use_cases.backfill import backfill_ending
from ledger_guard.use_cases.backfill.backfill_run import force_run, plan_run, undo_run, verify_run
from ledger_guard.use_cases.flags import flag_run
from ledger_guard.use_cases.health_check.classify_windows import quarantined_tenants
from ledger_guard.use_cases.remediation.recovery import Recovery, recovery
from ledger_guard.use_cases.remediation.remediate import Case, child_runs, open_case, settle_runs, unfinished_runs

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=timezone.utc)
INCIDENT = "7d5b1c9e-6a80-4e5d-8f0c-2f4f6d1f9a11"
FLAG = "ledger_enforce_balance"
FIVE_MINUTES = timedelta(minutes=5)
#: what mallory's form holds
BY_HAND = {"tenant_id": "acme", "operation": "backfill", "mode": "force", "incident_id": INCIDENT, "reason": ""}


@pytest.fixture
def world():
    """A tenant of twenty players of whom one has a wallet without a hand of poker; it may be repaired again and again."""
    shipped = load_policy()
    autonomy = shipped.autonomy.model_copy(update={"repaired_again_days": 0, "cool_down_minutes": 0})
    world = memory_world(shipped.model_copy(update={"autonomy": autonomy}), NOW)
    for number in range(20):
        world.ledger.add_player("acme", f"p{number:02}", 100.0)
        world.ledger.set_wallet("acme", f"p{number:02}", 40.0 if number == 0 else 100.0)
    world.ledger.add_movement("acme", "p00", LedgerRow("poker_win", "credit", 60.0, NOW, status="success"))
    for flag in world.deps.policy.flags:
        world.flags.put(flag, "*", True)
    return world


@pytest.fixture
def case(world) -> Case:
    """A remediation of a severe, widespread incident."""
    incident = Incident(
        incident_id=INCIDENT,
        trigger=T1,
        status=IncidentStatus.OPEN,
        severity=Severity.SEVERE,
        scope=Scope.WIDESPREAD,
        tenants=("acme",),
        opened_at=NOW - timedelta(minutes=1),
        first_window_start=NOW - timedelta(minutes=10),
        last_alarm_window_start=NOW - timedelta(minutes=5),
    )
    with world.state.transaction() as state:
        state.incidents.add(incident)
    return open_case(world.deps, {"incident_id": INCIDENT}, "ledger_guard", "remediation__1")


def by_hand(world, dag_id="tenant_backfill", run_id="manual__1", who="mallory") -> RunOnRecord:
    return RunOnRecord(world.deps, StartedRun(dag_id, run_id, who, is_started_by_run=False, conf={}))


def granted(world, run, dag_id="tenant_backfill") -> RunOnRecord:
    return RunOnRecord(world.deps, StartedRun(dag_id, run["trigger_run_id"], None, is_started_by_run=True, conf=run["conf"]))


def backfilled(run: RunOnRecord, params) -> None:
    """Plan, force, verify and close, as the tasks of a run do."""
    plan = plan_run(run.deps, params, run.requester)
    write = {"backfill": lambda: force_run(run.deps, params, plan, run.requester, None), "dry_run": lambda: None}
    write[params["operation"]]()
    verified = verify_run(run.deps, params, plan) if params["operation"] == "backfill" else None
    backfill_ending.close_run(run, params, plan, verified)


def actions(world) -> list[Action]:
    with world.state.transaction() as state:
        return state.actions.of_incident(INCIDENT)


def of_run(world, run_id: str) -> list[tuple[str, str, ActionStatus]]:
    return [(each.kind, each.target, each.status) for each in actions(world) if each.run_id == run_id]


def is_waited_for(world, run) -> bool:
    return [each.run_id for each in unfinished_runs(world.deps, INCIDENT)] == [run["trigger_run_id"]]


# --- what a run by hand does not end ------------------------------------------------------------------------------


def test_a_backfill_by_hand_for_the_same_incident_and_tenant_leaves_the_started_one_waiting(world, case):
    (run,) = child_runs(world.deps, case, "backfill")
    backfilled(by_hand(world), BY_HAND)
    assert is_waited_for(world, run)
    assert recovery(world.deps, case) is Recovery.WAITING
    assert of_run(world, "manual__1") == [("backfill", "acme", ActionStatus.DONE)]


def test_the_granted_run_ends_its_own_action_and_no_one_elses(world, case):
    (run,) = child_runs(world.deps, case, "backfill")
    world.clock.advance(FIVE_MINUTES)
    backfilled(by_hand(world), BY_HAND)
    by_mallory = actions(world)[-1]
    world.clock.advance(FIVE_MINUTES)
    backfilled(granted(world, run), run["conf"])
    assert of_run(world, run["trigger_run_id"]) == [("backfill", "acme", ActionStatus.DONE)]
    assert actions(world)[-1] == by_mallory
    assert unfinished_runs(world.deps, INCIDENT) == []


def test_a_rollback_by_hand_that_no_one_agreed_to_leaves_the_asked_one_waiting(world, case):
    (run,) = child_runs(world.deps, case, "roll_back")
    params = {"flag": FLAG, "tenant_id": "*", "incident_id": INCIDENT, "reason": ""}
    mine = by_hand(world, "flag_rollback")
    question = flag_run.review_roll_back_run(world.deps, params, "mallory")
    flag_run.close_run(mine, ApprovalKind.FLAG_ROLLBACK, params, question)
    assert is_waited_for(world, run)
    assert of_run(world, "manual__1") == [("roll_back", FLAG, ActionStatus.FAILED)]
    own = granted(world, run, "flag_rollback")
    flag_run.close_run(own, ApprovalKind.FLAG_ROLLBACK, run["conf"], question)
    assert unfinished_runs(world.deps, INCIDENT) == []


def test_a_run_by_hand_of_another_dag_under_the_run_id_of_a_granted_one_ends_nothing_of_it(world, case):
    (run,) = child_runs(world.deps, case, "backfill")
    params = {"flag": FLAG, "tenant_id": "*", "incident_id": INCIDENT, "reason": ""}
    mine = by_hand(world, "flag_rollback", run["trigger_run_id"])
    flag_run.close_run(mine, ApprovalKind.FLAG_ROLLBACK, params, flag_run.review_roll_back_run(world.deps, params, "mallory"))
    assert is_waited_for(world, run)


def test_an_undo_by_hand_is_no_backfill(world, case):
    (run,) = child_runs(world.deps, case, "backfill")
    backfilled(granted(world, run), run["conf"])
    with world.state.transaction() as state:
        plan = state.plans.latest("acme")
    params = {**BY_HAND, "operation": "undo", "plan_id": plan.plan_id}
    undo = plan_run(world.deps, params, "mallory")
    with pytest.raises(SafetyRefusal):
        undo_run(world.deps, params, undo, "mallory")
    backfill_ending.close_run(by_hand(world), params, undo, None)
    assert of_run(world, "manual__1") == [("undo", "acme", ActionStatus.FAILED)]
    recovery(world.deps, case)
    assert [each.kind for each in actions(world) if each.status is ActionStatus.DONE] == ["backfill"]


def test_an_undo_for_an_incident_that_is_not_there_is_refused_before_it_begins(world, case):
    backfilled(by_hand(world), BY_HAND)
    with world.state.transaction() as state:
        plan = state.plans.latest("acme")
    with pytest.raises(BadInputError, match="incident"):
        plan_run(world.deps, {**BY_HAND, "operation": "undo", "plan_id": plan.plan_id, "incident_id": new_id()}, "mallory")


def test_a_run_that_nothing_gave_leave_to_records_nothing(world, case):
    (run,) = child_runs(world.deps, case, "backfill")
    before = actions(world)
    forged = granted(world, {**run, "trigger_run_id": "backfill__mine"})
    with pytest.raises(SafetyRefusal, match="without a grant in guard state"):
        backfill_ending.close_run(forged, run["conf"], None, None)
    assert actions(world) == before


# --- what a run by hand records -----------------------------------------------------------------------------------


def test_a_run_by_hand_is_on_the_incident_with_who_started_it_when_it_began_and_how_it_ended(world, case):
    run = by_hand(world)
    plan = plan_run(world.deps, BY_HAND, "mallory")
    world.clock.advance(timedelta(minutes=40))
    backfill_ending.close_run(run, BY_HAND, plan, None)
    (own,) = actions(world)
    assert (own.started_at, own.finished_at) == (NOW, NOW + timedelta(minutes=40))
    assert own.detail == {"started_by": "mallory"}
    assert own.outcome == "by hand: ended before it wrote; see the run's log"


def test_its_last_task_run_again_records_one_action_with_the_newest_end(world, case):
    run, plan = by_hand(world), plan_run(world.deps, BY_HAND, "mallory")
    backfill_ending.close_run(run, BY_HAND, plan, None)
    force_run(world.deps, BY_HAND, plan, "mallory", None)
    backfill_ending.close_run(run, BY_HAND, plan, verify_run(world.deps, BY_HAND, plan))
    assert of_run(world, "manual__1") == [("backfill", "acme", ActionStatus.DONE)]


def test_a_run_by_hand_whose_first_task_was_refused_leaves_the_incident_alone(world, case):
    backfill_ending.close_run(by_hand(world), BY_HAND, None, None)
    assert actions(world) == []


def test_two_backfills_by_hand_of_one_tenant_in_one_incident_are_two_actions(world, case):
    backfilled(by_hand(world, run_id="manual__1"), BY_HAND)
    backfilled(by_hand(world, run_id="manual__2"), {**BY_HAND, "operation": "dry_run"})
    backfilled(by_hand(world, run_id="manual__3"), BY_HAND)
    assert [each.run_id for each in actions(world)] == ["manual__1", "manual__2", "manual__3"]


def test_a_second_remediation_of_the_incident_starts_its_own_backfill_of_the_tenant_once_the_first_ended(world, case):
    (first,) = child_runs(world.deps, case, "backfill")
    later = open_case(world.deps, {"incident_id": INCIDENT}, "oncall", "remediation__2")
    assert child_runs(world.deps, later, "backfill") == []
    backfilled(granted(world, first), first["conf"])
    (second,) = child_runs(world.deps, later, "backfill")
    assert is_waited_for(world, second)
    backfilled(granted(world, first), first["conf"])
    assert is_waited_for(world, second)
    backfilled(granted(world, second), second["conf"])
    assert unfinished_runs(world.deps, INCIDENT) == []


# --- what a run by hand answers for -------------------------------------------------------------------------------


def test_a_repair_by_hand_does_not_stand_for_one_that_the_policy_names(world, case):
    """Else an empty backfill by hand, after the real one was refused, calls the incident mitigated."""
    (run,) = child_runs(world.deps, case, "backfill")
    backfill_ending.close_run(granted(world, run), run["conf"], None, None)
    world.clock.advance(FIVE_MINUTES)
    backfilled(by_hand(world), {**BY_HAND, "mode": "create-missing"})
    assert recovery(world.deps, case) is Recovery.NOT_REPAIRED


def test_a_run_by_hand_is_no_work_that_would_let_a_severe_incident_end_by_itself(world, case):
    backfilled(by_hand(world), {**BY_HAND, "operation": "dry_run"})
    with world.state.transaction() as state:
        quiet = replace(state.incidents.get(INCIDENT), quiet_windows=5)
    window = Window(NOW + FIVE_MINUTES, FIVE_MINUTES)
    healthy = Verdict(quiet.trigger, "acme", window, Severity.NONE, Scope.ISOLATED, "well")
    step = next_step(quiet, quiet.trigger, window, [healthy], actions(world), window.end, RULES)
    assert step.change is Change.CONTINUED


RULES = LifecycleRules(resolve_after_windows=2, list_at_most=3)


@pytest.mark.parametrize("kind", ["backfill", "undo"])
def test_windows_in_which_a_run_by_hand_wrote_are_no_measure_of_what_is_usual(world, case, kind):
    ended = NOW + timedelta(minutes=30)
    action = Action(new_id(), INCIDENT, kind, "acme", ActionStatus.DONE, NOW, ended, "manual__1", "by hand: done")
    with world.state.transaction() as state:
        state.actions.start(action)
        incident = state.incidents.get(INCIDENT)
        assert quarantined_tenants(state, incident, Window(NOW + FIVE_MINUTES, FIVE_MINUTES)) == {"acme"}


# --- what a remediation settles -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minutes", "is_settled"),
    [
        pytest.param(-1, False, id="may be created yet"),
        pytest.param(0, True, id="as long as a remediation waits at all"),
        pytest.param(1, True, id="longer"),
    ],
)
def test_anothers_run_is_not_called_never_created_while_it_may_be(world, case, minutes, is_settled):
    (run,) = child_runs(world.deps, case, "backfill")
    later = open_case(world.deps, {"incident_id": INCIDENT}, "oncall", "remediation__2")
    world.wall_clock.advance(timedelta(minutes=load_policy().mitigation.wait_minutes + minutes))
    assert settle_runs(world.deps, later, lambda *_: None) is is_settled
    assert is_waited_for(world, run) is not is_settled


def test_a_remediation_knows_of_its_own_runs_whether_they_were_created(world, case):
    child_runs(world.deps, case, "backfill")
    assert settle_runs(world.deps, case, lambda *_: None)
    assert [(each.status, each.outcome) for each in actions(world)] == [(ActionStatus.FAILED, "the run was never created")]


def test_what_a_remediation_called_failed_is_put_right_by_the_run_itself_when_it_goes_on(world, case):
    (run,) = child_runs(world.deps, case, "backfill")
    settle_runs(world.deps, case, lambda *_: "failed")
    backfilled(granted(world, run), run["conf"])
    assert of_run(world, run["trigger_run_id"]) == [("backfill", "acme", ActionStatus.DONE)]


def test_a_run_that_ended_while_a_remediation_looked_keeps_its_own_words(world, case):
    (run,) = child_runs(world.deps, case, "backfill")

    def ends_meanwhile(*_) -> str:
        backfilled(granted(world, run), run["conf"])
        return "success"

    assert settle_runs(world.deps, case, ends_meanwhile)
    assert of_run(world, run["trigger_run_id"]) == [("backfill", "acme", ActionStatus.DONE)]
