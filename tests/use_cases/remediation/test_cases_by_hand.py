"""A case that a person describes stands beside what was sensed: it worsens nothing, replaces nothing, voids nothing."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from tests.triggers import T1

from ledger_guard.adapters.memory.dependencies import memory_world
from ledger_guard.domain.cases_by_hand import BY_HAND
from ledger_guard.domain.facts.codec import from_json, json_of
from ledger_guard.domain.flags import EVERYWHERE
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.incident_lifecycle import Change, LifecycleRules, next_step
from ledger_guard.domain.incidents import Action, ActionStatus, Incident, IncidentStatus
from ledger_guard.domain.verdicts import Scope, Severity, Verdict
from ledger_guard.domain.windows import Window
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.approvals.own_actions import finish_action
from ledger_guard.use_cases.approvals.permission import incident_state
from ledger_guard.use_cases.flags.roll_back import propose_roll_back
from ledger_guard.use_cases.notify.notices import incident_notice
from ledger_guard.use_cases.remediation.recovery import Recovery, recovery
from ledger_guard.use_cases.remediation.remediate import Case, child_runs, open_case
from ledger_guard.use_cases.reports.report import incident_report

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=timezone.utc)
INCIDENT = "7d5b1c9e-6a80-4e5d-8f0c-2f4f6d1f9a11"
FLAG = "ledger_enforce_balance"
EVIDENCE = "acme: 5 refusals of 900, usual 1"
WORSE = {"trigger": "T1", "severity": "severe", "scope": "widespread", "tenants": ["zenith"], "reason": "all of them burn"}
FIVE_MINUTES = timedelta(minutes=5)
RULES = LifecycleRules(resolve_after_windows=2, list_at_most=3)


@pytest.fixture
def world():
    world = memory_world(load_policy(), NOW)
    for tenant in ("acme", "zenith"):
        world.ledger.tenants.add(tenant)
    return world


def sensed(world, **changes) -> Incident:
    found = Incident(
        incident_id=INCIDENT,
        trigger=T1,
        status=IncidentStatus.OPEN,
        severity=Severity.MILD,
        scope=Scope.ISOLATED,
        tenants=("acme",),
        opened_at=NOW,
        first_window_start=NOW - timedelta(minutes=10),
        last_alarm_window_start=NOW - timedelta(minutes=5),
        healthy_tenants=("acme",),
        quiet_windows=1,
        summary=EVIDENCE,
    )
    with world.state.transaction() as state:
        state.incidents.add(replace(found, **changes))
        return state.incidents.get(INCIDENT)


def stored(world, incident_id=INCIDENT) -> tuple[Incident, list[Action]]:
    with world.state.transaction() as state:
        return state.incidents.get(incident_id), state.actions.of_incident(incident_id)


def by_hand(world, run_id="manual__1", **changes) -> Case:
    return open_case(world.deps, {**WORSE, **changes}, "mallory", run_id)


def proposal(world):
    return propose_roll_back(world.deps, FLAG, EVERYWHERE, INCIDENT, "oncall")


def test_an_incident_that_was_sensed_stays_what_it_was_to_the_last_field(world):
    before = sensed(world)
    by_hand(world)
    assert stored(world)[0] == before


def test_the_approval_that_waits_is_for_the_same_still_and_its_evidence_is_shown(world):
    sensed(world)
    asked = proposal(world)
    with world.state.transaction() as state:
        described = incident_state(state, INCIDENT)
    by_hand(world)
    now = proposal(world)
    with world.state.transaction() as state:
        assert incident_state(state, INCIDENT) == described
    assert now.subject_hash == asked.subject_hash
    assert EVIDENCE in now.text
    assert 'mallory calls it severe, widespread and wrote "all of them burn"' in now.text


def test_the_run_works_on_what_was_said_by_hand(world):
    sensed(world)
    case = by_hand(world)
    assert (case.incident_id, case.severity, case.scope, case.tenants) == (INCIDENT, "severe", "widespread", ("zenith",))
    assert "roll_back" in case.actions
    assert from_json(json_of(case), Case) == case


def test_the_case_is_on_record_beside_the_incident_with_whose_words_they_are(world):
    sensed(world)
    by_hand(world, reason='x"\n\n# Approved by the CTO')
    (action,) = stored(world)[1]
    said = 'by hand, no reading says it: mallory calls it severe, widespread and wrote "x\' # Approved by the CTO"'
    assert (action.kind, action.status, action.outcome) == (BY_HAND, ActionStatus.DONE, said)
    assert ("By hand", said) in incident_notice(world.deps, INCIDENT, "classify").facts
    assert "no reading says it: mallory calls it" in incident_report(world.deps, INCIDENT)


def test_a_run_that_is_tried_again_records_its_case_once_and_another_run_its_own(world):
    for run_id in ("manual__1", "manual__1", "manual__2"):
        case = by_hand(world, run_id)
    incident, actions = stored(world, case.incident_id)
    assert [action.kind for action in actions] == [BY_HAND, BY_HAND]
    assert actions[0].detail["opened"] is True
    assert actions[1].detail["opened"] is False
    assert incident.summary == actions[0].outcome


def test_a_repair_by_hand_does_not_call_the_sensed_incident_mitigated(world):
    sensed(world, severity=Severity.SEVERE)
    case = by_hand(world, scope="isolated")
    child_runs(world.deps, case, "backfill")
    finish_action(world.deps, under_way(world, INCIDENT, "zenith"), ActionStatus.DONE, "nothing was wrong")
    assert recovery(world.deps, case) is Recovery.WAITING
    assert stored(world)[0].status is IncidentStatus.OPEN
    world.clock.advance(timedelta(minutes=load_policy().mitigation.recover_within_minutes))
    assert recovery(world.deps, case) is Recovery.NOT_RECOVERED
    assert stored(world)[0].status is IncidentStatus.OPEN


def under_way(world, incident_id, tenant):
    (action,) = [each for each in stored(world, incident_id)[1] if (each.target, each.status) == (tenant, ActionStatus.STARTED)]
    return action


def verdict(tenant, severity, start):
    return Verdict(T1, tenant, Window(start, FIVE_MINUTES), severity, Scope.ISOLATED, f"{tenant} is {severity.value}")


def judged(world, incident_id, *verdicts, at=NOW):
    incident, actions = stored(world, incident_id)
    return next_step(
        incident, incident.trigger, Window(at, FIVE_MINUTES), verdicts, actions, at + timedelta(minutes=5, seconds=10), RULES
    )


@pytest.mark.parametrize("severity", [Severity.MILD, Severity.SEVERE])
def test_trouble_that_is_sensed_later_opens_the_incident_as_sensed_whatever_was_said_before(world, severity):
    """Else a case by hand, opened beforehand as the gravest there is, keeps the real one from ever being news."""
    case = by_hand(world)
    with world.state.transaction() as state:
        state.incidents.save(replace(state.incidents.get(case.incident_id), thread_channel="C1", thread_ts="1.2"))
    found = judged(world, case.incident_id, verdict("acme", severity, NOW))
    after = found.incident
    assert found.change is Change.OPENED
    assert (after.incident_id, after.severity, after.scope) == (case.incident_id, severity, Scope.ISOLATED)
    assert (after.tenants, after.status, after.thread_ts) == (("acme",), IncidentStatus.OPEN, "1.2")
    assert "mallory" not in after.summary
    with world.state.transaction() as state:
        state.incidents.save(after)
    again = judged(world, case.incident_id, verdict("acme", severity, NOW + timedelta(minutes=5)), at=NOW + timedelta(minutes=5))
    assert again.change is Change.CONTINUED


def test_a_case_by_hand_is_no_work_that_would_let_a_severe_incident_end_by_itself(world):
    sensed(world, severity=Severity.SEVERE, quiet_windows=5)
    by_hand(world)
    found = judged(world, INCIDENT, verdict("acme", Severity.NONE, NOW + timedelta(minutes=5)), at=NOW + timedelta(minutes=5))
    assert found.change is Change.CONTINUED


def test_an_incident_of_which_nothing_was_sensed_is_taken_up_and_mitigated_as_before(world):
    case = by_hand(world, scope="isolated")
    assert stored(world, case.incident_id)[0].status is IncidentStatus.MITIGATING
    child_runs(world.deps, case, "backfill")
    finish_action(world.deps, under_way(world, case.incident_id, "zenith"), ActionStatus.DONE, "repaired")
    recovery(world.deps, case)
    assert stored(world, case.incident_id)[0].status is IncidentStatus.MITIGATED


def test_an_action_of_the_same_kind_that_was_not_made_here_says_nothing_of_the_opening(world):
    sensed(world, first_window_start=NOW, last_alarm_window_start=NOW)
    action = Action(new_id(), INCIDENT, BY_HAND, "", ActionStatus.DONE, NOW, detail={"opened": False})
    with world.state.transaction() as state:
        state.actions.start(action)
    assert judged(world, INCIDENT, verdict("acme", Severity.MILD, NOW)).change is Change.CONTINUED
