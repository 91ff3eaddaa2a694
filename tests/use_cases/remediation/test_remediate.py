"""How a remediation takes up a case, what it starts, and when it calls the signal recovered."""

import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from tests.adapters.guard_state.samples import a_question
from tests.triggers import T1

from ledger_guard.adapters.memory.dependencies import memory_world
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.facts.codec import from_json, json_of
from ledger_guard.domain.flags import EVERYWHERE, FlagChange
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.incidents import Action, ActionStatus, Incident, IncidentStatus
from ledger_guard.domain.signals import Reading, SensedWindow, WindowState
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.domain.windows import Window
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.approvals.own_actions import finish_action
from ledger_guard.use_cases.remediation.recovery import Recovery, recovery
from ledger_guard.use_cases.remediation.remediate import Case, child_runs, open_case, settle_runs, unfinished_runs
from ledger_guard.use_cases.remediation.remediation_steps import ending, tell_case

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=timezone.utc)
INCIDENT = "7d5b1c9e-6a80-4e5d-8f0c-2f4f6d1f9a11"


@pytest.fixture
def world():
    world = memory_world(load_policy(), NOW)
    for tenant in ("acme", "zenith"):
        world.ledger.tenants.add(tenant)
    return world


def incident(**changes) -> Incident:
    usual = Incident(
        incident_id=INCIDENT,
        trigger=T1,
        status=IncidentStatus.OPEN,
        severity=Severity.SEVERE,
        scope=Scope.ISOLATED,
        tenants=("acme",),
        opened_at=NOW,
        first_window_start=NOW,
        last_alarm_window_start=NOW,
        summary="refusals at ten times the baseline",
    )
    return replace(usual, **changes)


def opened(world, **changes) -> Case:
    with world.state.transaction() as state:
        state.incidents.add(incident(**changes))
    return open_case(world.deps, {"incident_id": INCIDENT}, "oncall", "remediation__1")


def status_of(world) -> IncidentStatus:
    with world.state.transaction() as state:
        return state.incidents.get(INCIDENT).status


def test_a_case_carries_the_actions_that_the_matrix_names_without_the_notice(world):
    assert opened(world).actions == ("triage", "backfill", "request_review")


def test_a_widespread_case_proposes_the_rollback_too(world):
    assert "roll_back" in opened(world, scope=Scope.WIDESPREAD).actions


def test_taking_up_a_case_marks_the_incident_as_being_mitigated(world):
    opened(world)
    assert status_of(world) is IncidentStatus.MITIGATING


def test_a_resolved_incident_is_not_taken_up(world):
    with pytest.raises(BadInputError, match="is resolved"):
        opened(world, status=IncidentStatus.RESOLVED)


def test_an_unknown_incident_is_refused(world):
    with pytest.raises(BadInputError):
        open_case(world.deps, {"incident_id": INCIDENT}, "oncall", "run")


BY_HAND = {"trigger": "T1", "severity": "severe", "scope": "isolated", "tenants": ["acme"], "reason": "a player called"}


def test_a_case_by_hand_opens_an_incident(world):
    case = open_case(world.deps, BY_HAND, "oncall", "manual__1")
    with world.state.transaction() as state:
        found = state.incidents.get(case.incident_id)
    assert (found.tenants, found.severity, found.trigger) == (("acme",), Severity.SEVERE, T1)
    assert "oncall" in found.summary
    assert "a player called" in found.summary


def test_a_case_by_hand_joins_the_trouble_that_stands(world):
    opened(world)
    case = open_case(world.deps, {**BY_HAND, "tenants": ["zenith"]}, "oncall", "manual__1")
    assert (case.incident_id, case.tenants) == (INCIDENT, ("zenith",))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"trigger": "T9"}, "allowed: T1, T2, T3", id="unknown trigger"),
        pytest.param({"trigger": None}, "allowed: T1, T2, T3", id="no trigger"),
        pytest.param({"severity": "dire"}, "allowed: none, mild", id="unknown severity word"),
        pytest.param({"severity": "none"}, "allowed: mild, severe", id="severity that needs nothing"),
        pytest.param({"scope": "everywhere"}, "allowed: isolated, widespread", id="unknown scope"),
        pytest.param({"tenants": []}, "at least one tenant", id="no tenant"),
        pytest.param({"tenants": [""]}, "is empty", id="empty tenant"),
        pytest.param({"tenants": ["acme%"]}, "not allowed", id="pattern"),
        pytest.param({"tenants": ["nobody"]}, "no tenant 'nobody'", id="unknown tenant"),
    ],
)
def test_a_case_by_hand_with_a_wrong_word_is_refused_and_nothing_is_stored(world, changes, says):
    with pytest.raises(BadInputError, match=says):
        open_case(world.deps, {**BY_HAND, **changes}, "oncall", "manual__1")
    with world.state.transaction() as state:
        assert state.incidents.listed(include_resolved=True) == []


