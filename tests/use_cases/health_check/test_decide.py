"""Which way the health check goes."""

import json
from dataclasses import replace

import pytest
from health_worlds import INCIDENT_ID, POLICY, audited, incident, world_at
from tests.triggers import T1, T3, TRIGGERS

from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.facts.codec import json_of
from ledger_guard.domain.incident_lifecycle import Change
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.use_cases.health_check.classify_outcome import ClassifyOutcome
from ledger_guard.use_cases.health_check.decide import decide


def outcome(change, incident_id=INCIDENT_ID, judged=1, blind=0, trigger=T1):
    return ClassifyOutcome(trigger, judged, change, incident_id, Severity.SEVERE, Scope.ISOLATED, None, blind)


def world_with(policy=POLICY, **fields):
    world = world_at()
    with world.deps.state.transaction() as state:
        state.incidents.add(incident(**fields))
    return world


CASES = [(trigger, severity, scope) for trigger in TRIGGERS for severity in (Severity.MILD, Severity.SEVERE) for scope in Scope]


@pytest.mark.parametrize("change", [Change.OPENED, Change.ESCALATED])
@pytest.mark.parametrize(("trigger", "severity", "scope"), CASES)
def test_an_incident_that_opened_or_escalated_is_answered_by_its_matrix_row(trigger, severity, scope, change):
    world = world_with(trigger=trigger, severity=severity, scope=scope)
    decision = decide(world.deps, outcome(change, trigger=trigger))
    assert decision.actions == POLICY.row_for(trigger, severity, scope).actions
    assert decision.branch == "remediate"
    assert decision.remediation_run_id.startswith(f"remediation__{INCIDENT_ID}__{severity.value}__{scope.value}")


def test_a_remediation_starts_once_per_stage_of_an_incident_and_the_tenants_of_an_isolated_one_make_a_stage():
    isolated = incident(severity=Severity.SEVERE, tenants=("a",))
    widespread = replace(isolated, scope=Scope.WIDESPREAD)
    assert isolated.stage_key() == replace(isolated, version=3, summary="other words").stage_key()
    assert isolated.stage_key() != replace(isolated, tenants=("a", "b")).stage_key()
    assert widespread.stage_key() == replace(widespread, tenants=("a", "b")).stage_key()


def test_a_row_that_only_notifies_starts_no_remediation(monkeypatch):
    world = world_with(severity=Severity.MILD)
    rows = tuple(row.model_copy(update={"actions": ("notify",)}) for row in POLICY.matrix)
    object.__setattr__(world.deps, "policy", POLICY.model_copy(update={"matrix": rows}))
    decision = decide(world.deps, outcome(Change.OPENED))
    assert (decision.branch, decision.remediation_run_id) == ("notify", None)


@pytest.mark.parametrize("change", [Change.CONTINUED, Change.QUIET])
def test_nothing_new_leads_to_nothing(change):
    world = world_with()
    assert decide(world.deps, outcome(change)).branch == "nothing"
    assert audited(world) == []


@pytest.mark.parametrize(("thread", "branch"), [("1700000000.000100", "notify"), (None, "nothing")])
def test_an_end_is_told_where_the_beginning_was_told(thread, branch):
    world = world_with(thread_channel="C1" if thread else None, thread_ts=thread)
    assert decide(world.deps, outcome(Change.RESOLVED)).branch == branch


@pytest.mark.parametrize(
    ("judged", "blind", "branch"),
    [
        pytest.param(1, 1, "nothing", id="the first unreadable window"),
        pytest.param(1, 2, "notify", id="the second"),
        pytest.param(1, 3, "nothing", id="the third: it was told already"),
        pytest.param(3, 3, "notify", id="three at once"),
        pytest.param(3, 4, "notify", id="three more after one"),
        pytest.param(3, 5, "nothing", id="three more after two"),
        pytest.param(0, 2, "nothing", id="nothing new"),
    ],
)
def test_blindness_is_told_once_at_its_second_window(judged, blind, branch):
    assert decide(world_at().deps, outcome(Change.BLIND, None, judged, blind)).branch == branch


def test_a_decision_is_on_record_with_the_policy_it_rests_on():
    world = world_with(trigger=T3)
    decide(world.deps, outcome(Change.OPENED, trigger=T3))
    with world.deps.state.transaction() as state:
        (entry,) = state.audit.entries(incident_id=INCIDENT_ID)
    assert (entry.event.verb, entry.event.detail["branch"]) == ("decide", "remediate")
    assert entry.event.detail["policy_hash"] == POLICY.content_hash


def test_an_unknown_incident_or_none_where_there_must_be_one_is_refused():
    world = world_at()
    for unknown in (INCIDENT_ID, None):
        with pytest.raises(BadInputError):
            decide(world.deps, outcome(Change.OPENED, unknown))
    assert audited(world) == []


def test_a_decision_travels_as_json():
    found = json.loads(json.dumps(json_of(decide(world_with().deps, outcome(Change.OPENED)))))
    assert (found["branch"], found["incident_id"]) == ("remediate", INCIDENT_ID)