def test_a_case_survives_the_way_to_another_task(world):
    case = opened(world)
    assert from_json(json_of(case), Case) == case


def test_each_tenant_gets_a_run_of_its_own(world):
    case = opened(world, tenants=("acme", "zenith"))
    runs = child_runs(world.deps, case, "backfill")
    assert [run["conf"]["tenant_id"] for run in runs] == ["acme", "zenith"]
    assert len({run["trigger_run_id"] for run in runs}) == 2
    assert {run["conf"]["operation"] for run in runs} == {"backfill"}


def test_what_is_under_way_is_not_started_twice(world):
    child_runs(world.deps, opened(world), "backfill")
    again = open_case(world.deps, {"incident_id": INCIDENT}, "oncall", "another run")
    assert child_runs(world.deps, again, "backfill") == []


def test_the_same_remediation_run_again_names_the_same_runs(world):
    case = opened(world)
    assert child_runs(world.deps, case, "backfill") == child_runs(world.deps, case, "backfill")


def test_no_more_tenants_than_the_policy_allows_get_a_run(world):
    limit = world.deps.policy.guardrails.max_tenants_per_incident
    case = opened(world, tenants=tuple(f"tenant-{number:03}" for number in range(limit + 1)))
    assert len(child_runs(world.deps, case, "backfill")) == limit


def test_a_rollback_is_one_run_for_the_flag_everywhere(world):
    case = opened(world, scope=Scope.WIDESPREAD)
    (run,) = child_runs(world.deps, case, "roll_back")
    assert (run["conf"]["flag"], run["conf"]["tenant_id"]) == ("ledger_enforce_balance", "*")


@pytest.mark.parametrize(
    ("keeps_tenants", "scopes"),
    [
        pytest.param(True, ["acme", "zenith"], id="a run for each tenant hit"),
        pytest.param(False, ["*"], id="a store without tenants: everybody"),
    ],
)
def test_an_isolated_case_rolls_back_for_the_tenants_hit_where_the_store_can(world, keeps_tenants, scopes):
    world.flags.keeps_tenants = keeps_tenants
    case = opened(world, tenants=("acme", "zenith"))
    runs = child_runs(world.deps, case, "roll_back")
    assert [(run["conf"]["flag"], run["conf"]["tenant_id"]) for run in runs] == [("ledger_enforce_balance", s) for s in scopes]
    assert all(re.fullmatch(r"[A-Za-z0-9_.~:+-]+", run["trigger_run_id"]) for run in runs)
    assert len(unfinished_runs(world.deps, INCIDENT)) == len(scopes)


def switched_off(world, case: Case) -> None:
    """The flag was rolled back for everyone, and the incident counts as mitigated since."""
    question = a_question(incident_id=INCIDENT)
    people = ("oncall", "payments-lead", "refused everywhere")
    change = FlagChange(new_id(), case.flag, EVERYWHERE, True, False, INCIDENT, question.approval_id, *people, NOW)
    with world.state.transaction() as state:
        state.approvals.request(question)
        state.flag_changes.add(change)
        state.incidents.save(replace(state.incidents.get(INCIDENT), mitigated_at=NOW))


def read_since(world, events: int) -> None:
    """A window after the rollback in which the signal was read."""
    window = Window.containing(NOW + timedelta(minutes=5), timedelta(minutes=5))
    reading = Reading(T1, "acme", window, events, 50, events)
    with world.state.transaction() as state:
        state.readings.record([SensedWindow(reading.trigger, window, WindowState.COMPLETE, "", NOW)], [reading])
    world.clock.advance(timedelta(minutes=10))


def test_a_rollback_after_which_the_signal_does_not_fall_is_escalated_by_name(world):
    case = opened(world, scope=Scope.WIDESPREAD)
    switched_off(world, case)
    read_since(world, events=40)
    tell_case(world.deps, case, Recovery.NOT_RECOVERED.value)
    notice = world.notifier.posted[-1].notice
    assert "ledger_enforce_balance was rolled back, but T1 insufficient_funds did not fall within 120 minutes" in notice.summary
    assert "Escalate to payments-lead." in notice.summary


def test_without_a_reading_since_the_rollback_nothing_is_said_of_the_cause(world):
    case = opened(world, scope=Scope.WIDESPREAD)
    switched_off(world, case)
    words = ending(world.deps, case, Recovery.NOT_RECOVERED)
    assert "whether it helped is not known" in words
    assert "not the cause" not in words


@pytest.mark.parametrize(("found", "says"), [(Recovery.RECOVERED, "by itself"), (Recovery.NOT_RECOVERED, "Nothing had to be")])
def test_nothing_is_called_repaired_that_was_not(world, found, says):
    case = opened(world)
    words = ending(world.deps, case, found)
    assert says in words
    assert "Repaired" not in words
    switched_off(world, case)
    assert says not in ending(world.deps, case, found)


@pytest.mark.parametrize(
    ("state", "ended"),
    [
        pytest.param("queued", False, id="not begun"),
        pytest.param("running", False, id="under way"),
        pytest.param("failed", True, id="died before it could say so"),
        pytest.param("success", True, id="ended without saying how"),
        pytest.param(None, True, id="never created"),
    ],
)
def test_a_remediation_waits_for_runs_that_live_and_for_no_others(world, state, ended):
    case = opened(world)
    child_runs(world.deps, case, "backfill")
    assert settle_runs(world.deps, case, lambda *_: state) is ended
    assert (unfinished_runs(world.deps, INCIDENT) == []) is ended


def under_way(world, incident_id: str, tenant: str) -> Action:
    """The backfill of a tenant that was started and has not ended."""
    (action,) = [each for each in unfinished_runs(world.deps, incident_id) if (each.kind, each.target) == ("backfill", tenant)]
    return action


def repaired(world, status: ActionStatus) -> Case:
    case = opened(world)
    child_runs(world.deps, case, "backfill")
    finish_action(world.deps, under_way(world, INCIDENT, "acme"), status, "said so")
    return case


def test_after_the_repair_the_incident_is_mitigated_and_the_signal_is_awaited(world):
    case = repaired(world, ActionStatus.DONE)
    assert recovery(world.deps, case) is Recovery.WAITING
    assert status_of(world) is IncidentStatus.MITIGATED


@pytest.mark.parametrize("status", [ActionStatus.REFUSED, ActionStatus.FAILED])
def test_a_repair_that_was_refused_or_failed_is_not_waited_for(world, status):
    case = repaired(world, status)
    assert recovery(world.deps, case) is Recovery.NOT_REPAIRED
    assert status_of(world) is IncidentStatus.MITIGATING


def test_a_repair_that_another_remediation_has_under_way_is_waited_for(world):
    case = repaired(world, ActionStatus.DONE)
    with world.state.transaction() as state:
        state.incidents.save(replace(state.incidents.get(INCIDENT), tenants=("acme", "zenith")))
    child_runs(world.deps, open_case(world.deps, {"incident_id": INCIDENT}, "oncall", "a later stage"), "backfill")
    assert recovery(world.deps, case) is Recovery.WAITING
    assert status_of(world) is IncidentStatus.MITIGATING


def test_a_repair_that_the_policy_names_and_nobody_started_is_not_called_done(world):
    case = opened(world)
    assert recovery(world.deps, case) is Recovery.NOT_REPAIRED


def test_a_repair_of_an_earlier_stage_does_not_stand_for_a_tenant_that_joined(world):
    """The second stage's triage failed, so nobody started a backfill for the tenant that joined."""
    repaired(world, ActionStatus.DONE)
    with world.state.transaction() as state:
        state.incidents.save(replace(state.incidents.get(INCIDENT), tenants=("acme", "zenith")))
    later = open_case(world.deps, {"incident_id": INCIDENT}, "oncall", "a later stage")
    assert recovery(world.deps, later) is Recovery.NOT_REPAIRED
    assert status_of(world) is IncidentStatus.MITIGATING


def test_with_nothing_to_repair_there_is_nothing_to_wait_for(world):
    case = opened(world, severity=Severity.MILD)
    assert recovery(world.deps, case) is Recovery.NOTHING_REPAIRED


@pytest.mark.parametrize(
    ("minutes", "found"),
    [
        pytest.param(119, Recovery.WAITING, id="before the policy's time"),
        pytest.param(120, Recovery.NOT_RECOVERED, id="at it"),
        pytest.param(121, Recovery.NOT_RECOVERED, id="after it"),
    ],
)
def test_a_signal_that_does_not_fall_in_time_is_called_not_recovered(world, minutes, found):
    case = repaired(world, ActionStatus.DONE)
    recovery(world.deps, case)
    world.clock.advance(timedelta(minutes=minutes))
    assert recovery(world.deps, case) is found


def test_only_a_resolved_incident_counts_as_recovered(world):
    case = repaired(world, ActionStatus.DONE)
    with world.state.transaction() as state:
        state.incidents.save(replace(state.incidents.get(INCIDENT), status=IncidentStatus.RESOLVED))
    assert recovery(world.deps, case) is Recovery.RECOVERED
